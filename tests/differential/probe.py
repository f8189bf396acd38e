"""The probe (`examples/sql_probe`) as a process, which is restarted when a statement kills it."""

import json
import os
import selectors
import subprocess
from pathlib import Path

from duck import Answer

ROOT = Path(__file__).resolve().parents[2]


def default_binary():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [
        path for profile in ("release", "debug") if (path := target / profile / "examples/sql_probe").exists()
    ]
    if not built:
        raise SystemExit("the probe is missing: run `cargo build --example sql_probe`, or name it by --probe")
    return max(built, key=lambda path: path.stat().st_mtime)


class Probe:
    def __init__(self, binary=None, seconds=20):
        self.binary = str(binary or default_binary())
        self.seconds = seconds
        self.process = None
        self.asked = 0

    def start(self):
        self.process = subprocess.Popen(
            [self.binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env={**os.environ, "RUST_BACKTRACE": "0"},
        )  # fmt: skip
        os.set_blocking(self.process.stdout.fileno(), False)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.rest = b""

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.selector.close()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                pipe.close()
            self.process = None

    def answer(self, sql, tables=None, dialect="duckdb"):
        """Returns the probe's answer to one SELECT; `crashed` if the probe died or took too long."""
        if self.process is None:
            self.start()
        self.asked += 1
        asked = {
            "id": self.asked,
            "sql": sql,
            "dialect": dialect,
            "tables": {k: str(v) for k, v in (tables or {}).items()},
        }
        try:
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            line = self.line()
        except BrokenPipeError:
            line = b""
        if line is None:
            self.stop()
            return Answer("crashed", f"no answer in {self.seconds} s")
        if not line:
            status = self.process.wait()
            noise = (self.process.stderr.read() or b"").decode(errors="replace").strip().splitlines()
            self.stop()
            return Answer("crashed", f"the process ended with {status}: {' '.join(noise[:2])}"[:300])
        return read(json.loads(line))

    def line(self):
        """Returns the next line; empty at the end of the stream, None after a timeout."""
        while b"\n" not in self.rest:
            if not self.selector.select(self.seconds):
                return None
            chunk = self.process.stdout.read(1 << 20)
            if not chunk:
                return b""
            self.rest += chunk
        line, self.rest = self.rest.split(b"\n", 1)
        return line


def read(response):
    for status in ("refused", "failed", "crashed"):
        if status in response:
            return Answer(status, response[status])
    rows = response["ok"]
    columns = rows["columns"]
    answer = Answer("ok")
    answer.names = [column["name"] for column in columns]
    answer.types = [column.get("delta") for column in columns]
    answer.native = [column["arrow"] for column in columns]
    answer.message = "; ".join(column["problem"] for column in columns if "problem" in column)
    answer.rows, answer.count = rows["rows"], rows["count"]
    return answer
