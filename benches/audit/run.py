"""What auditing costs: many tests over many small models, and many column tests over one large table.

    python benches/audit/run.py [--rounds 5] [--rows 10000000]

Needs a release build (`cargo build --release`) and Python's standard library. Each figure is the median of whole processes
run in turn, so that what the machine does besides strikes both alike.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
HEADWATER = TARGET / "release" / "headwater"

COLUMNS = {
    # name: (how it is made of the row's number n, its test)
    "id": ("n", "not_null"),
    "meter": ("n % 5000", "accepted_range: {arguments: {min_value: 0, max_value: 4999}}"),
    "kwh": ("(n % 997) / 10.0", "accepted_range: {arguments: {min_value: 0, max_value: 100}}"),
    "price": ("(n % 89) * 0.25", "accepted_range: {arguments: {min_value: 0}}"),
    "day": ("cast(date '2021-01-01' as date) + cast(n % 365 as int)", "not_null"),
    "status": ("case n % 3 when 0 then 'open' when 1 then 'paid' else 'late' end",
               "accepted_values: {arguments: {values: [open, paid, late]}}"),
    "region": ("concat('region ', n % 12)", "not_empty_string"),
    "factor": ("1 + n % 7", "expression_is_true: {arguments: {expression: '> 0'}}"),
    "offset_minutes": ("n % 1440", "accepted_range: {arguments: {min_value: 0, max_value: 1439}}"),
    "note": ("concat('n', n % 1000)", "not_null"),
}
# Reads every value of every column; nothing that the files' statistics could answer.
SCAN = ("select sum(id), sum(meter), sum(kwh), sum(price), sum(cast(day as int)), sum(length(status)), "
        "sum(length(region)), sum(factor), sum(offset_minutes), sum(length(note)) from {{ ref('big') }}")


def run(folder, *args):
    start = time.perf_counter()
    done = subprocess.run([HEADWATER, "-q", *args], cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"headwater {' '.join(args)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def in_turn(rounds, **commands):
    """The median time of each command; one round first that does not count."""
    times = {name: [] for name in commands}
    for round in range(rounds + 1):
        for name, command in commands.items():
            seconds = command()
            if round > 0:
                times[name].append(seconds)
    return {name: statistics.median(all) for name, all in times.items()}


def project(folder):
    (folder / "models").mkdir(parents=True)
    (folder / "project.yml").write_text("name: bench\ntargets: {dev: {root: lake}}\n")


def many_small(folder, rounds):
    """1,000 tests over 100 models of 1,000 rows: `build` beside `run`."""
    project(folder)
    properties = ["models:"]
    for number in range(100):
        sql = "select value as id, value % 7 as kind, value * 1.5 as amount, concat('x', value) as name from generate_series(1, 1000) as series(value)"
        if number % 10:
            sql = f"select * from {{{{ ref('m{number - 1:03}') }}}}"
        (folder / "models" / f"m{number:03}.sql").write_text(sql)
        properties += [
            f"  - name: m{number:03}",
            "    data_tests: [row_count_between: {arguments: {min_value: 1}}]",
            "    columns:",
            "      - {name: id, data_tests: [not_null, unique, accepted_range: {arguments: {min_value: 1}}]}",
            "      - {name: kind, data_tests: [not_null, accepted_values: {arguments: {values: [0, 1, 2, 3, 4, 5, 6], quote: false}}]}",
            "      - {name: amount, data_tests: [not_null, accepted_range: {arguments: {min_value: 0}}]}",
            "      - {name: name, data_tests: [not_null, not_empty_string]}",
        ]
    (folder / "models" / "schema.yml").write_text("\n".join(properties) + "\n")
    times = in_turn(rounds, models=lambda: run(folder, "run"), audited=lambda: run(folder, "build"))
    print("1,000 tests over 100 models of 1,000 rows")
    print(f"  the models alone              {times['models']:7.2f} s")
    print(f"  the models and their tests    {times['audited']:7.2f} s   {times['audited'] / times['models']:.2f} times")


def one_large(folder, rows, rounds):
    """Ten column tests over one table: all in one run, one after another, and a plain scan of the ten columns."""
    project(folder)
    columns = ", ".join(f"{made} as {name}" for name, (made, _) in COLUMNS.items())
    sql = f"select {columns} from (select value as n from generate_series(1, {rows}) as series(value))"
    (folder / "models" / "big.sql").write_text(sql)
    properties = ["models:", "  - name: big", "    columns:"]
    for name, (_, test) in COLUMNS.items():
        head, brace, rest = test.partition(": {")
        test = f"{head}: {{name: t_{name}, {rest}" if brace else f"{head}: {{name: t_{name}}}"
        properties.append(f"      - {{name: {name}, data_tests: [{test}]}}")
    (folder / "models" / "schema.yml").write_text("\n".join(properties) + "\n")
    run(folder, "run")
    apart = lambda: sum(run(folder, "test", "-s", f"t_{name}") for name in COLUMNS)
    times = in_turn(
        rounds,
        scan=lambda: run(folder, "show", "--inline", SCAN),
        nothing=lambda: run(folder, "show", "--inline", "select 1 as x"),
        together=lambda: run(folder, "test"),
        apart=apart,
    )
    # What it takes to start and to read the project is no part of a scan.
    idle = times["nothing"]
    scan = times["scan"] - idle
    print(f"ten column tests over {rows:,} rows")
    print(f"  one scan of the ten columns   {scan:7.2f} s")
    print(f"  the ten tests in one run      {times['together'] - idle:7.2f} s   {(times['together'] - idle) / scan:.2f} scans")
    print(f"  the ten tests one by one      {times['apart'] - 10 * idle:7.2f} s   {(times['apart'] - 10 * idle) / scan:.2f} scans")
    print(f"  (starting takes {idle:.2f} s, which is taken off)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="headwater-bench-"))
    try:
        many_small(scratch / "small", options.rounds)
        one_large(scratch / "large", options.rows, options.rounds)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
