#!/usr/bin/env python3
"""Hostile source files, read by Headwater and by pandas or DuckDB: both must read the same rows, or Headwater
rejects them.

    tests/sources/hostile.py target/debug/headwater [--seed N] [--files N]

Writes a project in a temporary directory: each file is a source with a model over it. Builds all models at
once, and compares each table with what the second reader gets from the same bytes. Input rows must equal
output rows plus rejects. Needs pandas, duckdb and deltalake. The seed is printed, so that a failure can be
repeated.
"""

import argparse
import bz2
import gzip
import io
import json
import lzma
import pathlib
import random
import subprocess
import sys
import tempfile

import duckdb
import pandas
from deltalake import DeltaTable

COLUMNS = {"id": "bigint", "amount": "double", "day": "date", "name": "varchar"}
LETTERS = "abcxyz019 ,;|^\t'\"\\/{}[]:=#äéß§%&+-.()"
DELIMITERS = [",", ";", "\t", "|", "^"]


def text(rng):
    letters = LETTERS + ("\n" if rng.random() < 0.3 else "")
    return "".join(rng.choice(letters) for _ in range(rng.randint(1, 14))).strip() or "x"


def row(rng):
    """Returns a row of values as texts or None; some are invalid."""
    none = lambda value: None if rng.random() < 0.1 else value
    number = rng.choice([rng.randint(-5, 5), rng.randint(-(2**63), 2**63 - 1)])
    amount = rng.choice([0.1, -2.5e-7, 1e300, 123456.75, rng.random()])
    values = [number, amount, f"20{rng.randint(10, 29)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}", text(rng)]
    values = [none(value) for value in values]
    if rng.random() < 0.08:
        values[rng.randrange(3)] = rng.choice(["n/a", "12x", "?", "2021-13-45"])
    # No second reader distinguishes a line without any value from a missing line.
    return values if any(value is not None for value in values) else [1, None, None, None]


def fits(values):
    number, amount, day, _ = values
    try:
        if number is not None:
            number = int(str(number))
            if not -(2**63) <= number < 2**63:
                return False
        if amount is not None:
            float(amount)
        if day is not None:
            pandas.Timestamp(day)
    except ValueError:
        return False
    return day is None or len(str(day)) == 10


class File:
    """A file, its notation and its declaration."""

    def __init__(self, rng, at):
        self.shape = rng.choice(["csv", "csv", "csv", "split", "records", "lines", "object"])
        self.encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "windows-1252"])
        self.compression = rng.choice([None, None, "gzip", "zstd", "bz2", "xz"])
        self.delimiter = rng.choice(DELIMITERS)
        self.quote = rng.choice(['"', '"', "'"])
        self.newline = rng.choice(["\n", "\r\n"])
        self.ends = rng.random() < 0.5
        self.header = rng.random() < 0.8
        self.declared = not self.header or self.quote == "'" or rng.random() < 0.3
        self.quoting = rng.choice(["needed", "always"])
        self.rows = [row(rng) for _ in range(1 if self.shape == "object" else rng.randint(1, 40))]
        # A header is distinguished from a row by its types.
        self.rows[0] = [rng.randint(0, 9), 1.5, "2021-01-01", "first"]
        extension = {"csv": rng.choice(["csv", "tsv"]), "lines": rng.choice(["jsonl", "ndjson", "json"])}
        suffix = {None: "", "gzip": ".gz", "zstd": ".zst", "bz2": ".bz2", "xz": ".xz"}[self.compression]
        self.name = f"s{at}"
        self.path = f"in/{self.name}.{extension.get(self.shape, 'json')}{suffix}"

    def document(self):
        if self.shape == "csv":
            return self.csv()
        objects = [dict(zip(COLUMNS, values)) for values in self.rows]
        if self.shape == "split":
            return json.dumps({"columns": list(COLUMNS), "index": list(range(len(objects))), "data": self.rows})
        if self.shape == "records":
            return json.dumps(objects, ensure_ascii=False, indent=2)
        if self.shape == "object":
            return json.dumps(objects[0], indent=1)
        return self.newline.join(map(json.dumps, objects)) + (self.newline if self.ends else "")

    def csv(self):
        def field(value):
            if value is None:
                return ""
            value = str(value)
            if self.quoting == "always" or any(sign in value for sign in (self.delimiter, self.quote, "\n", "\r")):
                return self.quote + value.replace(self.quote, self.quote * 2) + self.quote
            return value

        lines = [list(COLUMNS)] if self.header else []
        lines = [self.delimiter.join(map(field, line)) for line in lines + self.rows]
        return self.newline.join(lines) + (self.newline if self.ends else "")

    def bytes(self):
        data = self.document().encode(self.encoding)
        if self.compression == "gzip":
            return gzip.compress(data)
        if self.compression == "bz2":
            return bz2.compress(data)
        if self.compression == "xz":
            return lzma.compress(data)
        if self.compression == "zstd":
            import pyarrow

            sink = pyarrow.BufferOutputStream()
            with pyarrow.CompressedOutputStream(sink, "zstd") as out:
                out.write(data)
            return sink.getvalue().to_pybytes()
        return data

    def external(self):
        external = {"location": self.path}
        if self.encoding in ("latin-1", "windows-1252"):
            external["encoding"] = self.encoding
        if self.shape == "csv" and self.declared:
            external.update(delimiter=self.delimiter, quote=self.quote, header=self.header)
        return external

    def second(self, data):
        """Returns the rows as another reader reads them, each value as text or None."""
        if self.compression == "zstd":
            import pyarrow

            data = pyarrow.CompressedInputStream(pyarrow.BufferReader(data), "zstd").read()
        compression = None if self.compression == "zstd" else self.compression
        options = {"encoding": self.encoding, "compression": compression}
        if self.shape == "csv":
            frame = pandas.read_csv(
                io.BytesIO(data), sep=self.delimiter, quotechar=self.quote, header=0 if self.header else None,
                names=list(COLUMNS), dtype=str, keep_default_na=False, na_values=[""], **options,
            )
            return frame.astype(object).where(frame.notna(), None).values.tolist()
        if self.shape == "lines" and self.encoding == "utf-8" and self.compression is None:
            columns = {name: "VARCHAR" for name in COLUMNS}
            with tempfile.NamedTemporaryFile(suffix=".json") as file:
                file.write(data)
                file.flush()
                found = duckdb.read_json(file.name, format="newline_delimited", columns=columns)
                return [list(values) for values in found.fetchall()]
        raw = {"gzip": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}.get(compression, bytes)(data)
        raw = raw.decode(self.encoding)
        if self.shape == "split":
            return json.loads(raw)["data"]
        if self.shape == "lines":
            found = [json.loads(line) for line in raw.splitlines() if line]
        else:
            found = json.loads(raw)
            found = found if isinstance(found, list) else [found]
        return [[one.get(name) for name in COLUMNS] for one in found]


def typed(values):
    number, amount, day, name = values
    return (
        None if number is None else int(str(number)),
        None if amount is None else float(amount),
        None if day is None else str(day),
        name,
    )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments.add_argument("--files", type=int, default=120)
    arguments = arguments.parse_args()
    print(f"seed {arguments.seed}")
    rng = random.Random(arguments.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "in").mkdir()
        (root / "models").mkdir()
        (root / "project.yml").write_text("name: hostile\ntarget: dev\ntargets: {dev: {root: lake}}\n")
        files = [File(rng, at) for at in range(arguments.files)]
        columns = [{"name": name, "data_type": kind} for name, kind in COLUMNS.items()]
        tables = []
        for file in files:
            (root / file.path).write_bytes(file.bytes())
            (root / "models" / f"{file.name}.sql").write_text(f"select * from {{{{ source('f', '{file.name}') }}}}")
            # Half of a file's rows may be invalid, and must be rejected without an error.
            tables.append({"name": file.name, "external": file.external(), "columns": columns})
        sources = {"sources": [{"name": "f", "tables": tables}]}
        (root / "sources.yml").write_text(json.dumps(sources))
        ran = subprocess.run([arguments.binary, "build"], cwd=root, capture_output=True, text=True)
        if ran.returncode == 2:
            sys.exit(ran.stdout + ran.stderr)
        for file in files:
            given = file.second((root / file.path).read_bytes())
            want = sorted((typed(values) for values in given if fits(values)), key=repr)
            try:
                found = DeltaTable(root / "lake" / "main" / file.name).to_pyarrow_table().to_pylist()
            except Exception as error:  # noqa: BLE001
                found = [{"id": f"no table: {error}", "amount": None, "day": None, "name": None}]
            got = sorted(
                ((one["id"], one["amount"], one["day"] and str(one["day"]), one["name"]) for one in found), key=repr
            )
            place = root / "lake" / "main" / f"{file.name}_rejected"
            rejects = DeltaTable(place).to_pyarrow_table().num_rows if place.exists() else 0
            if got != want or rejects != len(given) - len(want):
                wrong += 1
                print(f"{file.path}: {vars(file) | {'rows': len(file.rows)}}")
                print(f"  wanted {len(want)} rows and {len(given) - len(want)} rejects, got {len(got)} and {rejects}")
                for one in [one for one in want if one not in got][:3]:
                    print(f"  missing {one!r}")
                for one in [one for one in got if one not in want][:3]:
                    print(f"  not wanted {one!r}")
    print(f"{arguments.files - wrong} right, {wrong} not")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
