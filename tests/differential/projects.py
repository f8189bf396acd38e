#!/usr/bin/env python3
"""Two public dbt projects, built by dbt-duckdb and by Headwater: the rows and types of each table must be
equal.

    python tests/differential/projects.py CHECKOUT --headwater BIN --dbt BIN [--out DIR]

CHECKOUT is a checkout of dbt-labs/jaffle-shop or dbt-labs/jaffle_shop_duckdb; it is copied, not changed. Both
tools build the same copy, in which `projects/packages.sql` replaces the few macros from packages, and seeds
replace the sources with the same data. Orders missing in the checkout are generated here. Exit code 1 if a
table differs.
"""

import argparse
import hashlib
import random
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow
from deltalake import DeltaTable

from compare import Verdict, rows
from duck import Answer, cells, delta_type

HERE = Path(__file__).resolve().parent
REPLACED = [
    (r"\{\{\s*source\('ecom',\s*'(\w+)'\)\s*\}\}", r"{{ ref('\1') }}"),
    (r"dbt_utils\.generate_surrogate_key\(", "laid_surrogate_key("),
    (r"dbt_date\.get_base_dates\(", "laid_base_dates("),
    (r"dbt\.date_trunc\(", "laid_date_trunc("),
]
PROFILE = "default: &duck {target: dev, outputs: {dev: {type: duckdb, path: built.duckdb, threads: 2}}}\njaffle_shop: *duck\n"


def lay(checkout, folder):
    """Creates a copy of the project that both tools can build."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in ("models", "macros", "seeds"):
        if (checkout / part).exists():
            shutil.copytree(checkout / part, folder / part)
    for path in [*folder.rglob("*.yml"), *folder.rglob("generate_schema_name.sql"), *folder.rglob("*.md")]:
        path.unlink()
    for path in folder.rglob("*.sql"):
        text = path.read_text()
        for pattern, replacement in REPLACED:
            text = re.sub(pattern, replacement, text)
        path.write_text(text)
    (folder / "macros").mkdir(exist_ok=True)
    shutil.copy(HERE / "projects/packages.sql", folder / "macros/packages.sql")
    seeds = folder / "seeds/jaffle-data"
    if seeds.exists() and not (seeds / "raw_orders.csv").exists():
        orders(seeds)
    models = "models:\n  jaffle_shop:\n    +schema: main\n    +materialized: table\n"
    (folder / "project.yml").write_text(
        f"name: jaffle_shop\nversion: '1.0'\ntarget: dev\ntargets:\n  dev: {{root: lake}}\n{models}seeds: {{+schema: main}}\n"
    )


def orders(seeds):
    """Generates orders and items for the shop's customers, stores and products: at most one order per
    customer and day."""
    rng = random.Random(14)
    read = lambda name: [line.split(",") for line in (seeds / name).read_text().splitlines()[1:]]
    customers, stores, products = read("raw_customers.csv"), read("raw_stores.csv"), read("raw_products.csv")
    made, items, seen = [], [], set()
    for number in range(6000):
        customer, store = rng.choice(customers), rng.choice(stores)
        at = datetime(2023, 9, 1, 7) + timedelta(minutes=rng.randrange(60 * 24 * 300))
        if (customer[0], at.date()) in seen:
            continue
        seen.add((customer[0], at.date()))
        order = name(f"order {number}")
        bought = [rng.choice(products) for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 6]))]
        items += [f"{name(f'item {number} {at}')},{order},{product[0]}" for at, product in enumerate(bought)]
        subtotal = sum(int(product[3]) for product in bought)
        tax = int(subtotal * float(store[3]))
        made.append(f"{order},{customer[0]},{at.isoformat()},{store[0]},{subtotal},{tax},{subtotal + tax}")
    (seeds / "raw_orders.csv").write_text(
        "id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n" + "\n".join(made) + "\n"
    )
    (seeds / "raw_items.csv").write_text("id,order_id,sku\n" + "\n".join(items) + "\n")


def name(text):
    digest = hashlib.md5(text.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def build(folder, dbt, headwater):
    """Builds the copy with both tools, and returns the errors."""
    with_dbt = folder.with_name(folder.name + "_dbt")
    shutil.rmtree(with_dbt, ignore_errors=True)
    shutil.copytree(folder, with_dbt)
    (with_dbt / "project.yml").unlink()
    (with_dbt / "dbt_project.yml").write_text(
        "name: jaffle_shop\nversion: '1.0'\nprofile: default\nmodels: {jaffle_shop: {+materialized: table}}\n"
    )
    (with_dbt / "profiles.yml").write_text(PROFILE)
    asked = [(with_dbt, [dbt, "build", "--profiles-dir", "."]), (folder, [headwater, "build"])]
    failed = []
    for place, command in asked:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True)
        (place / "build.log").write_text(done.stdout + done.stderr)
        if done.returncode:
            failed.append(f"{' '.join(map(str, command))} failed: {place / 'build.log'}")
    return with_dbt / "built.duckdb", failed


def theirs(connection, table):
    connection.execute(f'select * from "{table}"')
    described = [(part[0], str(part[1])) for part in connection.description]
    result = connection.to_arrow_table()
    columns = [cells(column) for column in result.columns]
    return answer(
        [name for name, _ in described], [delta_type(kind) for _, kind in described], columns, result.num_rows
    )


def ours(path):
    table = DeltaTable(str(path))
    result = pyarrow.table(table.to_pyarrow_table())
    kinds = [delta_name(part.type) for part in table.schema().fields]
    return answer(
        [part.name for part in table.schema().fields],
        kinds,
        [cells(column) for column in result.columns],
        result.num_rows,
    )


def delta_name(kind):
    return str(getattr(kind, "type", kind)) if not hasattr(kind, "fields") else str(kind)


def answer(names, types, columns, count):
    return Answer("ok", "", names, types, types, [list(row) for row in zip(*columns)], count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--headwater", required=True, type=Path)
    parser.add_argument("--dbt", required=True, type=Path)
    parser.add_argument("--out", type=Path, default=Path("target/differential/projects"))
    given = parser.parse_args()
    folder = given.out.resolve() / given.checkout.name
    lay(given.checkout, folder)
    database, failed = build(folder, given.dbt.resolve(), given.headwater.resolve())
    for line in failed:
        print(line)
    connection = duckdb.connect(str(database), read_only=True)
    connection.execute("set TimeZone = 'UTC'; set arrow_lossless_conversion = true")
    wrong = len(failed)
    for (table,) in connection.execute(
        "select table_name from information_schema.tables order by 1"
    ).fetchall():
        path = folder / "lake/main" / table
        found = (
            rows(ours(path), theirs(connection, table), False)
            if path.exists()
            else Verdict("refused", "the table is missing")
        )
        wrong += found.status != "equal"
        print(f"{table:<28} {found.status:<10} {found.what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
