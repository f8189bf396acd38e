#!/usr/bin/env python3
"""Checks that other readers of Delta tables can read what Headwater writes, and that Headwater can read what
other writers do between two builds.

    readers.py BINARY [PART…]        PART: values, maintenance, features

- values: every column type and every special partition value, as `deltalake`, Polars and DuckDB read them.
- maintenance: OPTIMIZE, VACUUM, RESTORE, DELETE, a checkpoint, a new column and another schema, by
  `deltalake`, of a source and of a model's own table.
- features: tables that `deltalake` can't write, generated here: column mapping, deletion vectors, a v2
  checkpoint, INT96 timestamps, and an unsupported feature.

Exit code 1 and a list of differences if there are any. Needs the packages of `requirements.txt`.
"""

import datetime
import decimal
import functools
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import deltalake
import duckdb
import duckdb_extensions
import polars
import pyarrow
import pyarrow.parquet

UTC = datetime.timezone.utc
differences = []


class Project:
    """A project in its own directory, and the binary that builds it."""

    def __init__(self, binary, folder, sources=()):
        self.binary, self.folder = binary, Path(folder)
        (self.folder / "models").mkdir(parents=True)
        (self.folder / "project.yml").write_text("name: readers\ntarget: dev\ntargets: {dev: {root: lake}}\n")
        if sources:
            tables = "".join(
                f"      - {{name: {name}, external: {{location: src/{name}, format: delta}}}}\n" for name in sources
            )
            (self.folder / "sources.yml").write_text(f"sources:\n  - name: src\n    tables:\n{tables}")

    def model(self, name, sql):
        (self.folder / "models" / f"{name}.sql").write_text(sql + "\n")

    def run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], cwd=self.folder, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def build(self):
        code, output = self.run("build")
        check(f"build of {self.folder.name}", code, 0, output)
        return output

    def rows(self, sql):
        code, output = self.run("show", "--inline", sql, "--output", "csv", "--limit", "-1", "-q")
        return output.strip().split("\n")[1:] if code == 0 else [output]

    def table(self, name):
        return str(self.folder / "lake" / "main" / name)

    def source(self, name):
        return str(self.folder / "src" / name)


def check(what, found, expected, note=""):
    if repr(found) != repr(expected):
        differences.append(f"{what}: {found!r}, not {expected!r} {note}")


def by_id(rows):
    return [tuple(row[1:]) for row in sorted(rows, key=lambda row: row[0])]


def read_everywhere(path):
    """Returns the rows by reader, for each installed one, without their first column, which orders them."""
    table = deltalake.DeltaTable(path).to_pyarrow_table()
    yield "deltalake", by_id(tuple(row.values()) for row in table.to_pylist())
    yield "Polars", by_id(polars.read_delta(path).rows())
    rows = duckdb_with_delta().execute(f"select * from delta_scan('{path}')").fetchall()
    yield "DuckDB", by_id(rows)


@functools.cache
def duckdb_with_delta():
    """Returns a connection that reads Delta tables. Its extension is a package, because DuckDB's server may
    be unreachable."""
    duckdb_extensions.import_extension("delta")
    duck = duckdb.connect()
    duck.execute("set timezone = 'UTC'; load delta")
    return duck


def values(binary, folder):
    first, last = datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)
    moments = [first, last, None, datetime.datetime(2024, 2, 29, 12, 0, 0, 1)]
    as_text = ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", None, "2024-02-29 12:00:00.000001"]
    naive, zoned = "Timestamp(Microsecond, None)", 'Timestamp(Microsecond, Some("UTC"))'

    def rows(texts, expression):
        quoted = ["null" if text is None else "'" + text.replace("'", "''") + "'" for text in texts]
        listed = ", ".join(f"({i}, {text})" for i, text in enumerate(quoted))
        return f"select id, {expression} as p from (values {listed}) t(id, v)"

    def moment(type_name):
        # Elsewhere, a cast of text to a timestamp goes through nanoseconds, which end in 2262.
        return f"arrow_cast(v, '{type_name}')"

    dates = ["0001-01-01", "9999-12-31", None, "1969-12-31"]
    decimals = ["0.001", "0", "-12", None, "999999.999"]
    signs = ["a/b", "a b", "100%", "a=b", "ü", "a:b", "x%2Fy", "#?&", '"q"', "a\\b", None, "null", "NaN"]
    cases = {
        "doubles": (
            rows(["NaN", "inf", "-inf", "-0.0", None, "0.1", "1e22", "-1e-7"], "v::double"),
            [math.nan, math.inf, -math.inf, 0.0, None, 0.1, 1e22, -1e-7],
        ),
        "decimals": (
            rows(decimals, "v::decimal(9, 3)"),
            [None if v is None else decimal.Decimal(v).quantize(decimal.Decimal("0.001")) for v in decimals],
        ),
        "whole": (
            rows(["-1", "0", None, "9" * 38], "v::decimal(38, 0)"),
            [decimal.Decimal(-1), decimal.Decimal(0), None, decimal.Decimal("9" * 38)],
        ),
        "dates": (rows(dates, "v::date"), [v and datetime.date.fromisoformat(v) for v in dates]),
        "times": (rows(as_text, moment(naive)), moments),
        "instants": (rows(as_text, moment(zoned)), [v and v.replace(tzinfo=UTC) for v in moments]),
        "booleans": (rows(["true", "false", None], "v::boolean"), [True, False, None]),
        "texts": (rows(signs, "v"), signs),
        "integers": (rows(["-9223372036854775808", "9223372036854775807", None], "v::bigint"), [-(2**63), 2**63 - 1, None]),
    }
    project = Project(binary, folder)
    for name, (sql, _) in cases.items():
        project.model(name, sql)
        project.model(f"{name}_partitioned", f"{{{{ config(partition_by='p') }}}}\n{sql}")
    project.model("odd_names", "{{ config(partition_by=['a%20b', 'ü#?&', 'c:d']) }}\n"
                  'select 1 as id, \'x/y\' as "a%20b", \'1\' as "ü#?&", \'z\' as "c:d"')
    project.model("nested", "select 1 as id, [1, 2] as l, {'a': 1, 'b': [true]} as s, map {'k': 1} as m")
    project.model("unsigned", "select 1 as id, " + ", ".join(
        f"arrow_cast({2**bits - 1}, 'UInt{bits}') as u{bits}" for bits in (8, 16, 32)))
    project.build()
    for name, (_, expected) in cases.items():
        for path in (project.table(name), project.table(f"{name}_partitioned")):
            for reader, found in read_everywhere(path):
                found = [value for value, in found]
                if name == "instants":
                    found = [v and v.astimezone(UTC) for v in found]
                if name == "doubles":
                    found = [v if v is None or v != 0 else 0.0 for v in found]
                check(f"{path} by {reader}", found, expected)
    for reader, found in read_everywhere(project.table("odd_names")):
        check(f"odd names by {reader}", found, [("x/y", "1", "z")])
    for reader, found in read_everywhere(project.table("unsigned")):
        check(f"unsigned by {reader}", found, [(255, 65535, 4294967295)])
    refused = {
        "empty": ("select 1 as id, '' as p", "empty"),
        "negative": ("select 1 as id, (-0.001)::decimal(9, 3) as p", "negative decimal"),
        "far": ("select 1 as id, arrow_cast(1609459200000000000, 'Timestamp(Microsecond, None)') as p", "0001 to 9999"),
        "slash": ("select 1 as id, 'x' as \"a/b\"", "other columns"),
    }
    for name, (sql, word) in refused.items():
        column = "a/b" if name == "slash" else "p"
        alone = Project(binary, f"{folder}-{name}")
        alone.model(name, f"{{{{ config(partition_by='{column}') }}}}\n{sql}")
        code, output = alone.run("build")
        check(f"{name} is refused by a word of {word!r}", (code != 0, word in output), (True, True), output)
        check(f"{name} is not published", os.path.exists(alone.table(name)), False)


def maintenance(binary, folder):
    project = Project(binary, folder, ["t"])
    project.model("m", "select * from {{ source('src', 't') }} where n <> 1")
    project.model("told", "{{ config(materialized='incremental', incremental_strategy='append') }}\n"
                  "select id, _change_type as what from {{ changes(source('src', 't')) }}")
    rows = pyarrow.table({"id": list(range(10)), "n": pyarrow.array([i % 3 for i in range(10)], pyarrow.int32())})
    source, own = project.source("t"), project.table("m")
    deltalake.write_deltalake(source, rows.slice(0, 5))
    deltalake.write_deltalake(source, rows.slice(5), mode="append")

    def after(step, of_m, of_changes):
        project.build()
        check(f"rows after {step}", project.rows("select count(*), sum(id) from {{ ref('m') }}"), [of_m])
        told = "select what, count(*), sum(id) from {{ ref('told') }} group by 1 order by 1"
        check(f"changes after {step}", project.rows(told), of_changes)

    after("the first build", "7,33", ["insert,10,45"])
    deltalake.DeltaTable(source).optimize.compact()
    after("OPTIMIZE of a source", "7,33", ["insert,10,45"])
    deltalake.DeltaTable(own).optimize.compact()
    after("OPTIMIZE of a model's table", "7,33", ["insert,10,45"])
    deltalake.DeltaTable(own).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    after("VACUUM of a model's table", "7,33", ["insert,10,45"])
    deltalake.DeltaTable(source).delete("id = 3")
    after("DELETE in a source", "6,30", ["delete,1,3", "insert,10,45"])
    version = deltalake.DeltaTable(source).version()
    deltalake.DeltaTable(source).restore(version - 1)
    after("RESTORE of a source", "7,33", ["delete,1,3", "insert,11,48"])
    deltalake.DeltaTable(source).create_checkpoint()
    after("a checkpoint", "7,33", ["delete,1,3", "insert,11,48"])
    deltalake.DeltaTable(own).delete("id = 0")
    after("DELETE in a model's table", "7,33", ["delete,1,3", "insert,11,48"])
    deltalake.DeltaTable(own).restore(0)
    after("RESTORE of a model's table", "7,33", ["delete,1,3", "insert,11,48"])
    more = pyarrow.table({"id": [100], "n": pyarrow.array([2], pyarrow.int32()), "extra": ["e"]})
    deltalake.write_deltalake(source, more, mode="append", schema_mode="merge")
    after("a new column in a source", "8,133", ["delete,1,3", "insert,12,148"])
    # All rows are deleted, and the changes can't be determined once the files of the previous version are
    # vacuumed.
    deltalake.write_deltalake(source, more.select(["id", "n"]), mode="overwrite", schema_mode="overwrite")
    after("another schema in a source", "1,100", ["delete,11,48", "insert,12,148"])


def log(path, version, *actions):
    folder = Path(path) / "_delta_log"
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(action) + "\n" for action in actions)
    (folder / f"{version:020}.json").write_text(text)


def protocol(reader, writer, *features):
    named = {"readerFeatures": list(features), "writerFeatures": list(features)} if features else {}
    return {"protocol": {"minReaderVersion": reader, "minWriterVersion": writer, **named}}


def metadata(fields, partition_by=(), **configuration):
    columns = [{"name": n, "type": t, "nullable": True, "metadata": m} for n, t, m in fields]
    schema = json.dumps({"type": "struct", "fields": columns})
    return {"metaData": {"id": "11111111-2222-3333-4444-555555555555", "format": {"provider": "parquet", "options": {}},
                         "schemaString": schema, "partitionColumns": list(partition_by),
                         "configuration": {key.replace("__", "."): value for key, value in configuration.items()},
                         "createdTime": 0}}


def add(path, file, table, partition=(), stats=None, **options):
    Path(path).mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, f"{path}/{file}", **options)
    return {"add": {"path": file, "partitionValues": dict(partition), "size": os.path.getsize(f"{path}/{file}"),
                    "modificationTime": 0, "dataChange": True,
                    "stats": json.dumps({"numRecords": table.num_rows, **(stats or {})})}}


def deletion_vector(positions):
    """Returns an inline deletion vector: one container of a Roaring bitmap, in Z85."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    bitmap = struct.pack("<IQI", 1681511377, 1, 0) + struct.pack("<IIHHI", 12346, 1, 0, len(positions) - 1, 16)
    bitmap += b"".join(struct.pack("<H", position) for position in positions)
    padded, text = bitmap + b"\0" * (-len(bitmap) % 4), ""
    for start in range(0, len(padded), 4):
        number = int.from_bytes(padded[start : start + 4], "big")
        text += "".join(digits[number // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(bitmap), "cardinality": len(positions)}


def features(binary, folder):
    project = Project(binary, folder, ["mapped", "old_times", "summed", "deleted", "empty"])
    ids = lambda *values: pyarrow.array(values, pyarrow.int64())

    path = project.source("mapped")
    mapped = lambda i: {"delta.columnMapping.id": i, "delta.columnMapping.physicalName": f"col-{i}"}
    rows = pyarrow.table({"col-1": ids(0, 1, 2, 3), "col-2": [1.0, math.nan, None, 9.0]})
    bounds = {"minValues": {"col-1": 0, "col-2": 1.0}, "maxValues": {"col-1": 3, "col-2": 9.0}}
    fields = [("the id", "long", mapped(1)), ("x", "double", mapped(2)), ("part", "string", mapped(3))]
    log(path, 0, protocol(2, 5),
        metadata(fields, ["part"], delta__columnMapping__mode="name", delta__columnMapping__maxColumnId="3"),
        add(path, "f.parquet", rows, {"col-3": "a"}, bounds))
    project.model("mapped", 'select "the id" as id, part from {{ source(\'src\', \'mapped\') }} where x > 5')

    path = project.source("old_times")
    times = [datetime.datetime(2021, 1, 1, 12), datetime.datetime(9999, 12, 31), datetime.datetime(1, 1, 1)]
    rows = pyarrow.table({"id": ids(1, 2, 3), "at": pyarrow.array(times, pyarrow.timestamp("us"))})
    log(path, 0, protocol(1, 2), metadata([("id", "long", {}), ("at", "timestamp", {})]),
        add(path, "f.parquet", rows, use_deprecated_int96_timestamps=True))
    project.model("old_times", "select id, at from {{ source('src', 'old_times') }}")

    path = project.source("summed")
    rows = pyarrow.table({"id": ids(*range(5)), "x": [1.0, 2.0, math.nan, None, 4.0]})
    actions = [protocol(3, 7, "v2Checkpoint"), metadata([("id", "long", {}), ("x", "double", {})]),
               add(path, "f.parquet", rows, stats={"minValues": {"x": 1.0}, "maxValues": {"x": 4.0}})]
    log(path, 1, {"commitInfo": {"timestamp": 0, "operation": "OPTIMIZE"}})
    name = f"{1:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"
    summed = [{"checkpointMetadata": {"version": 1}}, *actions]
    (Path(path) / "_delta_log" / name).write_text("".join(json.dumps(action) + "\n" for action in summed))
    project.model("summed", "select id from {{ source('src', 'summed') }} where x > 2")

    path = project.source("deleted")
    rows = pyarrow.table({"id": ids(*range(10))})
    fields = [("id", "long", {})]
    first = add(path, "f.parquet", rows)
    log(path, 0, protocol(3, 7, "deletionVectors"), metadata(fields, delta__enableDeletionVectors="true"), first)
    project.model("deleted", "{{ config(materialized='incremental', incremental_strategy='append') }}\n"
                  "select id, _change_type as what from {{ changes(source('src', 'deleted')) }}")

    path = project.source("empty")
    log(path, 0, protocol(1, 2), metadata([("id", "long", {}), ("p", "string", {})], ["p"]),
        add(path, "f.parquet", pyarrow.table({"id": ids(1)}), {"p": ""}))
    project.model("empty", "select id, p is null as is_null from {{ source('src', 'empty') }}")

    project.build()
    check("column mapping", project.rows("select * from {{ ref('mapped') }} order by id"), ["1,a", "3,a"])
    check("INT96", project.rows("select id, cast(at as varchar) like '%9999-12-31%' from {{ ref('old_times') }} order by id"),
          ["1,false", "2,true", "3,false"])
    check("checkpoint v2", project.rows("select * from {{ ref('summed') }} order by id"), ["2", "4"])
    check("an empty partition value", project.rows("select * from {{ ref('empty') }}"), ["1,true"])

    path = project.source("deleted")
    new = {"add": {**first["add"], "deletionVector": deletion_vector([1, 4, 7])}}
    remove = {"remove": {"path": "f.parquet", "deletionTimestamp": 0, "dataChange": True}}
    log(path, 1, {"commitInfo": {"timestamp": 0, "operation": "DELETE"}}, remove, new)
    project.build()
    check("deleted by a vector", project.rows("select id from {{ ref('deleted') }} where what = 'delete' order by id"),
          ["1", "4", "7"])

    refused = Project(binary, f"{folder}-refused", ["widened"])
    path = refused.source("widened")
    log(path, 0, protocol(3, 7, "typeWidening"), metadata([("id", "long", {})], delta__enableTypeWidening="true"),
        add(path, "f.parquet", pyarrow.table({"id": pyarrow.array([1], pyarrow.int32())})))
    refused.model("m", "select * from {{ source('src', 'widened') }}")
    code, output = refused.run("build")
    check("type widening is refused by its name", (code != 0, "typeWidening" in output), (True, True), output)


PARTS = {"values": values, "maintenance": maintenance, "features": features}


def main():
    if len(sys.argv) < 2 or set(sys.argv[2:]) - set(PARTS):
        sys.exit(__doc__)
    binary = os.path.realpath(sys.argv[1])
    for name in sys.argv[2:] or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](binary, os.path.join(folder, name))
    print("\n".join(differences) or "every reader agrees")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
