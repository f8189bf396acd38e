"""Runs a program under a time limit and a memory limit, and records how it ended."""

import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

# Texts that a user must never see.
CRASH = re.compile(r"panicked (at|with)|stack backtrace|RUST_BACKTRACE|has overflowed its stack|memory allocation of \d+ bytes failed")
INTERNAL = re.compile(r"[Ii]nternal error|bug report|caused by a bug in DataFusion|\bunwrap\b|called `(Option|Result)::")


@dataclass
class Ended:
    """How a process ended. `peak` is its largest resident set in bytes."""

    code: int
    out: str
    seconds: float
    peak: int
    hung: bool = False
    too_large: bool = False

    def crash(self):
        """Returns the kind of crash, or None if it ended with one of Headwater's exit codes."""
        if self.hung:
            return f"hang: still runs after {self.seconds:.0f} s"
        if self.too_large:
            return f"memory: {self.peak >> 20} MB resident"
        if self.code < 0:
            return f"signal {signal.Signals(-self.code).name}"
        if found := CRASH.search(self.out):
            return f"crash: {line_of(self.out, found)}"
        if self.code not in (0, 1, 2):
            return f"exit code {self.code}"
        if found := INTERNAL.search(self.out):
            return f"internal text: {line_of(self.out, found)}"
        return None


def line_of(text, found):
    start = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n", found.end())
    return text[start : end if end >= 0 else len(text)].strip()[:300]


def high_water(pid):
    """The peak of a live process in bytes; `ru_maxrss` would include the parent's size at the fork."""
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            for line in status:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def run(command, cwd, env=None, timeout=20.0, memory=1_500_000_000, **more):
    """Runs a command to its end. Kills it at the limits."""
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        child = subprocess.Popen(
            list(map(str, command)), cwd=cwd, env=environment(env), stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **more,
        )
        peak, hung, large, pause = 0, False, False, 0.001
        try:
            while True:
                try:
                    child.wait(pause)
                    break
                except subprocess.TimeoutExpired:
                    pass
                # Right after the fork, the process is still a copy of this one.
                if time.monotonic() - start > 0.005:
                    peak = max(peak, high_water(child.pid))
                hung = time.monotonic() - start > timeout
                large = peak > memory
                if hung or large:
                    child.kill()
                pause = min(pause * 1.5, 0.005)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        seconds = time.monotonic() - start
        out.seek(0)
        text = out.read(4_000_000).decode("utf-8", "replace")
    return Ended(child.returncode, text, seconds, peak, hung, large)


def environment(more=None):
    """Returns the environment of a test: no colors, no backtraces, no core file names, none of Headwater's
    settings."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HEADWATER_", "DBT_", "OPENLINEAGE"))}
    env.pop("RUST_BACKTRACE", None)
    env["NO_COLOR"] = "1"
    return env | (more or {})
