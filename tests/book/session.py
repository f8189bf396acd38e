"""Sessions: runs the blocks of a part of a page in a scratch folder.

- ```` ```yaml file=models/a.yml ````: writes the block to this file. `append=` adds it at the file's end.
- ```` ```console ````: a line that begins with `$ ` is a command, `> ` continues it, and what follows is its
  output. A line `…` stands for any lines. `exit=1` is the exit code of the block's last command; all others
  end with 0.
- `<!-- $ command -->`: a command that the page doesn't show; its output isn't compared.
- Other blocks are only shown.

Times, durations, sizes and hashes are normalised before outputs are compared. Lines of a run's log may come
in any order, since steps run side by side.
"""

import difflib
import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

BEGIN = re.compile(r"^<!-- session: (\S+) -->$")
END = "<!-- end of session -->"
HIDDEN = re.compile(r"^<!-- \$ (.+) -->$")
FENCE = re.compile(r"^```(\S+)?\s*(.*)$")
ANY = "…"

# What differs from run to run. Timestamps in the data have no fraction of a second and no `Z` after a space.
NORMAL = [
    (re.compile(r"^\d\d:\d\d:\d\d\b"), "hh:mm:ss"),
    (re.compile(r"\bin \d+ hours? \d+ minutes? and [\d.]+ seconds? \([\d.]+s\)"), "in <time>"),
    (re.compile(r"\bin \d+\.\d\ds\]"), "in <time>]"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+Z?"), "<moment>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{32,}\b"), "<hash>"),
    (re.compile(r"\b[\d.]+ (B|KiB|MiB)\b"), "<size>"),
    (re.compile(r"\bheadwater=\S+"), "headwater=<version>"),
    (re.compile(r"\(target='dev'\)"), ""),
    (re.compile(r"Concurrency: \d+ threads?"), "Concurrency: <n>"),
]
STEP = re.compile(r"^hh:mm:ss \d+ of (\d+) ")


def normal(line: str) -> str:
    """Replaces what differs from run to run."""
    line = line.rstrip()
    for pattern, instead in NORMAL:
        line = pattern.sub(instead, line)
    if line.startswith("hh:mm:ss"):
        line = re.sub(r" \.{2,} ?|\s+", " ", line).rstrip()
        line = STEP.sub(r"hh:mm:ss # of \1 ", line)
    return line


def is_step(line: str) -> bool:
    return line.startswith("hh:mm:ss # of ")


def matches(shown: list[str], real: list[str]) -> bool:
    """Returns whether an output is the one that the page shows."""
    shown, real = [normal(line) for line in shown], [normal(line) for line in real]
    steps, real_steps = Counter(filter(is_step, shown)), Counter(filter(is_step, real))
    whole = ANY not in [line.strip() for line in shown]
    if (steps != real_steps) if whole else (steps - real_steps):
        return False
    lines = [line for line in shown if not is_step(line)]
    pattern = "".join(r"(.*\n)*" if line.strip() == ANY else re.escape(line) + r"\n" for line in lines)
    text = "".join(line + "\n" for line in real if not is_step(line))
    return re.fullmatch(pattern, text) is not None


@dataclass
class Edit:
    """Lines of a page, and the real output that replaces them."""

    first: int
    last: int
    lines: list[str]


@dataclass
class Outcome:
    commands: int = 0
    faults: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


@dataclass
class Command:
    text: str
    # The line of the shown output in the page, and the output.
    at: int
    shown: list[str]
    exit: int = 0


@dataclass
class Block:
    at: int
    attributes: dict[str, str]
    language: str
    lines: list[str]

    def commands(self) -> list[Command]:
        found: list[Command] = []
        for number, line in enumerate(self.lines, self.at + 1):
            if line.startswith("$ "):
                found.append(Command(line[2:], number + 1, []))
            elif line.startswith("> ") and found and not found[-1].shown:
                found[-1].text += "\n" + line[2:]
                found[-1].at = number + 1
            elif found:
                found[-1].shown.append(line)
            else:
                raise SystemExit(f"line {number}: a console block begins with `$ `")
        if found:
            found[-1].exit = int(self.attributes.get("exit", 0))
        return found


@dataclass
class Session:
    folder: str
    blocks: list[Block]

    def run(self, place: Path, path: Path) -> Outcome:
        outcome, here = Outcome(), place
        ours = ("HEADWATER_", "DBT_", "OPENLINEAGE_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        env |= {"PATH": f"{path}:{env['PATH']}", "TZ": "UTC", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        for block in self.blocks:
            for key, mode in (("file", "w"), ("append", "a")):
                if key in block.attributes:
                    target = here / block.attributes[key]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open(mode, encoding="utf-8") as file:
                        file.write("".join(line + "\n" for line in block.lines))
            if block.language != "console":
                continue
            for command in block.commands():
                # Reports the shell's folder, in which the next command runs.
                script = f"{command.text}\ncode=$?; pwd >&3; exit $code"
                read, write = os.pipe()
                shell = f"exec 3>&{write}\n{script}"
                done = subprocess.run(
                    ["bash", "-c", shell], cwd=here, env=env, text=True, pass_fds=[write], timeout=600,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                )
                os.close(write)
                with os.fdopen(read, encoding="utf-8") as file:
                    here = Path(file.read().strip() or here)
                outcome.commands += 1
                self.judge(command, done.returncode, done.stdout.splitlines(), outcome)
        return outcome

    @staticmethod
    def judge(command: Command, code: int, real: list[str], outcome: Outcome) -> None:
        if code != command.exit:
            said = "\n".join(real)
            outcome.faults.append(f"{command.at}: `{command.text}` ended with {code}, not {command.exit}\n{said}")
        if matches(command.shown, real):
            return
        before, after = map(normal, command.shown), map(normal, real)
        diff = difflib.unified_diff(list(before), list(after), "shown", "real", lineterm="", n=1)
        outcome.faults.append(f"{command.at}: `{command.text}` prints something else\n" + "\n".join(diff))
        if ANY not in [line.strip() for line in command.shown]:
            outcome.edits.append(Edit(command.at, command.at + len(command.shown), real))


def blocks(lines: list[str], first: int) -> list[Block]:
    """Returns the fenced blocks of some lines. `first` is the number of the first line."""
    found, fence = [], None
    for number, line in enumerate(lines, first):
        if fence is None:
            if match := HIDDEN.match(line):
                found.append(Block(number, {}, "console", [f"$ {match[1]}", ANY]))
            elif match := FENCE.match(line):
                attributes = dict(re.findall(r"(\w+)=(\S+)", match[2] or ""))
                fence = Block(number, attributes, match[1] or "", [])
        elif line == "```":
            found.append(fence)
            fence = None
        else:
            fence.lines.append(line)
    return found


def find(text: str) -> list[Session]:
    """Returns the sessions of a page."""
    found, begun = [], None
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if match := BEGIN.match(line):
            begun = (match[1], number)
        elif line == END and begun:
            folder, first = begun
            found.append(Session(folder, blocks(lines[first : number - 1], first + 1)))
            begun = None
    if begun:
        raise SystemExit(f"line {begun[1]}: the session has no end")
    return found


def edited(text: str, edits: list[Edit]) -> str:
    """Returns a page with real outputs instead of the shown ones."""
    lines = text.splitlines()
    for edit in sorted(edits, key=lambda edit: -edit.first):
        lines[edit.first - 1 : edit.last - 1] = edit.lines
    return "\n".join(lines) + "\n"
