"""Creates the project to fuzz: small inputs of every kind, and a lake that is built from them."""

import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import struct
import zlib

import fastavro
import pyarrow
import pyarrow.parquet
from deltalake import DeltaTable, write_deltalake

PROJECT = """\
name: fuzz
version: "1.0"
vars: {most: 100, day: "2021-01-01"}
models:
  fuzz:
    +schema: main
    +meta: {owner: someone}
seeds:
  fuzz:
    +schema: seeds
    s: {+column_types: {zip: varchar, price: "decimal(10, 2)"}}
on-run-start: []
target: dev
targets:
  dev: {root: lake, threads: 2, memory_limit: 300MB}
"""

DECLARED = "[{name: id, data_type: bigint}, {name: amount, data_type: double}, {name: day, data_type: date}, {name: name, data_type: varchar}]"
SOURCES = f"""\
version: 2
sources:
  - name: src
    description: Everything that can be read.
    tables:
      - name: csv
        freshness: {{warn_after: {{count: 3650, period: day}}}}
        external: {{location: data/c.csv, format: csv, delimiter: ","}}
        columns: {DECLARED}
      - name: split
        external: {{location: data/split.json, format: json, options: {{orient: split, date_unit: ms}}}}
        columns: {DECLARED}
      - name: records
        external: {{location: data/records.json, format: json}}
        columns: {DECLARED}
      - name: ndjson
        external: {{location: data/lines.ndjson}}
      - name: gz
        external: {{location: data/g.csv.gz}}
        columns: {DECLARED}
      - name: zst
        external: {{location: data/z.csv.zst}}
        columns: {DECLARED}
      - name: bz2
        external: {{location: data/b.ndjson.bz2}}
        columns: {DECLARED}
      - name: xz
        external: {{location: data/x.csv.xz}}
        columns: {DECLARED}
      - name: parquet
        external: {{location: data/p.parquet}}
      - name: avro
        external: {{location: data/a.avro}}
        columns: {DECLARED}
      - name: sqlite
        external: {{location: data/d.db, options: {{table: t}}}}
        columns: {DECLARED}
      - name: parts
        external: {{location: "data/parts/*.csv"}}
        columns: [{{name: id, data_type: bigint}}, {{name: v, data_type: integer}}, {{name: _source_file, data_type: varchar}}]
      - name: ext
        external: {{location: data/ext, format: delta}}
      - name: dv
        external: {{location: data/dv, format: delta}}
"""

PROPERTIES = """\
version: 2
models:
  - name: m_csv
    description: "{{ doc('note') }}"
    config: {tags: [a, b], contract: {enforced: true}}
    constraints: [{type: check, expression: "id is not null", name: has_id}]
    columns:
      - name: id
        data_type: bigint
        data_tests:
          - not_null
          - unique: {config: {severity: warn}}
      - name: amount
        data_type: double
        data_tests:
          - accepted_range: {arguments: {min_value: -1000, max_value: 1000}, config: {on_violation: quarantine}}
      - {name: day, data_type: date}
      - name: name
        data_type: varchar
        data_tests:
          - accepted_values: {arguments: {values: [x, y, "it's"]}, config: {severity: warn}}
  - name: base
    columns: [{name: id, data_tests: [not_null, {relationships: {arguments: {to: ref('s'), field: id}, config: {severity: warn}}}]}]
snapshots:
  - name: h
    relation: ref('m_split')
    config: {schema: history, unique_key: id, strategy: check, check_cols: [name, amount], hard_deletes: invalidate}
unit_tests:
  - name: down_counts
    model: down
    given: [{input: ref('base'), rows: [{id: 1, g: 0, v: 2.0, t: a}, {id: 3, g: 0, v: 3.0, t: b}]}]
    expect: {rows: [{g: 0, n: 2, v: 5.0}]}
exposures:
  - {name: board, type: dashboard, owner: {name: A, email: a@example.com}, depends_on: [ref('down')]}
"""

MACROS = """\
{% macro cents(column, digits=2) -%}
  round({{ column }} * 100, {{ digits }})
{%- endmacro %}
{% macro keys(n) %}{% for i in range(n) %}{{ i }}{{ ", " if not loop.last }}{% endfor %}{% endmacro %}
{% test positive(model, column_name) %} select * from {{ model }} where {{ column_name }} < 0 {% endtest %}
"""

TEMPLATE = """\
{{ config(materialized='table', tags=['j'] + ['k'], meta={'a': [1, 2, {'b': none}]}) }}
{%- set columns = ['id', 'g'] -%}
{% set totals = {'v': 'sum', 'id': 'max'} %}
with base as (
  select * from {{ ref('base') }} {% if target.name == 'dev' and var('most') | int > 5 %} where id < {{ var('most') }} {% endif %}
)
select {% for c in columns %}{{ c | lower }}{% if not loop.last %}, {% endif %}{% endfor %},
  {{ cents('v') }} as cents, '{{ "it''s" | replace("'", "") | upper }}' as word, {{ totals.items() | list | length }} as n
from base where g in ({{ keys(5) }}) {# a comment #}
"""

SQL = """\
with a as (select id, g, v, row_number() over (partition by g order by v desc, id) as n from {{ ref('base') }}),
b as (select g, sum(v) as total, count(distinct t) as kinds, array_agg(id order by id) as ids from {{ ref('base') }} group by g)
select a.id, cast(a.v as decimal(18, 3)) as v, case when a.n = 1 then 'first' else coalesce(nullif(b.total::varchar, ''), '-') end as w,
  b.ids[1] as one, date '2021-01-01' + interval '1 day' * a.n as day, a.v / nullif(b.kinds, 0) as share
from a join b using (g) left join (select 1 as k) c on a.id = c.k
where a.id between 1 and 40 and exists (select 1 from {{ ref('s') }} x where x.id = a.g) or a.g in (0, 1, 2, null)
order by a.id limit 30
"""

MODELS = {
    "base": "select value as id, value % 5 as g, value * 0.5 as v, 't' || (value % 3) as t from generate_series(1, 40) t",
    "down": "select g, count(*) as n, sum(v) as v from {{ ref('base') }} group by g",
    "bystander": "select value as id, value * value as square from generate_series(1, 20) t",
    "parted": "{{ config(partition_by='g') }} select id, v, g from {{ ref('base') }}",
    "merged": "{{ config(materialized='incremental', unique_key='id') }} select id, g, v from {{ ref('base') }}",
    "later": "select count(*) as n, sum(v) as v from {{ ref('merged') }}",
    "loaded": "{{ config(materialized='incremental') }} select id, v, _source_file from {{ source('src', 'parts') }}",
    "of_parts": "select count(*) as n, sum(v) as v from {{ ref('loaded') }}",
    "of_ext": "select * from {{ source('src', 'ext') }}",
    "of_dv": "select * from {{ source('src', 'dv') }}",
    "seen": "{{ config(materialized='view') }} select * from {{ ref('base') }} where id > 3",
    "query": SQL,
    "template": TEMPLATE,
}
for name in ("csv", "split", "records", "ndjson", "gz", "zst", "bz2", "xz", "parquet", "avro", "sqlite"):
    MODELS[f"m_{name}"] = f"select id, amount, day, name from {{{{ source('src', '{name}') }}}}"


def make(folder):
    """Writes the project, without a lake."""
    files = {
        "project.yml": PROJECT, "sources.yml": SOURCES, "models/properties.yml": PROPERTIES, "macros/m.sql": MACROS,
        "models/note.md": "{% docs note %} A *note*. {% enddocs %}\n",
        "data-tests/none.sql": "select * from {{ ref('down') }} where n < 0\n",
    } | {f"models/{name}.sql": text + "\n" for name, text in MODELS.items()}
    for path, text in files.items():
        put(folder / path, text.encode())
    rng = random.Random(1)
    rows = [[i, round(rng.uniform(-9, 9), 3), f"2021-01-{i + 1:02}", rng.choice(["x", "y", "a,b", 'q"q', "é", ""])] for i in range(20)]
    names = ["id", "amount", "day", "name"]
    csv = "\n".join([",".join(names)] + [",".join(map(cell, row)) for row in rows]) + "\n"
    objects = [dict(zip(names, row)) for row in rows]
    lines = "\n".join(map(json.dumps, objects)) + "\n"
    data = folder / "data"
    put(data / "c.csv", csv.encode())
    put(data / "split.json", json.dumps({"columns": names, "index": list(range(20)), "data": rows}).encode())
    put(data / "records.json", json.dumps(objects, indent=1).encode())
    put(data / "lines.ndjson", lines.encode())
    put(data / "g.csv.gz", gzip.compress(csv.encode(), mtime=0))
    put(data / "z.csv.zst", zstd(csv.encode()))
    put(data / "b.ndjson.bz2", bz2.compress(lines.encode()))
    put(data / "x.csv.xz", lzma.compress(csv.encode()))
    table = pyarrow.table({
        "id": pyarrow.array([row[0] for row in rows], pyarrow.int64()), "amount": [row[1] for row in rows],
        "day": pyarrow.array([row[2] for row in rows]).cast(pyarrow.date32()), "name": [row[3] for row in rows],
    })
    pyarrow.parquet.write_table(table, data / "p.parquet", row_group_size=7, compression="zstd")
    schema = {"type": "record", "name": "r", "fields": [
        {"name": "id", "type": "long"}, {"name": "amount", "type": ["null", "double"]},
        {"name": "day", "type": "string"}, {"name": "name", "type": "string"}]}
    out = io.BytesIO()
    fastavro.writer(out, schema, objects, codec="deflate", sync_marker=b"0123456789abcdef", sync_interval=200)
    put(data / "a.avro", out.getvalue())
    with sqlite3.connect(data / "d.db") as db:
        db.execute("pragma page_size = 512")
        db.execute("create table t (id integer primary key, amount real, day text, name text)")
        db.execute("create index i on t (name)")
        db.executemany("insert into t values (?, ?, ?, ?)", rows)
        db.commit()
    db.close()
    for part in range(3):
        put(data / f"parts/{part}.csv", ("id,v\n" + "".join(f"{part * 10 + i},{i * i}\n" for i in range(8))).encode())
    put(folder / "seeds/s.csv", b"id,zip,price,day,note\n" + b"".join(b"%d,0%d,%d.50,2021-02-%02d,n %d\n" % (i, i, i, i + 1, i) for i in range(6)))
    # A table with many versions and a checkpoint, and one with a deletion vector.
    for version in range(6):
        part = pyarrow.table({"id": pyarrow.array([version * 2, version * 2 + 1], pyarrow.int64()), "g": [f"g{version % 2}"] * 2})
        write_deltalake(data / "ext", part, mode="append", partition_by=["g"])
        if version == 3:
            DeltaTable(data / "ext").create_checkpoint()
    write_deltalake(data / "dv", table)
    delete_rows(data / "dv", [1, 5, 6])


def delete_rows(folder, places):
    """Deletes rows of a table's only file with a deletion vector, as Spark does; deltalake can't write them."""
    log = folder / "_delta_log"
    actions = [json.loads(line) for line in (log / f"{0:020}.json").read_text().splitlines()]
    add = next(action["add"] for action in actions if "add" in action)
    vector = struct.pack("<IQI", 1681511377, 1, 0) + roaring(places)
    name = "deletion_vector_00000000-0000-0000-0000-000000000001.bin"
    put(folder / name, b"\x01" + struct.pack(">I", len(vector)) + vector + struct.pack(">I", zlib.crc32(vector)))
    remove = {"path": add["path"], "deletionTimestamp": 1700000000000, "dataChange": True}
    vector = {"storageType": "p", "pathOrInlineDv": f"file://{folder / name}", "offset": 1, "sizeInBytes": len(vector), "cardinality": len(places)}
    # A relative vector ("u") survives a copy of the directory: its name is the UUID in Base85.
    vector |= {"storageType": "u", "pathOrInlineDv": base85("00000000000000000000000000000001")}
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    lines = [{"protocol": protocol}, {"remove": remove}, {"add": add | {"deletionVector": vector}}]
    put(log / f"{1:020}.json", "".join(json.dumps(line) + "\n" for line in lines).encode())


def roaring(values):
    """Returns a 32-bit Roaring bitmap with one array container, in the portable format."""
    container = b"".join(struct.pack("<H", value) for value in values)
    return struct.pack("<IIHHI", 12346, 1, 0, len(values) - 1, 16) + container


def base85(uuid):
    """Returns the Z85 encoding of a UUID's 16 bytes, which names deletion vectors in Delta's protocol."""
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    raw, out = bytes.fromhex(uuid), ""
    for at in range(0, 16, 4):
        number = int.from_bytes(raw[at : at + 4], "big")
        out += "".join(letters[number // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return out


def cell(value):
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n') else text


def zstd(data):
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
