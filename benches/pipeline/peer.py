"""The smart-meter pipeline written by hand on DuckDB and the deltalake package: what Headwater is measured against.

    python peer.py DATA_DIR LAKE_DIR [--read-only]

It reads the same files and writes the same Delta tables, raw to presentation, with zstd. It is meant to be as fast as
a competent hand makes it: each result is kept in DuckDB's memory and read again from there, never from Delta. It
takes clean data only, and sets nothing aside. `--read-only` stops when the readings are in memory.
"""

import argparse
import sqlite3
import time
from pathlib import Path

import duckdb
import pyarrow
from deltalake import WriterProperties, write_deltalake

# DuckDB sizes its read buffers by the largest document it must expect, so no more than needed.
SMALLEST_LIMIT = 16 * 1024 * 1024

READINGS = """
create table raw_readings as
with documents as (
    select
        filename,
        list_position(columns, 'interval_start') as start_at,
        list_position(columns, 'consumption_delta') as delta_at,
        list_position(columns, 'meterpoint_id') as meterpoint_at,
        unnest(data) as cells,
        unnest(range(1, len(data) + 1)) as source_row
    from read_json(
        '{data}/readings/*.json',
        columns = {{columns: 'varchar[]', data: 'varchar[][]'}},
        filename = true,
        maximum_object_size = {limit}
    )
)
select
    cells[start_at]::timestamptz as interval_start,
    cells[delta_at]::double as consumption_delta,
    cells[meterpoint_at] as meterpoint_id,
    filename as _source_file,
    source_row as _source_row
from documents
"""

TABLES = {
    "raw_agreements": """
        select agreement_id, account_id, meterpoint_id, product_id,
               agreement_valid_from::date as agreement_valid_from, agreement_valid_to::date as agreement_valid_to
        from case_study.agreement""",
    "raw_products": """
        select id, product_id, display_name, is_variable::boolean as is_variable from case_study.product""",
    "raw_meterpoints": """
        select meterpoint_id, region from case_study.meterpoint""",
    "stg_readings": """
        select meterpoint_id, interval_start,
               last(consumption_delta order by _source_file, _source_row) as consumption_kwh
        from raw_readings
        where consumption_delta is not null
        group by all""",
    "stg_agreements": """
        select agreement_id, account_id, meterpoint_id, product_id, display_name, is_variable,
               agreement_valid_from as valid_from, agreement_valid_to as valid_to
        from raw_agreements
        join raw_products using (product_id)""",
    "stg_readings_with_agreement": """
        select r.meterpoint_id, r.interval_start, r.interval_start::date as reading_date, r.consumption_kwh,
               a.agreement_id, a.product_id, a.display_name
        from stg_readings r
        join stg_agreements a
          on a.meterpoint_id = r.meterpoint_id
         and a.valid_from <= r.interval_start::date
         and (a.valid_to is null or r.interval_start::date < a.valid_to)""",
    "active_agreements": """
        select agreement_id, meterpoint_id, display_name, is_variable
        from stg_agreements
        where valid_from <= date '2021-01-01' and (valid_to is null or date '2021-01-01' < valid_to)""",
    "total_consumption_half_hour": """
        select interval_start, count(meterpoint_id) as meterpoint_count, sum(consumption_kwh) as total_kwh
        from stg_readings
        group by all""",
    "gold_aggregate_per_half_hour": """
        select * from total_consumption_half_hour""",
    "consumption_per_product_per_day": """
        select display_name, reading_date as date, count(distinct meterpoint_id) as meterpoint_count,
               sum(consumption_kwh) as total_kwh
        from stg_readings_with_agreement
        group by all""",
    "gold_avg_half_hour_by_product": """
        select interval_start, display_name, avg(consumption_kwh) as avg_kwh
        from stg_readings_with_agreement
        group by all""",
}


def layer(table):
    return {"raw": "raw", "stg": "staging"}.get(table.split("_")[0], "presentation")


def write(database, lake, table):
    write_deltalake(
        str(lake / layer(table) / table),
        database.table(table).to_arrow_reader(100_000),
        writer_properties=WriterProperties(compression="ZSTD"),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("lake", type=Path, metavar="LAKE_DIR")
    parser.add_argument("--read-only", action="store_true", help="stop when the readings are in memory")
    args = parser.parse_args()

    began = time.perf_counter()
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
    largest = max(file.stat().st_size for file in (args.data / "readings").iterdir())
    database.execute(READINGS.format(data=args.data, limit=max(SMALLEST_LIMIT, largest + 1)))
    print(f"readings in memory after {time.perf_counter() - began:.2f} s")
    if args.read_only:
        return
    write(database, args.lake, "raw_readings")
    attach(database, args.data / "case_study.db")
    for table, query in TABLES.items():
        database.execute(f"create table {table} as {query}")
        write(database, args.lake, table)
    print(f"tables written after {time.perf_counter() - began:.2f} s")


def attach(database, path):
    """Makes the SQLite tables known by Python's own driver: DuckDB's would have to be downloaded."""
    database.execute("create schema case_study")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for table in ("agreement", "product", "meterpoint"):
        cursor = connection.execute(f"select * from {table}")
        names = [column[0] for column in cursor.description]
        rows = pyarrow.table(dict(zip(names, zip(*cursor))))
        database.register("rows", rows)
        database.execute(f"create table case_study.{table} as from rows")


if __name__ == "__main__":
    main()
