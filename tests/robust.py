#!/usr/bin/env python3
"""Runs all attack tests and prints a table: test, tries, failures, figure.

    python tests/robust.py BINARY [--quick | --long] [--only crash,paths] [--seed 1] [--jobs 1]

--quick  a small number of tries, for CI: about 4 minutes on two cores with --jobs 2
--long   large numbers: 200 kills and 20 races, 1,000 paths, all names and texts

Each test is `tests/NAME/run.py BINARY --table`; its last line is JSON with `test`, `tries`, `failures` and
`figure`. A test without that line counts as failed. Exit code 1 if any test failed. Use a Python that has the
packages of these tests' requirements.txt, such as the one for tests/readers, and a binary that the tests can
kill at its writes: `cargo build --release --locked --features failpoints`.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = ("crash", "fault", "fuzz", "secrets", "paths", "memory", "hostile", "soak")
# The smart-meter project, which the crash test builds.
PROJECT = ("project.yml", "sources.yml", "models", "macros", "data-tests", "snapshots", "data")
# The time limits of one test, in seconds; after that it counts as hung.
QUICK, NORMAL, LONG = 600, 3600, 6 * 3600


def arguments(test, script, args, scratch):
    more = ["--table"]
    if test == "crash":
        project = scratch / "project"
        project.mkdir()
        for name in PROJECT:
            source = HERE.parent / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, project / name)
        more.insert(0, str(project))
    known = script.read_text()
    for option, value in (("--quick", args.quick), ("--long", args.long)):
        if value and f'"{option}"' in known + (HERE / "trials.py").read_text() * ("trials" in known):
            more.append(option)
    if '"--seed"' in known or "trials" in known:
        more += ["--seed", str(args.seed)]
    return more


def run(test, args):
    """Runs one test, and returns its row of the table and its output."""
    script = HERE / test / "run.py"
    if not script.is_file():
        return {"test": test, "tries": 0, "failures": 1, "figure": f"no {script.relative_to(HERE.parent)}"}, ""
    limit = QUICK if args.quick else LONG if args.long else NORMAL
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hw-robust-") as scratch:
        # Some attacks run as an unprivileged user.
        os.chmod(scratch, 0o755)
        command = [sys.executable, script, args.binary, *arguments(test, script, args, Path(scratch))]
        # The test's children share its session, so they end with it.
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env=os.environ | {"TMPDIR": scratch},
        )
        try:
            said, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            end(child)
            said, _ = child.communicate()
            said += f"\nended after {limit} s"
    seconds = time.monotonic() - began
    line = read(test, said)
    if line is None:
        line = {
            "test": test,
            "tries": 0,
            "failures": 1,
            "figure": f"exit {child.returncode} without a result: {last(said)}",
        }
    elif child.returncode != 0 and line["failures"] == 0:
        line |= {"failures": 1, "figure": f"exit {child.returncode}; {line['figure']}"}
    line["seconds"] = seconds
    return line, said


def end(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def last(said):
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1][:120] if lines else "nothing was printed"


def read(test, said):
    """Returns the JSON in the last line, if there is any."""
    try:
        line = json.loads(last_whole(said))
        return {key: line[key] for key in ("test", "tries", "failures", "figure")}
    except (ValueError, KeyError, TypeError):
        return None


def last_whole(said):
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def table(lines):
    rows = [("test", "tries", "failures", "seconds", "figure")]
    rows += [
        (one["test"], f"{one['tries']:,}", f"{one['failures']:,}", f"{one.get('seconds', 0):.0f}", one["figure"])
        for one in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print(
            f"{row[0]:{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=lambda path: Path(path).resolve())
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true")
    sizes.add_argument("--long", action="store_true")
    parser.add_argument("--only", default=",".join(TESTS), metavar="TESTS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="how many tests run side by side")
    args = parser.parse_args()
    chosen = args.only.split(",")
    if unknown := [test for test in chosen if test not in TESTS]:
        sys.exit(f"unknown test {unknown[0]}: there are {', '.join(TESTS)}")
    lines = {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = {pool.submit(run, test, args): test for test in chosen}
        for done in concurrent.futures.as_completed(waiting):
            line, said = done.result()
            lines[waiting[done]] = line
            print(
                f"{line['test']}: {line['failures']} of {line['tries']} failed, {line.get('seconds', 0):.0f} s",
                flush=True,
            )
            if line["failures"]:
                # Print everything except the line of JSON.
                print("\n".join("    " + one for one in said.rstrip().splitlines()[:-1]), flush=True)
    print()
    table([lines[test] for test in chosen])
    sys.exit(1 if any(line["failures"] for line in lines.values()) else 0)


if __name__ == "__main__":
    main()
