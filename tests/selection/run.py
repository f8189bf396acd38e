#!/usr/bin/env python3
"""Holds `headwater ls` against `dbt ls`: the same selections of the same project must list the same nodes.

    tests/selection/run.py BIN [--random 150] [--seed 1]

The project has every kind of node. Selections compare with the state in a folder of artifacts as well: with that of
dbt and with Headwater's own, before and after each of a series of edits. Needs dbt-core and dbt-duckdb.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dbt.cli.main import dbtRunner

FILES = {
    "dbt_project.yml": """
name: shop
version: '1.0'
profile: shop
model-paths: [models]
models:
  shop:
    staging: {+materialized: view, +tags: [raw]}
    marts: {+materialized: table, +meta: {owner: ann}}
""",
    "profiles.yml": """
shop:
  target: dev
  outputs: {dev: {type: duckdb, path: 'shop.duckdb', schema: main}}
""",
    "models/staging/stg_orders.sql": "select id, customer, {{ cents('amount') }} as amount from {{ source('raw', 'orders') }}",
    "models/staging/stg_customers.sql": "select * from {{ ref('people') }}",
    "models/marts/orders.sql": "{{ config(alias='all_orders') }}select * from {{ ref('stg_orders') }}",
    "models/marts/customers.sql": "{{ config(tags=['daily'], persist_docs={'relation': true, 'columns': true}) }}"
    "select o.customer, count(*) as n from {{ ref('orders') }} o join {{ ref('stg_customers') }} c on c.id = o.customer group by 1",
    "models/marts/priced_v1.sql": "select 1 as id",
    "models/marts/priced_v2.sql": "select 1 as id, 2 as price",
    "models/marts/priced_v3.sql": "select 1 as id, 3 as price",
    "models/marts/strict.sql": "{{ config(contract={'enforced': true}) }}select 1 as id, 'a'::varchar as name",
    "models/reports/by_day.sql": "{{ config(materialized='ephemeral', group='finance', access='private') }}select * from {{ ref('customers') }}",
    "models/models.yml": """
groups: [{name: finance, owner: {name: Ann}}]
models:
  - name: stg_orders
    description: Orders.
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: orders
    columns:
      - {name: customer, data_tests: [{relationships: {arguments: {to: ref('stg_customers'), field: id}}}]}
      - {name: id, data_tests: [not_null: {config: {severity: warn}}]}
  - name: customers
    description: Customers.
    columns: [{name: n, description: Orders., tags: [counts], data_tests: [not_null]}]
  - name: priced
    latest_version: 2
    versions: [{v: 1}, {v: 2}, {v: 3}]
  - name: strict
    columns: [{name: id, data_type: integer}, {name: name, data_type: varchar}]
unit_tests:
  - name: counts_orders
    model: customers
    given:
      - {input: ref('orders'), rows: [{id: 1, customer: 1}]}
      - {input: ref('stg_customers'), rows: [{id: 1}]}
    expect: {rows: [{customer: 1, n: 1}]}
exposures:
  - {name: board, type: dashboard, owner: {name: Ann, email: a@b.c}, depends_on: [ref('customers')]}
""",
    "models/sources.yml": """
sources:
  - name: raw
    schema: raw
    tables: [{name: orders, columns: [{name: id, data_tests: [not_null]}]}, {name: returns, identifier: r}]
""",
    "seeds/people.csv": "id,name\n1,Ann\n",
    "snapshots/kept.sql": "{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='snaps') }}"
    "select * from {{ ref('people') }}{% endsnapshot %}",
    "tests/no_negative.sql": "select * from {{ ref('orders') }} where amount < 0",
    "macros/cents.sql": "{% macro cents(of) %}({{ half(of) }} / 50){% endmacro %}\n{% macro half(of) %}{{ of }}{% endmacro %}",
    "macros/unused.sql": "{% macro unused() %}1{% endmacro %}",
}


STATES = [
    "new", "old", "modified", "unmodified", "modified.body", "modified.configs", "modified.relation",
    "modified.persisted_descriptions", "modified.macros", "modified.contract",
]
ATOMS = [
    "stg_orders", "orders", "customers", "priced", "priced.v2", "shop.marts", "shop.marts.*", "*.stg_*", "*", "nothing",
    "tag:raw", "tag:daily", "tag:counts", "source:raw", "source:raw.orders", "source:*", "exposure:board", "exposure:*",
    "path:models/marts", "path:models", "models/staging/stg_orders.sql", "file:people.csv", "people.csv", "package:shop",
    "package:this", "config.materialized:view", "config.materialized:table", "config.meta.owner:ann",
    "config.severity:warn", "config.severity:WARN", "config.tags:daily", "test_name:not_null", "test_name:unique",
    "test_type:generic", "test_type:singular", "test_type:unit", "test_type:data", "resource_type:model",
    "resource_type:test", "resource_type:snapshot", "resource_type:source", "unit_test:counts_orders", "group:finance",
    "access:private", "access:protected", "access:public", "version:latest", "version:prerelease", "version:old",
    "version:none",
]

# Each changes files; None removes one.
EDITS = {
    "nothing": {},
    "a body": {"models/marts/orders.sql": FILES["models/marts/orders.sql"] + " where true"},
    "white space": {"models/marts/orders.sql": FILES["models/marts/orders.sql"] + "\n\n"},
    "a seed": {"seeds/people.csv": "id,name\n1,Bob\n"},
    "a config in SQL": {"models/marts/orders.sql": "{{ config(alias='all_orders', materialized='view') }}select * from {{ ref('stg_orders') }}"},
    "an alias": {"models/marts/orders.sql": "{{ config(alias='each_order') }}select * from {{ ref('stg_orders') }}"},
    "tags and groups": {"models/marts/customers.sql": FILES["models/marts/customers.sql"].replace("'daily'", "'weekly'")},
    "a folder's config": {"dbt_project.yml": FILES["dbt_project.yml"].replace("owner: ann", "owner: bob")},
    "a persisted description": {"models/models.yml": FILES["models/models.yml"].replace("description: Customers.", "description: Clients.")},
    "a column's persisted description": {"models/models.yml": FILES["models/models.yml"].replace("description: Orders., tags", "description: Count., tags")},
    "a description": {"models/models.yml": FILES["models/models.yml"].replace("description: Orders.\n", "description: All orders.\n")},
    "a macro below a macro": {"macros/cents.sql": FILES["macros/cents.sql"].replace("{{ of }}{% endmacro", "{{ of }} * 1{% endmacro")},
    "a macro that nothing calls": {"macros/unused.sql": "{% macro unused() %}2{% endmacro %}"},
    "a contract's type": {
        "models/marts/strict.sql": FILES["models/marts/strict.sql"].replace("1 as id", "1::bigint as id"),
        "models/models.yml": FILES["models/models.yml"].replace("data_type: integer", "data_type: bigint"),
    },
    "a contract that begins": {"models/marts/priced_v1.sql": "select 1 as id", "models/models.yml": FILES["models/models.yml"].replace(
        "versions: [{v: 1}, ", "versions: [{v: 1, config: {contract: {enforced: true}}, columns: [{name: id, data_type: integer}]}, ")},
    "the latest version": {"models/models.yml": FILES["models/models.yml"].replace("latest_version: 2", "latest_version: 3")},
    "access": {"models/reports/by_day.sql": FILES["models/reports/by_day.sql"].replace("'private'", "'protected'")},
    "the severity of a test": {"models/models.yml": FILES["models/models.yml"].replace("severity: warn", "severity: error")},
    "a test's tags": {"models/models.yml": FILES["models/models.yml"].replace("{severity: warn}", "{severity: warn, tags: [slow]}")},
    "a singular test": {"tests/no_negative.sql": "select * from {{ ref('orders') }} where amount < 1"},
    "a unit test": {"models/models.yml": FILES["models/models.yml"].replace("{customer: 1, n: 1}", "{customer: 1, n: 2}")},
    "a snapshot": {"snapshots/kept.sql": FILES["snapshots/kept.sql"].replace("'all'", "['name']")},
    "an exposure": {"models/models.yml": FILES["models/models.yml"].replace("type: dashboard", "type: notebook")},
    "what an exposure reads": {"models/models.yml": FILES["models/models.yml"].replace("[ref('customers')]", "[ref('orders')]")},
    "a source's schema": {"models/sources.yml": FILES["models/sources.yml"].replace("schema: raw", "schema: rawer")},
    "a source's identifier": {"models/sources.yml": FILES["models/sources.yml"].replace("identifier: r}", "identifier: rr}")},
    "a source's freshness": {"models/sources.yml": FILES["models/sources.yml"].replace(
        "{name: returns,", "{name: returns, config: {loaded_at_field: at, freshness: {warn_after: {count: 1, period: day}}},")},
    "a new model and its test": {
        "models/marts/fresh.sql": "select 1 as id",
        "models/marts/fresh.yml": "models: [{name: fresh, columns: [{name: id, data_tests: [unique]}]}]",
    },
    "a new source and exposure": {"models/more.yml": "sources: [{name: more, tables: [{name: t}]}]\nexposures: [{name: page, type: application, owner: {name: Ann}}]"},
    "a model in another folder": {"models/marts/orders.sql": None, "models/marts/sub/orders.sql": FILES["models/marts/orders.sql"]},
    "a model that is gone": {"models/reports/by_day.sql": None},
}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def selections(rng, count, atoms):
    """Returns random selections: a list of arguments each."""
    def criterion():
        atom = rng.choice(atoms)
        form = rng.randrange(8)
        if form == 0:
            return "@" + atom
        before = rng.choice(["", "", "+", "1+", "2+"])
        after = rng.choice(["", "", "+", "+1"])
        return before + atom + after

    def words():
        return [",".join(criterion() for _ in range(rng.choice([1, 1, 1, 2]))) for _ in range(rng.choice([1, 1, 2, 3]))]

    for _ in range(count):
        arguments = ["--select", *words()]
        if rng.randrange(3) == 0:
            arguments += ["--exclude", *words()]
        mode = rng.choice(["eager", "eager", "cautious", "buildable", "empty"])
        yield [*arguments, "--indirect-selection", mode]


class Both:
    """A project that dbt and Headwater list."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.tries, self.faults = binary, folder, 0, []

    def dbt(self, *arguments):
        place = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        with contextlib.redirect_stdout(io.StringIO()):
            result = dbtRunner().invoke(["--quiet", "--no-send-anonymous-usage-stats", *arguments, *place])
        if result.exception:
            return f"dbt: {result.exception}"
        return result.result

    def listed_by_dbt(self, arguments):
        found = self.dbt("ls", "--output", "json", "--output-keys", "unique_id", *arguments)
        if isinstance(found, str):
            return found
        return {json.loads(line)["unique_id"] for line in found}

    def listed_by_headwater(self, arguments):
        done = subprocess.run(
            [self.binary, "ls", "--output", "json", "--output-keys", "unique_id", "--quiet", *arguments],
            cwd=self.folder, capture_output=True, text=True,
        )
        if done.returncode != 0:
            return done.stderr.strip()
        return {json.loads(line)["unique_id"] for line in done.stdout.splitlines()}

    def compare(self, what, arguments, own=None):
        self.tries += 1
        one, other = self.listed_by_dbt(arguments), self.listed_by_headwater(own or arguments)
        if one != other:
            shown = lambda ids: ids if isinstance(ids, str) else ", ".join(sorted(ids))
            more = shown(one - other) if isinstance(one, set) and isinstance(other, set) else shown(one)
            less = shown(other - one) if isinstance(one, set) and isinstance(other, set) else shown(other)
            self.faults.append(f"{what}: {' '.join(own or arguments)}\n  only dbt: {more}\n  only Headwater: {less}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--random", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edits", default="")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / "shop"
        write(folder, FILES)
        both = Both(os.path.abspath(given.binary), folder)
        for atom in ATOMS:
            both.compare("alone", ["--select", atom])
        for arguments in selections(rng, given.random, ATOMS):
            both.compare("random", arguments)
        both.dbt("parse")
        shutil.copytree(folder / "target", folder / "by_dbt")
        subprocess.run([both.binary, "parse", "--quiet", "--target-path", "by_headwater"], cwd=folder, check=True)
        for name, edit in EDITS.items():
            if given.edits and given.edits not in name:
                continue
            write(folder, edit)
            for state in STATES:
                criterion = ["--select", f"state:{state}"]
                both.compare(name, [*criterion, "--state", "by_dbt"])
                both.compare(name, [*criterion, "--state", "by_dbt"], [*criterion, "--state", "by_headwater"])
            for path in edit:
                write(folder, {path: FILES.get(path)})
            for empty in ["models/marts/sub"]:
                shutil.rmtree(folder / empty, ignore_errors=True)
        for fault in both.faults:
            print(fault)
        print(f"{both.tries} selections, {len(both.faults)} differences")
        sys.exit(bool(both.faults))


main()
