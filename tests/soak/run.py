"""Runs one project for a long time: data arrives, rows and models change, builds are killed or race, and
other programs write to the lake. After each round, the tables are compared with DuckDB's answer.

    python run.py BINARY [--minutes 30] [--seed 1] [--quick] [--table] [--keep DIR]

A round changes some of: files of events (some with a row that can't be read), rows of a SQLite table, a model.
Then it builds in one of these ways: once; killed at a random instant and then again; twice at the same time and
then again; after OPTIMIZE or VACUUM by deltalake for Python; after `clean`. The last build of a round must
succeed.

Failures are: a failed last build, a crash, tables that differ from DuckDB's answer, files of a lake that no log
names, staged or temporary files that stay, a build of an unchanged project that builds something. At the end,
the duration and the memory of unchanged builds must not have grown beyond twice those of the beginning, by
their medians.

--quick  three minutes, for CI's table
--table  ends with one line of JSON
"""

import argparse
import json
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from deltalake import DeltaTable

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "common")]

import child
import summary

FILES = {
    "project.yml": "name: soak\ntarget: dev\ntargets:\n  dev: {root: lake, threads: 2}\n",
    "models/sources.yml": """
sources:
  - name: src
    tables:
      - name: events
        external: {location: "data/events/*.json", format: json}
        columns:
          - {name: id, data_type: bigint}
          - {name: customer, data_type: bigint}
          - {name: happened, data_type: timestamp}
          - {name: amount, data_type: "decimal(12, 2)"}
          - {name: _source_file, data_type: varchar}
      - name: customers
        external: {location: data/shop.db, format: sqlite, options: {table: customers}}
        columns:
          - {name: id, data_type: bigint}
          - {name: name, data_type: varchar}
          - {name: changed_at, data_type: timestamp}
""",
    "models/properties.yml": """
models:
  - name: events
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: totals
    columns: [{name: customer, data_tests: [unique, not_null]}]
""",
    "models/events.sql": "{{ config(materialized='incremental') }} select id, customer, happened, amount, _source_file from {{ source('src', 'events') }}",
    "models/latest.sql": """{{ config(materialized='incremental', unique_key='customer') }}
select customer, max(id) as id, count(*) as n from {{ ref('events') }}
{% if is_incremental() %} where customer in (select customer from {{ ref('events') }} where id > (select max(id) from {{ this }})) {% endif %}
group by customer""",
    "models/named.sql": "{{ config(materialized='view') }} select e.*, c.name from {{ ref('events') }} e left join {{ source('src', 'customers') }} c on c.id = e.customer",
    "models/totals.sql": "select customer, name, sum(amount) as amount, count(*) as n, {{ var('edition') }} as edition from {{ ref('named') }} group by customer, name",
    "snapshots/history.sql": "{% snapshot history %}{{ config(schema='main', unique_key='id', strategy='check', check_cols=['name']) }} select id, name from {{ source('src', 'customers') }} {% endsnapshot %}",
}
CUSTOMERS = 40


class Wrong(Exception):
    """Behaviour that users must not see."""


class Soak:
    def __init__(self, binary, folder, seed):
        self.binary, self.folder, self.random = binary, folder, random.Random(seed)
        self.duck = duckdb.connect(config={"threads": 1})
        self.edition, self.event, self.history = 1, 0, {}
        self.durations, self.peaks, self.kills, self.races = [], [], 0, 0
        for path, text in FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        (folder / "data/events").mkdir(parents=True)
        (folder / "tmp").mkdir()
        with sqlite3.connect(folder / "data/shop.db") as shop:
            shop.execute("create table customers (id integer primary key, name text not null, changed_at text)")
            shop.executemany(
                "insert into customers values (?, ?, '2021-01-01 00:00:00')", [(n, f"name {n}") for n in range(CUSTOMERS)]
            )
        self.add_events()

    def command(self, *arguments):
        return [self.binary, *arguments, "--vars", json.dumps({"edition": self.edition})]

    def run(self, *arguments):
        ended = child.run(self.command(*arguments), self.folder, {"TMPDIR": str(self.folder / "tmp")}, timeout=300)
        if crash := ended.crash():
            raise Wrong(f"{' '.join(arguments)}: {crash}\n{ended.out}")
        return ended

    def build(self):
        ended = self.run("build")
        if ended.code != 0:
            raise Wrong(f"the last build of a round: exit {ended.code}\n{ended.out}")
        return ended

    # What changes.

    def add_events(self):
        rows = []
        for _ in range(self.random.randint(1, 200)):
            self.event += 1
            day, second = self.random.randint(1, 28), self.random.randint(0, 59)
            rows.append(
                {
                    "id": self.event,
                    "customer": self.random.randrange(CUSTOMERS),
                    "happened": f"2021-03-{day:02} 10:00:{second:02}",
                    "amount": f"{self.random.randint(-99999, 99999) / 100:.2f}",
                }
            )
        lines = [json.dumps(row) for row in rows]
        if self.random.random() < 0.2:
            lines.insert(self.random.randrange(len(lines) + 1), '{"id": "none", "customer": 1, "happened": "2021-03-01 00:00:00", "amount": "1"}')
        path = self.folder / f"data/events/{self.event:07}.json"
        hidden = path.with_suffix(".new")
        hidden.write_text("\n".join(lines) + "\n")
        hidden.rename(path)

    def rename_customers(self):
        with sqlite3.connect(self.folder / "data/shop.db") as shop:
            for _ in range(self.random.randint(1, 5)):
                name = f"name {self.random.randrange(1000)}"
                shop.execute("update customers set name = ? where id = ?", (name, self.random.randrange(CUSTOMERS)))

    def edit(self):
        self.edition += 1

    # How it is built.

    def killed(self):
        typical = statistics.median(self.durations or [0.5])
        started = subprocess.Popen(
            list(map(str, self.command("build"))), cwd=self.folder, env=child.environment({"TMPDIR": str(self.folder / "tmp")}),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(self.random.uniform(0, 2 * typical))
        started.send_signal(self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        started.wait()
        self.kills += 1

    def raced(self):
        two = [
            subprocess.Popen(
                list(map(str, self.command("build"))), cwd=self.folder, env=child.environment({"TMPDIR": str(self.folder / "tmp")}),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for _ in range(2)
        ]
        for one in two:
            said, _ = one.communicate(timeout=300)
            if one.returncode < 0 or one.returncode > 2 or child.CRASH.search(said):
                raise Wrong(f"a build in a race: exit {one.returncode}\n{said}")
        self.races += 1

    def optimized(self):
        for name in ("events", "latest", "totals", "history"):
            table = self.folder / "lake/main" / name
            if not (table / "_delta_log").exists():
                continue
            if self.random.random() < 0.5:
                DeltaTable(str(table)).optimize.compact()
            else:
                DeltaTable(str(table)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)

    def cleaned(self):
        self.run("clean")

    # What must hold.

    def rows(self, name):
        return DeltaTable(str(self.folder / "lake/main" / name)).to_pyarrow_table()

    def check(self):
        self.duck.execute(
            f"create or replace table events as select id::bigint as id, customer::bigint as customer, happened::timestamp as happened, "
            f"amount::decimal(12, 2) as amount from read_json('{self.folder}/data/events/*.json', format='newline_delimited', "
            f"columns={{id: 'varchar', customer: 'bigint', happened: 'varchar', amount: 'varchar'}}) where id <> 'none'"
        )
        with sqlite3.connect(self.folder / "data/shop.db") as shop:
            names = shop.execute("select id, name from customers order by id").fetchall()
        self.duck.execute("create or replace table customers (id bigint, name varchar)")
        self.duck.executemany("insert into customers values (?, ?)", names)
        for name, sql in {
            "events": "select id, customer, happened, amount from events",
            "latest": "select customer, max(id) as id, count(*) as n from events group by customer",
            "totals": f"select e.customer, c.name, sum(e.amount) as amount, count(*) as n, {self.edition} as edition "
            "from events e left join customers c on c.id = e.customer group by all",
        }.items():
            ours = self.rows(name)
            self.duck.register("ours", ours)
            columns = ", ".join(f'"{column}"::varchar' for column in ours.column_names if column != "_source_file")
            mine, theirs = (self.duck.execute(f"select {columns} from ({one}) order by all").fetchall() for one in ("select * from ours", sql))
            if mine != theirs:
                other = sorted(set(mine) ^ set(theirs))[:5]
                raise Wrong(f"{name}: {len(mine)} rows, DuckDB has {len(theirs)}; differing: {other}")
        self.duck.register("ours", self.rows("history"))
        current = self.duck.execute("select id, name from ours where dbt_valid_to is null order by id").fetchall()
        if current != names:
            raise Wrong(f"history: {sorted(set(current) ^ set(names))[:5]}")
        overlapping = self.duck.execute(
            "select id from (select id, dbt_valid_to, lead(dbt_valid_from) over (partition by id order by dbt_valid_from) as next from ours) "
            "where next is not null and (dbt_valid_to is null or dbt_valid_to > next)"
        ).fetchall()
        if overlapping:
            raise Wrong(f"history: overlapping versions of {overlapping[:5]}")

    def leftovers(self):
        if left := [path for path in (self.folder / "tmp").rglob("*") if path.is_file()]:
            raise Wrong(f"temporary files stay: {left[:3]}")
        for log in (self.folder / "lake").rglob("_delta_log"):
            text = "".join(entry.read_text() for entry in log.glob("*.json"))
            known = set(DeltaTable(str(log.parent)).file_uris())
            for file in log.parent.glob("*.parquet"):
                if file.name not in text and str(file) not in known:
                    raise Wrong(f"no log names {file.relative_to(self.folder)}")
        runs = self.folder / "lake/_headwater/runs"
        if runs.is_dir() and (left := [path for path in runs.rglob("*") if path.is_file()]):
            raise Wrong(f"journals stay: {left[:3]}")

    def unchanged(self):
        ended = self.build()
        if " OK created" in ended.out or "REUSED=0" in ended.out:
            raise Wrong(f"an unchanged project was built:\n{ended.out}")
        self.durations.append(ended.seconds)
        self.peaks.append(ended.peak)

    def round(self):
        steps = []
        for change, share in ((self.add_events, 0.8), (self.rename_customers, 0.5), (self.edit, 0.3)):
            if self.random.random() < share:
                steps.append(change)
        way = self.random.choice([None, self.killed, self.killed, self.raced, self.optimized, self.cleaned])
        if way:
            steps.append(way)
        for step in steps:
            step()
        try:
            self.build()
            self.check()
            self.unchanged()
            self.leftovers()
        except Wrong as wrong:
            raise Wrong(f"after {', '.join(step.__name__ for step in steps)}: {wrong}") from wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=lambda path: Path(path).resolve())
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    end = time.monotonic() + 60 * (0.5 if args.quick else args.minutes)
    folder = Path(tempfile.mkdtemp(prefix="soak-")) / "project"
    folder.mkdir()
    soak, rounds, failures = Soak(args.binary, folder, args.seed), 0, 0
    try:
        while time.monotonic() < end:
            rounds += 1
            try:
                soak.round()
            except Wrong as wrong:
                failures += 1
                print(f"FAIL round {rounds} of seed {args.seed}: {wrong}", flush=True)
                break
            if rounds % 50 == 0:
                print(f"{rounds} rounds, {soak.event} events, unchanged build {soak.durations[-1]:.2f} s", flush=True)
        if failures == 0:
            failures += grown(soak)
        if failures and args.keep:
            shutil.copytree(folder, args.keep, dirs_exist_ok=True, symlinks=True)
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
    peak = max(soak.peaks, default=0) / 1e6
    figure = f"{soak.event} events, {soak.kills} kills, {soak.races} races; unchanged build {statistics.median(soak.durations[-20:] or [0]):.2f} s, {peak:.0f} MB"
    if args.table:
        summary.end("soak", rounds, failures, figure)
    print(f"{rounds} rounds, {failures} failures; {figure}")
    sys.exit(1 if failures else 0)


def grown(soak):
    """Says whether unchanged builds became slower or larger, by the first and the last 20 of at least 100."""
    failures = 0
    if len(soak.durations) >= 100:
        for what, values, least in (("duration", soak.durations, 0.3), ("memory", soak.peaks, 50e6)):
            first, last = statistics.median(values[:20]), statistics.median(values[-20:])
            if last > 2 * first and last - first > least:
                print(f"FAIL {what} of an unchanged build: {first:.3g} at first, {last:.3g} at last")
                failures += 1
    return failures


if __name__ == "__main__":
    main()
