"""Measure `headwater run` and `headwater build` from scratch beside the hand-written peer, in turn, on 10,000 clean files.

    python benches/pipeline/run.py [--meters 10000] [--days 3] [--rounds 3] [--bin-dir DIR] [--work DIR] [--one-file 500MB]

Needs the packages of tests/verify/requirements.txt. Prints wall time, processor time, peak memory and rows a second
of each process as a whole, and the ratio of the median wall times (below 1: Headwater is faster). The peer tests nothing, as
`run` does; `build` also runs the project's unit tests and data tests before it publishes. Before anything is
printed as a result, the tables of both have been checked with tests/verify.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def build():
    """Builds the program and the generator; returns the directory they are in."""
    command = ["cargo", "build", "--release", "--bin", "headwater", "--example", "smart_meter_data"]
    subprocess.run(command, cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "release"


def make_data(args, data):
    if (data / "case_study.db").exists():
        return
    shape = ["--meters", str(args.meters), "--days", str(args.days)]
    one_file = ["--one-file", args.one_file] if args.one_file else []
    command = [args.bin_dir / "examples" / "smart_meter_data", "--out", data, *shape, *one_file]
    subprocess.run(command, check=True)


def make_project(project):
    """A copy of the project, so that its lake is ours to remove."""
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    for name in ("project.yml", "sources.yml"):
        shutil.copy(ROOT / name, project)
    for name in ("models", "macros", "data-tests"):
        shutil.copytree(ROOT / name, project / name)


def measure(command, log):
    """Runs a command; returns its wall seconds, processor seconds and peak memory in MB."""
    with log.open("w") as out:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{log.read_text()}")
    # Linux counts the peak in kilobytes, macOS in bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return wall, usage.ru_utime + usage.ru_stime, peak / 1e6


def verify(data, lake):
    """Compares the tables with the right answers; returns the number of raw rows."""
    command = [sys.executable, ROOT / "tests" / "verify" / "verify.py", data, lake]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{lake} is not right:\n{done.stdout}{done.stderr}")
    first = done.stdout.splitlines()[0]
    return int(first.split(": ")[1].split()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--meters", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-file", metavar="SIZE", help="one file of this size in place of one a meter point")
    parser.add_argument("--bin-dir", type=Path, help="where headwater and examples/ are; built if not given")
    parser.add_argument("--work", type=Path, help="where to keep the data; temporary if not given")
    args = parser.parse_args()
    args.bin_dir = args.bin_dir.resolve() if args.bin_dir else build()

    if args.work:
        args.work.mkdir(parents=True, exist_ok=True)
        bench(args, args.work.resolve())
    else:
        with tempfile.TemporaryDirectory() as work:
            bench(args, Path(work))


def bench(args, work):
    data = work / f"data-{args.one_file or args.meters}-{args.days}"
    project, peer_lake = work / "project", work / "peer_lake"
    make_data(args, data)
    make_project(project)
    variables = f'{{"data_dir": "{data}"}}'

    def headwater(command):
        return [args.bin_dir / "headwater", command, "--project-dir", project, "--vars", variables, "--no-color"]

    contenders = {
        "run": (headwater("run"), project / "data_lake"),
        "build": (headwater("build"), project / "data_lake"),
        "peer": ([sys.executable, HERE / "peer.py", data, peer_lake], peer_lake),
    }
    runs = {name: [] for name in contenders}
    for _ in range(args.rounds):
        for name, (command, lake) in contenders.items():
            shutil.rmtree(lake, ignore_errors=True)
            shutil.rmtree(project / "target", ignore_errors=True)
            runs[name].append(measure(command, work / f"{name}.log"))
    rows = [verify(data, lake) for _, lake in contenders.values()][0]

    print(f"{rows:,} rows in {len(list((data / 'readings').iterdir())):,} files; {args.rounds} rounds, in turn")
    print(f"{'':10} {'wall s':>8} {'best':>8} {'cpu s':>8} {'peak MB':>8} {'rows/s':>12}")
    medians = {}
    for name, measured in runs.items():
        walls, cpus, peaks = zip(*measured)
        medians[name] = statistics.median(walls)
        print(
            f"{name:10} {medians[name]:8.2f} {min(walls):8.2f} {statistics.median(cpus):8.2f}"
            f" {max(peaks):8.0f} {rows / medians[name]:12,.0f}"
        )
    for name in ("run", "build"):
        print(f"ratio {name} / peer: {medians[name] / medians['peer']:.2f}")


if __name__ == "__main__":
    main()
