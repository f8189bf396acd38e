"""Kills builds of the smart-meter project, and checks that the next build repairs everything.

    python run.py BINARY PROJECT [--writes] [--random 200] [--races 20] [--seed 1] [--table]

PROJECT is a directory with the project and its data. It is never changed: builds run in copies, from two
initial states: an empty lake, and the lake of an older state of the data, so that tables are also
overwritten.

--writes   kills a build before and after each of its writes to the lake in turn, until one build isn't killed;
           needs a binary with failpoints: `cargo build --release --locked --features failpoints`
--random   kills this many builds at random instants from outside; one in three is killed again during its
           repair
--races    runs four concurrent builds of one lake, this many times; each must succeed or report a conflict
--table    ends with one line of JSON (test, tries, failures, figure), and sets the numbers; --quick and
           --long set smaller and larger ones

After each of these, one more build must succeed. Then all tables must have the rows of an undisturbed build,
and each file in the lake must be part of a table's log or named in one. If anything is wrong, prints it and
ends with exit code 1.
"""

import argparse
import json
import math
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from trials import require_failpoints

LOG_FILE = re.compile(r"\d{20}(\.json|\.checkpoint(\.\d+\.\d+)?\.parquet)|_last_checkpoint")
# Columns that differ from run to run.
PER_RUN = {"run_id", "batch", "loaded_at", "etag", "dbt_valid_from", "dbt_valid_to", "dbt_updated_at", "dbt_scd_id"}


class Wrong(Exception):
    """Behavior that users must not see."""


class Bench:
    """A binary, a project and its two initial states."""

    def __init__(self, binary, project, scratch):
        self.binary, self.project, self.scratch = Path(binary).resolve(), Path(project).resolve(), scratch
        self.older = scratch / "older"
        shutil.copytree(self.project, self.older, ignore=shutil.ignore_patterns("data_lake", "target"))
        make_older(self.older / "data")
        self.build(self.older)
        self.began = {"an empty lake": None, "an older lake": self.older / "data_lake"}
        self.expected, self.seconds = {}, {}
        for name in self.began:
            lake = self.fresh(name)
            start = time.monotonic()
            self.build(lake)
            self.seconds[name] = time.monotonic() - start
            self.expected[name] = tables(lake / "data_lake")
            stray(lake / "data_lake")
        whole, later = self.expected.values()
        if differing := [name for name in whole.keys() | later.keys() if whole.get(name) != later.get(name)]:
            raise Wrong(f"the way there makes a difference even without a kill: {', '.join(sorted(differing))}")

    def fresh(self, beginning):
        """Returns a copy of the project with the lake of an initial state."""
        place = self.scratch / "copy"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.project, place, ignore=shutil.ignore_patterns("data_lake", "target"))
        if lake := self.began[beginning]:
            shutil.copytree(lake, place / "data_lake")
        return place

    def start(self, place, **env):
        command = [self.binary, "--project-dir", place, "build"]
        out = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return subprocess.Popen(command, env=os.environ | env, **out)

    def build(self, place):
        """Runs a build that must succeed."""
        child = self.start(place)
        said, _ = child.communicate()
        if child.returncode != 0:
            raise Wrong(f"the next build ended with {child.returncode}:\n{said}")
        return said

    def check(self, place, beginning):
        """Runs one more build, and checks that the result is as without a kill. Returns what the build
        removed."""
        said = self.build(place)
        found = tables(place / "data_lake")
        for name in sorted(found.keys() | self.expected[beginning].keys()):
            if found.get(name) != self.expected[beginning].get(name):
                raise Wrong(f"{name} differs\n{said}")
        stray(place / "data_lake")
        return sum(int(files) for files in re.findall(r"Removed (\d+) files?", said))


def make_older(data):
    """Removes and changes some of the data."""
    for number, file in enumerate(sorted((data / "readings").iterdir())):
        if number % 3 == 0:
            file.unlink()
    with sqlite3.connect(data / "case_study.db") as database:
        # Agreements refer to products and meter points, and tests check that.
        database.execute("delete from agreement where rowid % 5 = 1")
        database.execute("update product set display_name = display_name || ' (old)'")
        database.execute("update meterpoint set region = 'unknown' where rowid % 5 = 2")
    database.close()


def logs(lake):
    return sorted(lake.glob("*/*/_delta_log"))


def tables(lake):
    """Returns the rows of each table, in any order."""
    return {f"{log.parent.parent.name}.{log.parent.name}": rows(log.parent) for log in logs(lake)}


def rows(place):
    table = DeltaTable(str(place)).to_pyarrow_table()
    names = [name for name in table.column_names if name not in PER_RUN]
    columns = [table.column(name).to_pylist() for name in names]
    return Counter(tuple(map(plain, row)) for row in zip(*columns)) if names else Counter()


def plain(value):
    """Makes a value comparable: rounds floats, because the last digits of sums depend on their order."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.9e}"
    return value if isinstance(value, (str, int, float, type(None))) else repr(value)


def stray(lake):
    """Raises Wrong if a file is neither part of a log nor named in one."""
    named = set()
    for log in logs(lake):
        for entry in log.glob("*.json"):
            for line in entry.read_text().splitlines():
                action = json.loads(line)
                for kind in ("add", "remove"):
                    if kind in action:
                        named.add(log.parent / unquote(action[kind]["path"]))
    found = []
    for folder, folders, files in os.walk(lake):
        folder = Path(folder)
        if not folders and not files:
            found.append(f"{folder} (empty)")
        in_log = folder.name == "_delta_log"
        for file in files:
            if not (LOG_FILE.fullmatch(file) if in_log else folder / file in named):
                found.append(folder / file)
    if found:
        raise Wrong("left behind: " + ", ".join(map(str, found)))


def kill_at_every_write(bench, beginning):
    instant = removed = 0
    while True:
        instant += 1
        place = bench.fresh(beginning)
        child = bench.start(place, HEADWATER_FAULT=f"kill:{instant}", HEADWATER_THREADS="1")
        said, _ = child.communicate()
        if child.returncode == 0:
            bench.check(place, beginning)
            print(f"{beginning}: killed at each of {instant - 1} instants; {removed} files removed", flush=True)
            return instant - 1
        if child.returncode != -signal.SIGABRT:
            raise Wrong(f"killed at {instant} it ended with {child.returncode}:\n{said}")
        try:
            removed += bench.check(place, beginning)
        except Wrong as wrong:
            raise Wrong(f"{beginning}, killed at instant {instant}: {wrong}") from wrong


def kill_at_random(bench, times, seed):
    chance = random.Random(seed)
    kills = removed = 0
    for number in range(times):
        beginning = chance.choice(list(bench.began))
        place = bench.fresh(beginning)
        again = chance.random() < 1 / 3
        after = [chance.uniform(0, bench.seconds[beginning]) for _ in range(2 if again else 1)]
        for seconds in after:
            child = bench.start(place)
            try:
                child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                kills += 1
                child.communicate()
        try:
            removed += bench.check(place, beginning)
        except Wrong as wrong:
            raise Wrong(f"{beginning}, number {number} of seed {seed}, killed after {after}: {wrong}") from wrong
    print(f"killed {kills} times at random (seed {seed}); {removed} files removed", flush=True)
    return kills


def race(bench, times):
    endings = Counter()
    for number in range(times):
        beginning = list(bench.began)[number % 2]
        place = bench.fresh(beginning)
        children = [bench.start(place) for _ in range(4)]
        for child in children:
            said, _ = child.communicate()
            clear = child.returncode == 1 and "another writer committed version" in said
            if child.returncode != 0 and not clear:
                raise Wrong(f"race {number} from {beginning} ended with {child.returncode}:\n{said}")
            endings["lost" if child.returncode else "well"] += 1
        try:
            bench.check(place, beginning)
        except Wrong as wrong:
            raise Wrong(f"race {number} from {beginning}: {wrong}") from wrong
    print(f"{times} races of 4 builds: {dict(endings)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("--writes", action="store_true")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--races", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--long", action="store_true")
    args = parser.parse_args()
    if args.table and not (args.writes or args.random or args.races):
        args.random, args.races = (12, 2) if args.quick else (200, 20) if args.long else (50, 5)
        args.writes = not args.quick
    if args.writes:
        require_failpoints(args.binary)
    writes = kills = failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        try:
            bench = Bench(args.binary, args.project, Path(scratch))
            if args.writes:
                for beginning in bench.began:
                    writes += kill_at_every_write(bench, beginning)
            if args.random:
                kills = kill_at_random(bench, args.random, args.seed)
            if args.races:
                race(bench, args.races)
        except Wrong as wrong:
            print(wrong, file=sys.stderr, flush=True)
            failures = 1
    if args.table:
        # Without failures, all writes were tried; otherwise the last one failed.
        figure = f"killed at {writes} writes and {kills} random instants, {args.races} races of 4"
        line = {"test": "crash", "tries": writes + args.random + args.races, "failures": failures, "figure": figure}
        print(json.dumps(line), flush=True)
    sys.exit(failures)


if __name__ == "__main__":
    main()
