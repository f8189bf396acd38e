#!/usr/bin/env python3
"""Holds comments and prose to the rules of CONTRIBUTING.md, as far as a pattern can.

    python tests/words.py [FILE…]

Checks Rust comments for their width, for doc lines that open with "What …" or "How …", and for words that
this project doesn't use. Exit code 1 if a line breaks a rule.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110
COMMENT = re.compile(r"^\s*(///|//!|//)(?!/) ?(.*)$")
OPENINGS = re.compile(r"^(What|How) (?!happens\b|happened\b)")
RETIRED = re.compile(
    r"\b(anew|nobody|somebody|wherefrom|as it was told|what stands there|is told of|are told of|of whom"
    r"|to be told again|beside(?! the point)(?!`))\b",
    re.IGNORECASE,
)


def rust_files():
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split()]


def faults(path):
    """Yields the line number and the fault of each comment that breaks a rule."""
    was_doc = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = COMMENT.match(line)
        if not found:
            was_doc = False
            continue
        marker, text = found.groups()
        if len(line) > WIDTH:
            yield number, f"comment of {len(line)} columns, more than {WIDTH}"
        is_doc = marker in ("///", "//!")
        if is_doc and not was_doc and OPENINGS.match(text):
            yield number, f"opens with a clause, not with a noun or a verb: {text}"
        if word := RETIRED.search(text):
            yield number, f"`{word.group()}`: {text}"
        was_doc = is_doc


def main():
    paths = [Path(name).resolve() for name in sys.argv[1:]] or rust_files()
    count = 0
    for path in paths:
        for number, fault in faults(path):
            count += 1
            print(f"{path.relative_to(ROOT)}:{number}: {fault}")
    if count:
        sys.exit(f"{count} comments break a rule of CONTRIBUTING.md")


if __name__ == "__main__":
    main()
