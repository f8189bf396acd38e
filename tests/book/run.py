#!/usr/bin/env python3
"""The book and the README: runs the sessions that they show, and checks their links and references.

    python3 tests/book/run.py BINARY                     # run the sessions, then check the pages
    python3 tests/book/run.py BINARY docs/tutorial.md    # run the sessions of this page only
    python3 tests/book/run.py BINARY --update            # write the real outputs into the pages
    python3 tests/book/run.py --check                    # check the pages only; needs no binary

A session is a part of a page between `<!-- session: FOLDER -->` and `<!-- end of session -->`. Its FOLDER is
`empty` or `repository` (a copy of this repository's pipeline). See `session.py` for its blocks.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pages
import session

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = ["project.yml", "sources.yml", "models", "macros", "data-tests", "snapshots", "data"]


def lay_out(folder: str, scratch: Path) -> Path:
    """Creates the folder in which a session starts."""
    place = scratch / "headwater"
    place.mkdir()
    if folder == "repository":
        for name in PIPELINE:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, place / name)
    elif folder != "empty":
        raise SystemExit(f"unknown folder of a session: {folder}")
    return place


def run_sessions(binary: Path, only: list[Path], update: bool) -> tuple[int, list[str]]:
    """Runs the sessions of these pages. Returns the number of commands, and the faults."""
    commands, faults = 0, []
    for page in only:
        text = page.read_text(encoding="utf-8")
        edits: list[session.Edit] = []
        for part in session.find(text):
            with tempfile.TemporaryDirectory(prefix="headwater-book-") as folder:
                scratch = Path(folder)
                place = lay_out(part.folder, scratch)
                (scratch / "bin").mkdir()
                (scratch / "bin" / "headwater").symlink_to(binary)
                outcome = part.run(place, scratch / "bin")
            name = page.relative_to(ROOT)
            print(f"{name}: {outcome.commands} commands, {len(outcome.faults)} faults", flush=True)
            commands += outcome.commands
            faults += [f"{name}:{fault}" for fault in outcome.faults]
            edits += outcome.edits
        if update and edits:
            page.write_text(session.edited(text, edits), encoding="utf-8")
    return commands, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary", nargs="?", type=Path, help="the headwater to run")
    parser.add_argument("page", nargs="*", type=Path, help="run the sessions of these pages only")
    parser.add_argument("--update", action="store_true", help="write the real outputs into the pages")
    parser.add_argument("--check", action="store_true", help="check the pages only")
    args = parser.parse_args()
    if not args.check and args.binary is None:
        parser.error("name the binary, or pass --check")

    faults, commands = pages.check(ROOT), 0
    if not args.check:
        binary = args.binary.resolve()
        if not os.access(binary, os.X_OK):
            parser.error(f"{binary} can't be executed")
        faults += pages.check_help(ROOT, binary)
        commands, more = run_sessions(binary, [page.resolve() for page in args.page] or pages.hand_written(ROOT), args.update)
        faults += more
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"book: {len(pages.hand_written(ROOT))} pages, {commands} commands, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
