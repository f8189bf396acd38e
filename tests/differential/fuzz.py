#!/usr/bin/env python3
"""Random queries over random tables: DuckDB and the probe must agree on rows, types and errors.

    python tests/differential/fuzz.py [--minutes N] [--seed S] [--probe PATH] [--out DIR]

The seed is printed and logged; equal seeds make equal queries. A difference is shrunk as long as it stays
one. Exit code 1 if anything differs.
"""

import argparse
import dataclasses
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path

import duckdb

import fuzz_queries
from compare import judge
from duck import Duck
from probe import Probe
from report import Report

QUERIES_EACH = 150  # queries over one set of tables
STEPS = 250  # statements tried to shrink one difference
SHRUNK_AT_MOST = 400
# An engine may hit an error in a row that the other engine's order of evaluation never reaches.
LATE = ("Out of Range", "Conversion Error", "Overflow", "Invalid Input")


class World:
    """The tables on both sides."""

    def __init__(self, rng, folder):
        self.tables = fuzz_queries.tables(rng)
        self.columns = {name: columns for name, (columns, _) in self.tables.items()}
        maker = duckdb.connect()
        self.files = {}
        for name, (columns, rows) in self.tables.items():
            maker.execute(self.ddl(name))
            self.files[name] = Path(folder) / f"{name}.parquet"
            maker.execute(f"copy {name} to '{self.files[name]}' (format parquet)")
        self.duck = Duck(self.files, seconds=10)
        # This optimizer rewrites `date_trunc(…) <> constant` as if NULL was a value.
        self.duck.connection.execute("set disabled_optimizers = 'expression_rewriter'")

    def ddl(self, name):
        columns, rows = self.tables[name]
        text = f"create table {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())});"
        if rows:
            text += f" insert into {name} values {', '.join('(' + ', '.join(row) + ')' for row in rows)};"
        return text


def without_sign(theirs):
    """Returns the answer without the sign of NaN in texts; None if there is none."""
    text = json.dumps(theirs.rows)
    return dataclasses.replace(theirs, rows=json.loads(text.replace("-nan", "nan"))) if "-nan" in text else None


def only_nulls(what, ours, theirs):
    """Returns whether answers differ only in the types of columns that are all NULL."""
    columns = re.match(r"((?:type of column \d+: \S+, DuckDB [^:;]+(?:; )?)+): ", what)
    if not columns or len(ours.rows) != len(theirs.rows):
        return False
    places = [int(at) - 1 for at in re.findall(r"type of column (\d+)", columns[1])]
    return all(row[at] is None for rows in (ours.rows, theirs.rows) for row in rows for at in places)


class Fuzz:
    def __init__(self, probe, report):
        self.probe, self.report, self.shrunk = probe, report, 0

    def verdict(self, world, sql):
        theirs = world.duck.answer(sql)
        ours = self.probe.answer(sql, world.files)
        verdict = judge(sql, ours, theirs, signed=False)
        if (
            verdict.status == "different"
            and theirs.status == "failed"
            and any(word in theirs.message for word in LATE)
            and ours.status == "ok"
        ):
            verdict.what = "lazy: " + verdict.what
        if verdict.status == "different" and (plain := without_sign(theirs)):
            if judge(sql, ours, plain, signed=False).status == "equal":
                verdict.what = "sign of NaN: " + verdict.what
        if verdict.status == "different" and only_nulls(verdict.what, ours, theirs):
            verdict.what = "only NULL: " + verdict.what
        return verdict

    def ask(self, world, query, where):
        verdict = self.verdict(world, query.sql())
        if verdict.status == "different" and self.shrunk < SHRUNK_AT_MOST:
            self.shrunk += 1
            query, verdict = self.shrink(world, query, verdict)
        sql = query.sql()
        finding = self.report.add("fuzz", sql, verdict)
        if finding.verdict.status == "different" and not finding.reason:
            named = [name for name in world.tables if f"{name} " in sql]
            with open(self.report.out / "fuzz.log", "a") as log:
                log.write(
                    f"-- {where}\n{' '.join(world.ddl(name) for name in named)}\n{sql};\n-- {verdict.what}\n\n"
                )

    def shrink(self, world, query, verdict):
        """Returns the smallest query found that still differs."""
        left, kind = STEPS, verdict.what[:12]
        again = True
        while again and left > 0:
            again = False
            for less in query.smaller():
                left -= 1
                if left <= 0:
                    break
                found = self.verdict(world, less.sql())
                if (
                    found.status == "different"
                    and found.what[:12] == kind
                    and len(less.sql()) < len(query.sql())
                ):
                    query, verdict, again = less, found, True
                    break
        return query, verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--probe", type=Path, help="the sql_probe binary")
    parser.add_argument(
        "--out", type=Path, default=Path("target/differential/fuzz"), help="folder of the lists"
    )
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "fuzz.log").write_text(f"-- seed {given.seed}\n")
    print(f"seed {given.seed}", flush=True)
    report = Report(given.out)
    fuzz = Fuzz(Probe(given.probe, seconds=20), report)
    end, number = time.monotonic() + 60 * given.minutes, 0
    while time.monotonic() < end:
        rng = random.Random(f"{given.seed}/{number}")
        with tempfile.TemporaryDirectory() as folder:
            world = World(rng, folder)
            queries = fuzz_queries.Queries(rng, world.columns)
            for at in range(QUERIES_EACH):
                fuzz.ask(world, queries.make(), f"seed {given.seed}, tables {number}, query {at}")
                if time.monotonic() > end:
                    break
        number += 1
        report.write()
    fuzz.probe.stop()
    report.write()
    print(report.summary())
    found = report.different()
    if found:
        print(f"\n{len(found)} different, listed in {given.out / 'fuzz.log'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
