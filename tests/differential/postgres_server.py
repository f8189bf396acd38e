"""A PostgreSQL server from Debian's package in a temporary directory, and its answers in the probe's format."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow
import pyarrow.parquet

from duck import Answer

TYPES = {
    16: "boolean", 21: "short", 23: "integer", 20: "long", 700: "float", 701: "double", 25: "string", 1043: "string",
    17: "binary", 1082: "date", 1114: "timestamp_ntz", 1184: "timestamp", 1186: "interval", 1700: "decimal",
    19: "string", 1042: "string",
}  # fmt: skip
ARRAYS = {1000: 16, 1005: 21, 1007: 23, 1016: 20, 1021: 700, 1022: 701, 1009: 25, 1015: 1043, 1182: 1082,
          1115: 1114, 1185: 1184, 1231: 1700, 1187: 1186}  # fmt: skip


def binaries():
    """Returns the directory of the newest installed server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise SystemExit("there is no PostgreSQL server: apt-get install postgresql")
    return found[-1].parent


class Postgres:
    """A server. It answers statements in UTC, with text ordered by code points."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.bin = binaries()
        # The server refuses to run as root.
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        data = self.folder / "data"
        self.run("initdb", "-D", data, "--locale=C.UTF-8", "--encoding=UTF8", "-A", "trust", "-U", "postgres")
        options = f"-k {self.folder} -c listen_addresses= -c timezone=UTC -c fsync=off"
        self.run("pg_ctl", "-D", data, "-o", options, "-l", self.folder / "log", "-w", "start")
        self.connect()
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, *arguments):
        command = [str(self.bin / name), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=self.user, cwd=self.folder)

    def connect(self):
        self.connection = psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        )
        self.connection.execute("set statement_timeout = '20s'; set extra_float_digits = 1")

    def answer(self, sql):
        """Returns the answer to one SELECT."""
        result = self.connection.pgconn.exec_(sql.encode())
        if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
            message = (result.error_message or b"").decode(errors="replace").strip()
            if self.connection.closed:
                self.connect()
            return Answer("failed", message or "no rows")
        answer = Answer("ok")
        columns = range(result.nfields)
        answer.names = [result.fname(at).decode() for at in columns]
        kinds = [result.ftype(at) for at in columns]
        answer.types = [type_name(kind, result.fmod(at)) for at, kind in zip(columns, kinds)]
        answer.native = answer.types
        answer.rows = [
            [cell(result.get_value(row, at), kind) for at, kind in zip(columns, kinds)]
            for row in range(result.ntuples)
        ]
        answer.count = result.ntuples
        return answer

    def tables(self, script, folder):
        """Creates the tables of a script, in the server and as Parquet files."""
        folder.mkdir(parents=True, exist_ok=True)
        self.connection.execute(script.read_text())
        made = {}
        names = self.connection.execute("select tablename from pg_tables where schemaname = 'public'")
        for (name,) in names.fetchall():
            answer = self.answer(f'select * from "{name}"')
            columns = [
                pyarrow.array([value(row[at], kind) for row in answer.rows], arrow_type(kind))
                for at, kind in enumerate(answer.types)
            ]
            made[name] = folder / f"{name}.parquet"
            pyarrow.parquet.write_table(pyarrow.table(columns, answer.names), made[name])
        return made


def type_name(kind, modifier):
    if kind in ARRAYS:
        return f"array<{type_name(ARRAYS[kind], -1)}>"
    name = TYPES.get(kind, f"type {kind}")
    if name == "decimal" and modifier >= 4:
        name = f"decimal({(modifier - 4) >> 16},{(modifier - 4) & 0x7FF})"
    return name


def cell(raw, kind):
    if raw is None:
        return None
    text = raw.decode()
    if kind in ARRAYS:
        return [None if part is None else cell(part.encode(), ARRAYS[kind]) for part in items(text)]
    if kind == 16:
        return text == "t"
    if kind in (700, 701):
        named = {"NaN": "NaN", "Infinity": "inf", "-Infinity": "-inf"}
        return named.get(text) or float(text)
    if kind in (1114, 1184):
        text = text.removesuffix("+00")
        date, _, time = text.partition(" ")
        whole, _, fraction = time.partition(".")
        return f"{date} {whole}.{fraction:0<6}"
    if kind == 1186:
        return interval(text)
    return text


def items(text):
    """Returns the items of a one-dimensional array."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^{},]+)', text[1:-1])
    return [
        re.sub(r"\\(.)", r"\1", quoted) if not plain else (None if plain == "NULL" else plain)
        for quoted, plain in found
    ]


def interval(text):
    months = days = micros = 0
    for count, unit in re.findall(r"([+-]?\d+) (year|mon|day)s?", text):
        if unit == "day":
            days += int(count)
        else:
            months += int(count) * (12 if unit == "year" else 1)
    found = re.search(r"([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?", text)
    if found:
        sign, hours, minutes, seconds, fraction = found.groups()
        micros = (int(hours) * 60 + int(minutes)) * 60_000_000 + int(seconds) * 1_000_000
        micros += int(f"{fraction or '':0<6}")
        micros = -micros if sign == "-" else micros
    return f"{months}m {days}d {micros}us"


def arrow_type(kind):
    plain = {
        "boolean": pyarrow.bool_(), "short": pyarrow.int16(), "integer": pyarrow.int32(), "long": pyarrow.int64(),
        "float": pyarrow.float32(), "double": pyarrow.float64(), "string": pyarrow.string(), "date": pyarrow.date32(),
        "binary": pyarrow.binary(), "timestamp_ntz": pyarrow.timestamp("us"), "timestamp": pyarrow.timestamp("us", "UTC"),
    }  # fmt: skip
    if kind.startswith("array<"):
        return pyarrow.list_(arrow_type(kind[6:-1]))
    if kind.startswith("decimal("):
        digits, scale = re.findall(r"\d+", kind)
        return pyarrow.decimal128(int(digits), int(scale))
    return plain[kind]


def value(cell, kind):
    """Returns a cell as pyarrow expects it."""
    from datetime import date, datetime, timezone

    if cell is None:
        return None
    if kind.startswith("array<"):
        return [value(part, kind[6:-1]) for part in cell]
    if kind.startswith("decimal"):
        return Decimal(cell)
    if kind in ("short", "integer", "long"):
        return int(cell)
    if kind in ("float", "double"):
        return float(cell)
    if kind == "date":
        return date.fromisoformat(cell)
    if kind == "binary":
        return bytes.fromhex(cell[2:])
    if kind.startswith("timestamp"):
        moment = datetime.fromisoformat(cell)
        return moment.replace(tzinfo=timezone.utc) if kind == "timestamp" else moment
    return cell
