#!/usr/bin/env python3
"""Renders a corpus of template snippets with dbt's own Jinja environment and with Headwater, and compares.

    python run.py BINARY [CORPUS…] [--list]

Needs dbt-core in this Python. A corpus has one snippet a line; `\\n` in it is a line end, lines that open with
`##` are comments, and `##! reason` marks the following snippet as a deliberate difference. Both must print the
same text, or both must fail. `--list` prints every difference, rather than the first twenty. Exit code 1 if
there is any.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
VARS = "{limit: 7, name: Ann, flags: [a, b], nested: {x: 1, y: [2, 3]}, empty: '', on_sale: false, price: 1.5}"


def snippets(paths):
    """Yields the snippets, each with the reason why it may differ."""
    reason = None
    for path in paths:
        for line in path.read_text().splitlines():
            if line.startswith("##!"):
                reason = line[3:].strip()
            elif line.strip() and not line.startswith("##"):
                yield line.replace("\\n", "\n"), reason
                reason = None


def by_dbt(all_snippets):
    """Returns what dbt renders, or None where it fails."""
    import yaml
    from dbt.clients.jinja import get_rendered
    from dbt_common.clients.jinja import MacroFuzzParser
    from jinja2.parser import Parser
    from dbt.context.base import generate_base_context

    # In dbt, a model's own macros can't be called in it; its macro files are plain Jinja, too.
    MacroFuzzParser.parse_macro = Parser.parse_macro
    rendered = []
    for snippet in all_snippets:
        context = generate_base_context(yaml.safe_load(VARS))
        try:
            rendered.append(get_rendered(snippet, context))
        except BaseException as error:  # dbt's errors have several roots
            if isinstance(error, KeyboardInterrupt):
                raise
            rendered.append(None)
    return rendered


def by_headwater(binary, all_snippets):
    """Returns what Headwater renders, or None where it fails."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="headwater-jinja-"))
    models = folder / "models"
    models.mkdir()
    settings = "name: corpus\ndialect: duckdb\ntargets:\n  dev: {root: lake}\n"
    (folder / "project.yml").write_text(settings)
    names = {}
    for number, snippet in enumerate(all_snippets):
        name = f"s{number:04}"
        names[name] = number
        quoted = "{{ __text | replace(\"'\", \"''\") }}"
        (models / f"{name}.sql").write_text(
            "{% set __text %}<" + snippet + ">{% endset %}\nselect '" + quoted + "' as text\n"
        )
    failed = set()
    while True:
        command = [binary, "--project-dir", str(folder), "--no-color", "--quiet", "compile", "--vars", VARS]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if ran.returncode == 0:
            break
        broken = set(re.findall(r"models/(s\d{4})\.sql", ran.stdout + ran.stderr)) - failed
        if not broken:
            sys.exit(f"compile failed:\n{ran.stdout}{ran.stderr}"[:4000])
        failed |= broken
        for name in broken:
            (models / f"{name}.sql").unlink()
    rendered = []
    for name in sorted(names):
        path = folder / "target" / "headwater" / "compiled" / "corpus" / "models" / f"{name}.sql"
        if not path.exists():
            path = folder / "target" / "compiled" / "corpus" / "models" / f"{name}.sql"
        if name in failed or not path.exists():
            rendered.append(None)
            continue
        found = re.search(r"select '<(.*)>' as text", path.read_text(), re.DOTALL)
        rendered.append(found.group(1).replace("''", "'") if found else None)
    shutil.rmtree(folder)
    return rendered


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("binary")
    arguments.add_argument("corpus", nargs="*", type=pathlib.Path)
    arguments.add_argument("--list", action="store_true")
    given = arguments.parse_args()
    corpus = given.corpus or sorted(HERE.glob("*.txt"))
    pairs = list(snippets(corpus))
    texts = [snippet for snippet, _ in pairs]
    theirs, ours = by_dbt(texts), by_headwater(given.binary, texts)
    equal = deliberate = 0
    different = []
    for (snippet, reason), dbt, headwater in zip(pairs, theirs, ours):
        if dbt == headwater:
            equal += 1
            if reason:
                different.append(f"no longer different, though marked so ({reason})\n  {snippet!r}")
        elif reason:
            deliberate += 1
        else:
            different.append(f"{snippet!r}\n  dbt:       {dbt!r}\n  headwater: {headwater!r}")
    for text in different if given.list else different[:20]:
        print(text)
    print(f"{len(pairs)} snippets: {equal} equal, {deliberate} deliberately different, {len(different)} different")
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
