"""Measure `headwater build` of a project in which nothing changed since the last build.

    python benches/unchanged/run.py [--models 3000] [--tests 8] [--rounds 3] [--bin PATH] [--work DIR]

Makes a project of that many models over one small source, each with that many data tests, and builds it. That build leaves a
record, which answers the builds after it.
Prints the wall time, processor time and peak memory of each, with the medians of the answered builds and of builds with
`--no-partial-parse`. Fails if an answered build says anything else than the one with `--no-partial-parse`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Tests of one column each, in the order in which models get them.
TESTS = ("not_null", "unique")
COLUMNS = ("id", "day", "amount", "name")


def make_project(project, models, tests):
    (project / "models").mkdir(parents=True)
    (project / "data").mkdir()
    (project / "project.yml").write_text("name: unchanged\ntargets:\n  dev:\n    root: lake\n")
    (project / "sources.yml").write_text(
        "sources:\n  - name: files\n    tables:\n      - name: orders\n        external: { location: data, format: csv }\n"
        "        columns:\n" + "".join(
            f"          - {{ name: {name}, data_type: {kind} }}\n"
            for name, kind in zip(COLUMNS, ("bigint", "date", "double", "varchar"))
        )
    )
    rows = (f"{n},2021-01-{n:02},{n}.5,name {n}\n" for n in range(1, 21))
    (project / "data" / "orders.csv").write_text("id,day,amount,name\n" + "".join(rows))
    for start in range(0, models, 100):
        described = ["models:\n"]
        folder = project / "models" / f"part_{start // 100:03}"
        folder.mkdir()
        for number in range(start, min(start + 100, models)):
            # Ten chains side by side over one model that reads the source.
            above = "source('files', 'orders')" if number < 10 else f"ref('m_{number - 10:05}')"
            columns = ", ".join(COLUMNS)
            (folder / f"m_{number:05}.sql").write_text(
                f"select {columns}\nfrom {{{{ {above} }}}}\nwhere id > 0 and amount is not null\n"
            )
            described.append(f"  - name: m_{number:05}\n    columns:\n")
            for at, column in enumerate(COLUMNS):
                own = [TESTS[test // len(COLUMNS)] for test in range(at, tests, len(COLUMNS))]
                described.append(f"      - {{ name: {column}, data_tests: [{', '.join(own)}] }}\n")
        (folder / "schema.yml").write_text("".join(described))


def measure(command, folder):
    """Runs a command; returns its wall seconds, processor seconds, peak memory in MB and what it said."""
    log = folder / "out.log"
    with log.open("w") as out:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text()
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{said[-4000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said


def outcomes(folder):
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: (result["status"], result["message"], result["compiled_code"]) for result in results}


def show(what, wall, cpu, memory):
    print(f"{what:28} {wall:8.2f} s wall {cpu:8.2f} s processor {memory:8.0f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=3000)
    parser.add_argument("--tests", type=int, default=8, choices=range(0, 9), help="data tests a model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bin", type=Path, help="the binary; built if not given")
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    binary = args.bin
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "--bin", "headwater"], cwd=ROOT, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        binary = target.resolve() / "release" / "headwater"
    binary = binary.resolve()
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        project = Path(folder) / "project"
        make_project(project, args.models, args.tests)
        build = [binary, "build"]
        whole = [binary, "build", "--no-partial-parse"]
        show("first build", *measure(build, project)[:3])
        show("second build", *measure(build, project)[:3])
        told = outcomes(project)
        times = {"answered": [], "--no-partial-parse": []}
        for _ in range(args.rounds):
            for what, command in (("answered", build), ("--no-partial-parse", whole)):
                *measured, said = measure(command, project)
                if f"REUSED={args.models * (1 + args.tests)} " not in said:
                    sys.exit(f"{what}: not everything was reused:\n{said[-2000:]}")
                if outcomes(project) != told:
                    sys.exit(f"{what}: told something else than the second build")
                show(what, *measured)
                times[what].append(measured)
                if what == "--no-partial-parse":
                    # That one left no record; the next build makes it again.
                    measure(build, project)
        for what, measured in times.items():
            show(f"median, {what}", *(statistics.median(values) for values in zip(*measured)))


if __name__ == "__main__":
    main()
