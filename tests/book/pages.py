"""The pages: their links, headings, width, and whether the references are complete."""

import re
import subprocess
from functools import cache
from pathlib import Path

WIDTH = 110
# Generated from the code; unit tests keep them in sync.
GENERATED = ["docs/functions.md", "docs/keys.md", "docs/sources.md"]
FENCE = re.compile(r"^\s*```")
HEADING = re.compile(r"^#{1,6} (.+?)\s*$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`+[^`]*`+")


@cache
def hand_written(root: Path) -> list[Path]:
    """Returns the README and the pages of the book that people write, in order."""
    book = sorted((root / "docs").rglob("*.md"))
    return [root / "README.md"] + [page for page in book if str(page.relative_to(root)) not in GENERATED]


def all_pages(root: Path) -> list[Path]:
    others = ["CONTRIBUTING.md", "SECURITY.md"]
    return [root / name for name in ["README.md", *others]] + sorted((root / "docs").rglob("*.md"))


def prose(text: str) -> list[tuple[int, str]]:
    """Returns the lines outside of fenced blocks, with their numbers."""
    lines, fenced = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            lines.append((number, line))
    return lines


@cache
def anchors(page: Path) -> frozenset[str]:
    """Returns the anchors of a page's headings, as GitHub and mdBook make them."""
    found: dict[str, int] = {}
    for _, line in prose(page.read_text(encoding="utf-8")):
        if match := HEADING.match(line):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "")
            name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            found[name] = found.get(name, -1) + 1
    return frozenset(name if at == 0 else f"{name}-{at}" for name, last in found.items() for at in range(last + 1))


def check_links(root: Path, page: Path) -> list[str]:
    faults, docs = [], root / "docs"
    for number, line in prose(page.read_text(encoding="utf-8")):
        for target in LINK.findall(CODE.sub("", line)):
            where = f"{page.relative_to(root)}:{number}: {target}"
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            if not to.exists():
                faults.append(f"{where}: there is no such file")
            elif docs in page.parents and docs not in to.parents:
                faults.append(f"{where}: leads out of the book, so it breaks when the book is built")
            elif anchor and anchor not in anchors(to):
                faults.append(f"{where}: {to.name} has no such heading")
    return faults


def check_width(root: Path, page: Path) -> list[str]:
    faults, generated = [], False
    text = page.read_text(encoding="utf-8")
    for number, line in prose(text):
        # The code or a test writes what is between `<!-- x -->` and `<!-- end of x -->`.
        if line.startswith("<!-- end of "):
            generated = False
        elif line.startswith("<!-- ") and f"<!-- end of {line[5:]}" in text:
            generated = True
        if len(line) > WIDTH and not generated and not line.startswith(("|", "<!--")):
            faults.append(f"{page.relative_to(root)}:{number}: {len(line)} columns, more than {WIDTH}")
    return faults


def check_tables(root: Path, page: Path) -> list[str]:
    """Checks that all rows of a table have as many cells as its header."""
    faults, cells = [], 0
    for number, line in prose(page.read_text(encoding="utf-8")):
        if not line.startswith("|"):
            cells = 0
            continue
        here = len(re.findall(r"(?<!\\)\|", line)) - 1
        cells = cells or here
        if here != cells:
            faults.append(f"{page.relative_to(root)}:{number}: {here} cells, not {cells}; `|` in a cell is `\\|`")
    return faults


def check_summary(root: Path) -> list[str]:
    """Checks that the table of contents lists every page once."""
    summary = root / "docs" / "SUMMARY.md"
    listed = [target for _, line in prose(summary.read_text(encoding="utf-8")) for target in LINK.findall(line)]
    pages = {str(page.relative_to(summary.parent)) for page in summary.parent.rglob("*.md")} - {"SUMMARY.md"}
    faults = [f"docs/SUMMARY.md: {page} is missing" for page in sorted(pages - set(listed))]
    return faults + [f"docs/SUMMARY.md: {page} is listed twice" for page in set(listed) if listed.count(page) > 1]


def check_keys(root: Path) -> list[str]:
    """Checks that the page about configuration has every key that acts, as the table of keys says."""
    reference = (root / "docs/keys.md").read_text(encoding="utf-8")
    table = reference.split("\n## Configuration\n")[1].split("\n## ")[0]
    keys = set(re.findall(r"^\| `(\w+)` \| acts \|", table, re.MULTILINE))
    page = (root / "docs/configuration.md").read_text(encoding="utf-8")
    return [f"docs/configuration.md: `{key}` is missing" for key in sorted(keys) if f"`{key}`" not in page]


def check(root: Path) -> list[str]:
    faults = check_summary(root) + check_keys(root)
    for page in all_pages(root):
        faults += check_links(root, page)
    for page in hand_written(root):
        faults += check_width(root, page) + check_tables(root, page)
    lines = len((root / "README.md").read_text(encoding="utf-8").splitlines())
    if lines >= 150:
        faults.append(f"README.md: {lines} lines; it stays below 150, the rest is the book's")
    return faults


def check_help(root: Path, binary: Path) -> list[str]:
    """Checks that the command-line reference has the binary's commands and options, and no other options."""
    page = (root / "docs/command-line.md").read_text(encoding="utf-8")

    def options(*command: str) -> set[str]:
        said = subprocess.run([binary, *command, "--help"], capture_output=True, text=True, check=True).stdout
        return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", said, re.MULTILINE))

    def commands(*command: str) -> list[str]:
        said = subprocess.run([binary, *command, "--help"], capture_output=True, text=True, check=True).stdout
        listed = re.search(r"^Commands:\n(.*?)\n\n", said, re.MULTILINE | re.DOTALL)
        names = re.findall(r"^  ([\w-]+)", listed[1], re.MULTILINE) if listed else []
        return [name for name in names if name != "help"]

    faults, known = [], options()
    for name in commands():
        for command in [(name, child) for child in commands(name)] or [(name,)]:
            title = " ".join(command)
            known |= options(*command)
            if f"`{title}`" not in page:
                faults.append(f"docs/command-line.md: the command `{title}` is missing")
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", page))
    faults += [f"docs/command-line.md: the option `{option}` is missing" for option in sorted(known - named)]
    return faults + [f"docs/command-line.md: there is no option `{option}`" for option in sorted(named - known)]
