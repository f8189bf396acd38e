#!/usr/bin/env python3
"""Writes the deliberate differences from DuckDB and PostgreSQL into a page of the documentation.

    python tests/differential/deliberate.py PAGE [--check]

PAGE contains the lines `<!-- deliberate differences -->` and `<!-- end of deliberate differences -->`. The
text between them comes from `deliberate.yml`, and likewise for PostgreSQL. With `--check`, nothing is
written; exit code 1 means that the page is out of date.
"""

import argparse
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
# The lists of a page: the text of their first line, and the file of their entries.
LISTS = {
    "deliberate differences": HERE / "deliberate.yml",
    "deliberate differences from PostgreSQL": HERE / "postgres" / "deliberate.yml",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="fail if the page is out of date instead of writing it"
    )
    given = parser.parse_args()
    text = given.page.read_text()
    made = text
    for words, path in LISTS.items():
        start, end = f"<!-- {words} -->", f"<!-- end of {words} -->"
        if start not in made or end not in made:
            sys.exit(f"{given.page} lacks the line `{start}` or `{end}`")
        before, rest = made.split(start, 1)
        after = rest.split(end, 1)[1]
        entries = yaml.safe_load(path.read_text()) or []
        reasons = dict.fromkeys(entry["reason"].strip() for entry in entries)
        made = f"{before}{start}\n" + "".join(f"- {reason}\n" for reason in reasons) + f"{end}{after}"
    if given.check:
        sys.exit(
            0
            if made == text
            else f"{given.page} is out of date: run tests/differential/deliberate.py {given.page}"
        )
    given.page.write_text(made)


if __name__ == "__main__":
    main()
