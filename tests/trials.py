"""Helpers for the attack tests: runs the binary, checks how it ended, and counts tries and failures.

Used by tests/paths, tests/secrets and tests/hostile. A test is a list of tries. Each try has its own scratch
directory, so it can be repeated alone.
"""

import atexit
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# The caller's settings that would change the binary's behavior.
OWN_PREFIXES = ("HEADWATER_", "DBT_", "OPENLINEAGE_", "AWS_", "AZURE_", "GOOGLE_")

# Raw characters that can change terminal output: C0 except tab and line feed, DEL, C1.
CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A}
# Characters that reorder or hide text.
BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}

PANIC_MARKS = ("panicked at", "overflowed its stack", "memory allocation of", "fatal runtime error")


class Wrong(Exception):
    """Behavior that users must not see."""


@dataclass
class Ended:
    """A finished command."""

    command: list
    code: int
    out: bytes
    err: bytes
    seconds: float
    peak_mb: int

    @property
    def text(self):
        return (self.out + self.err).decode("utf-8", "replace")

    def last_line(self):
        lines = [line for line in self.text.strip().splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def why(self):
        """Returns the first lines that explain why a command failed."""
        marks = ("error", "panicked", "fail", "warn")
        lines = self.text.splitlines()
        for number, line in enumerate(lines):
            if any(mark in line.lower() for mark in marks) and "ERROR=" not in line:
                return " | ".join(part.strip() for part in lines[number : number + 4])[:500]
        return self.last_line()[:300]


def environment(**extra):
    """Returns the caller's environment without settings for Headwater or object stores."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN_PREFIXES)}
    kept.pop("RUST_BACKTRACE", None)
    kept.pop("RUST_LOG", None)
    return kept | {"NO_COLOR": "1"} | extra


def require_failpoints(binary):
    """Ends the test if the binary has no failpoints, so that HEADWATER_FAULT can't kill it."""
    said = subprocess.run([os.fspath(binary), "--version"], capture_output=True, text=True, check=True).stdout
    if "(failpoints)" not in said:
        sys.exit(f"{binary} has no failpoints: build it with `cargo build --release --locked --features failpoints`")


def run(binary, *arguments, cwd=None, env=None, timeout=60, dies=None, memory_mb=None):
    """Runs a command to its end and checks that it didn't crash.

    `dies` is a signal that may end the command. If it exceeds `timeout` or `memory_mb`, it is killed and
    counts as a failure.
    """
    command = [os.fspath(binary), *map(os.fspath, arguments)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        child = subprocess.Popen(
            command, cwd=cwd, env=env or environment(), stdout=out, stderr=err, stdin=subprocess.DEVNULL
        )
        killed = None
        pause = 0.002
        while True:
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() - began > timeout:
                killed = f"still running after {timeout} s"
            elif memory_mb and resident_mb(child.pid) > memory_mb:
                killed = f"used more than {memory_mb} MB"
            if killed:
                child.kill()
                _, status, usage = os.wait4(child.pid, 0)
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        ended = Ended(command, child.returncode, out.read(), err.read(), seconds, usage.ru_maxrss // 1024)
    shown = " ".join(str(part) for part in command[1:])[:200]
    if killed:
        raise Wrong(f"`{shown}` {killed} (peak {ended.peak_mb} MB)")
    for mark in PANIC_MARKS:
        if mark in ended.text:
            raise Wrong(f"`{shown}` exit {ended.code}: {ended.why()}")
    if ended.code not in (0, 1, 2) and ended.code != (-dies if dies else None):
        raise Wrong(f"`{shown}` ended with {ended.code}: {ended.why()}")
    return ended


def resident_mb(pid):
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() >> 20
    except (OSError, IndexError):
        return 0


def raw_controls(data, allowed=()):
    """Returns the first raw control or bidi character in an output with its surroundings, or `None`."""
    text = data.decode("utf-8", "surrogateescape")
    for at, letter in enumerate(text):
        code = ord(letter)
        if letter in allowed:
            continue
        if code in CONTROLS or code in BIDI or 0xDC80 <= code <= 0xDCFF:
            return f"U+{code:04X} in {text[max(0, at - 30) : at + 20]!r}"
    return None


def write(folder, files):
    """Writes files by path, with text as UTF-8."""
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))


def yaml(value):
    """Returns a value as YAML in one line. JSON is YAML, except that characters beyond 16 bits must not be
    escaped."""
    text = json.dumps(value, ensure_ascii=False)
    # Characters that YAML doesn't allow unescaped.
    return "".join(
        f"\\u{ord(letter):04x}"
        if 0x7F <= ord(letter) < 0xA0 or ord(letter) in (0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)
        else letter
        for letter in text
    )


class Trials:
    """Counts tries, prints failures with the command to repeat them, and ends with one line of JSON."""

    def __init__(self, test, binary, options, script, quiet=False):
        self.test, self.options, self.script, self.quiet = test, options, script, quiet
        self.binary = Path(binary).resolve()
        if not self.binary.is_file():
            sys.exit(f"no binary at {binary}")
        self.given = binary
        self.tries = 0
        self.failed = []
        self.began = time.monotonic()
        self.scratch = Path(tempfile.mkdtemp(prefix=f"hw-{test}-"))
        # Remove it even if the test is stopped.
        atexit.register(remove, self.scratch)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    @contextlib.contextmanager
    def trial(self, name, again):
        """Runs one try in its own directory. `again` are the options that repeat it alone."""
        self.tries += 1
        folder = self.scratch / f"t{self.tries}"
        folder.mkdir()
        faults = []
        try:
            yield folder, faults.append
        except Wrong as wrong:
            faults.append(str(wrong))
        finally:
            remove(folder)
        for fault in faults:
            print(f"FAIL {shown(name)}: {shown(fault)}", flush=True)
        if faults:
            print(f"     again: {sys.executable} {self.script} {self.given} {again}", flush=True)
            self.failed.append(name)

    def progress(self, text):
        if not self.quiet:
            print(f"{time.monotonic() - self.began:6.1f} s  {self.test}: {text}", flush=True)

    def finish(self, figure):
        remove(self.scratch)
        line = {"test": self.test, "tries": self.tries, "failures": len(self.failed), "figure": figure}
        print(json.dumps(line), flush=True)
        sys.exit(1 if self.failed else 0)


def shown(text):
    """Escapes everything in a text that could disturb a terminal."""
    return "".join(
        letter if letter.isprintable() and not 0xD800 <= ord(letter) <= 0xDFFF else ascii(letter)[1:-1]
        for letter in str(text)
    )[:900]


def remove(folder):
    """Removes a directory, even if its paths exceed the system's length limit."""
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.isdir(folder):
        subprocess.run(["rm", "-rf", "--", folder], check=False, stderr=subprocess.DEVNULL)


def options(parser):
    """Adds the options that all tests share."""
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print failures and the last line only")
    parser.add_argument("--quick", action="store_true", help="few tries, for CI")
    parser.add_argument("--long", action="store_true", help="many tries")
    return parser


def terminate(child, with_signal=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(with_signal)
