"""Measure what a build costs when little changed: whole processes, in turn.

    python benches/increment/run.py files [--meters 500] [--days 280] [--days-per-file 14] [--rounds 5] [--bin-dir DIR] [--work DIR]
    python benches/increment/run.py merge [--rows 5000000] [--parts 20] [--rounds 5] [--bin-dir DIR] [--work DIR]

`files`: the smart-meter project over so many files (10,000 of two weeks each): a build from nothing, one without any change, one with
1 % of the files new, of the last two weeks, one where as many come late, for the first two weeks, and one where they are for all
weeks, so that every day is another one. Prints the medians and their ratios to the build from nothing.

`merge`: updates of 1 % of the rows of a table in date partitions, spread over all days and all in one day, by
`materialized: incremental` beside the `merge` of the deltalake package on the same data. The peer's import is not counted, nor is
the reading of the updates; ours is the whole process. Both tables are compared, row by row, before anything is printed.

Needs the packages of tests/verify/requirements.txt.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def build():
    """Builds the program and the generator; returns the directory they are in."""
    command = ["cargo", "build", "--release", "--bin", "headwater", "--example", "smart_meter_data"]
    subprocess.run(command, cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release"


def timed(command, **options):
    """The wall seconds of a command, which must succeed. What others wrote before is on the disk by then."""
    os.sync()
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    wall = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return wall


def medians(times):
    return {name: statistics.median(some) for name, some in times.items()}


def files(args):
    project, data = args.work / "project", args.work / "data"
    generator = args.bin_dir / "examples" / "smart_meter_data"
    size = ["--meters", args.meters, "--days", args.days, "--days-per-file", args.days_per_file]
    timed([generator, "--out", data, *size])
    project.mkdir()
    for name in ("project.yml", "sources.yml"):
        shutil.copy(ROOT / name, project)
    for name in ("models", "macros", "data-tests", "snapshots"):
        shutil.copytree(ROOT / name, project / name)
    os.symlink(data, project / "data")
    readings = sorted((data / "readings").iterdir())
    starts = {file.stem.split("_")[-1] for file in readings}
    first, last = min(starts), max(starts)
    share = len(readings) // 100
    held_back = {
        f"{share} new files": [file for file in readings if file.stem.endswith(last)][::5][:share],
        f"{share} late files": [file for file in readings if file.stem.endswith(first)][::5][:share],
        f"{share} all over": sorted(readings, key=lambda file: file.stem.split("_")[::-1])[::100],
    }
    aside = args.work / "aside"
    aside.mkdir()
    command = [args.bin_dir / "headwater", "--project-dir", project, "--quiet", "build"]
    times = {name: [] for name in ("from nothing", "no change", *held_back)}
    for _ in range(args.rounds):
        for name, some in held_back.items():
            shutil.rmtree(project / "data_lake", ignore_errors=True)
            for file in some:
                shutil.move(file, aside)
            times["from nothing"].append(timed(command))
            times["no change"].append(timed(command))
            for file in some:
                shutil.move(aside / file.name, file)
            times[name].append(timed(command))
    whole = statistics.median(times["from nothing"])
    for name, middle in medians(times).items():
        spread = f"{min(times[name]):.3f} to {max(times[name]):.3f}"
        print(f"{name:<16} {middle:7.3f} s ({spread})   {middle / whole:6.3f} of a build from nothing")


MODEL = """{{ config(materialized='incremental', unique_key=%s, partition_by='day') }}
select id, day, name, amount from {{ source('bench', 'rows') }}
"""
SOURCES = """sources:
  - name: bench
    tables:
      - name: rows
        external: {location: "{{ var('file') }}", format: parquet}
        columns: [{name: id, data_type: bigint}, {name: day, data_type: date}, {name: name, data_type: varchar}, {name: amount, data_type: double}]
"""


def rows(ids, days, salt):
    """A table of the ids that a query gives: each has its day, a name and an amount."""
    import duckdb

    return duckdb.sql(
        f"""select id, date '2024-01-01' + cast(id % {days} as integer) as day, 'name ' || (id % 1000) as name,
            (id * 7 + {salt}) % 10007 / 100 as amount from ({ids})"""
    ).to_arrow_table()


def merge(args):
    import pyarrow.parquet as pq
    from deltalake import DeltaTable, write_deltalake

    count, days, half = args.rows, args.parts, args.rows // 200
    base = rows(f"select range as id from range({count})", days, 0)
    # As many updates as inserts.
    changes = {
        "spread over all days": f"select range * 200 as id from range({half}) union all"
        f" select range + {count} from range({half})",
        "all in one day": f"select range * {days} + 3 as id from range({half}) union all"
        f" select (range + {count} // {days} + 1) * {days} + 3 from range({half})",
    }
    pq.write_table(base, args.work / "base.parquet")
    for name, key in (("by id", ["id"]), ("by day and id", ["day", "id"])):
        predicate = " and ".join(f"t.{column} = s.{column}" for column in key)
        for where, some in changes.items():
            update = rows(some, days, 1)
            pq.write_table(update, args.work / "update.parquet")
            ours, theirs = [], []
            for _ in range(args.rounds):
                project, peer = args.work / "project", args.work / "peer"
                for folder in (project, peer):
                    shutil.rmtree(folder, ignore_errors=True)
                (project / "models").mkdir(parents=True)
                (project / "project.yml").write_text("name: bench\ntarget: dev\ntargets: {dev: {root: lake}}\n")
                (project / "sources.yml").write_text(SOURCES)
                (project / "models" / "t.sql").write_text(MODEL % key)
                command = [args.bin_dir / "headwater", "--project-dir", project, "--quiet", "run", "--vars"]
                timed([*command, f"{{file: '{args.work}/base.parquet'}}"])
                write_deltalake(str(peer), base, partition_by=["day"])
                ours.append(timed([*command, f"{{file: '{args.work}/update.parquet'}}"]))
                table = DeltaTable(str(peer))
                began = time.perf_counter()
                merger = table.merge(update, predicate, source_alias="s", target_alias="t")
                merger.when_matched_update_all().when_not_matched_insert_all().execute()
                theirs.append(time.perf_counter() - began)
            same(project / "lake" / "main" / "t", peer)
            middle = statistics.median(ours), statistics.median(theirs)
            print(
                f"{name:<14} {where:<21} headwater {middle[0]:.2f} s, deltalake {middle[1]:.2f} s,"
                f" ratio {middle[0] / middle[1]:.2f}"
            )


def same(ours, theirs):
    """Both tables hold the same rows."""
    from deltalake import DeltaTable

    columns = ["id", "day", "name", "amount"]
    tables = [DeltaTable(str(path)).to_pyarrow_table(columns=columns) for path in (ours, theirs)]
    one, other = (table.sort_by("id").combine_chunks() for table in tables)
    if not one.cast(other.schema).equals(other):
        sys.exit(f"{ours} and {theirs} differ")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["files", "merge"])
    parser.add_argument("--meters", type=int, default=500)
    parser.add_argument("--days", type=int, default=280)
    parser.add_argument("--days-per-file", type=int, default=14)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--parts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin-dir", type=Path)
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    args.bin_dir = (args.bin_dir or build()).resolve()
    with tempfile.TemporaryDirectory() as folder:
        args.work = (args.work or Path(folder)).resolve()
        args.work.mkdir(parents=True, exist_ok=True)
        {"files": files, "merge": merge}[args.what](args)


if __name__ == "__main__":
    main()
