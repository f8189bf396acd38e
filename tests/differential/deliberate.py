#!/usr/bin/env python3
"""Writes the deliberate differences from DuckDB into a page of the documentation.

    python tests/differential/deliberate.py PAGE [--check]

PAGE holds the lines `<!-- deliberate differences -->` and `<!-- end of deliberate differences -->`; what is
between them comes from `deliberate.yml`. With `--check` nothing is written, and exit code 1 says that the
page is out of date.
"""

import argparse
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
START, END = "<!-- deliberate differences -->", "<!-- end of deliberate differences -->"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="fail if the page is out of date instead of writing it"
    )
    given = parser.parse_args()
    text = given.page.read_text()
    if START not in text or END not in text:
        sys.exit(f"{given.page} lacks the line `{START}` or `{END}`")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    entries = yaml.safe_load((HERE / "deliberate.yml").read_text()) or []
    reasons = dict.fromkeys(entry["reason"].strip() for entry in entries)
    made = f"{before}{START}\n" + "".join(f"- {reason}\n" for reason in reasons) + f"{END}{after}"
    if given.check:
        sys.exit(
            0
            if made == text
            else f"{given.page} is out of date: run tests/differential/deliberate.py {given.page}"
        )
    given.page.write_text(made)


if __name__ == "__main__":
    main()
