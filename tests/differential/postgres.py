#!/usr/bin/env python3
"""Differential test of `dialect: postgresql`: our own statements, answered by a PostgreSQL server and by the probe.

    python tests/differential/postgres.py [THEME…] [--probe PATH] [--list refused|failed|different] [--out DIR]

Starts its own server from Debian's package `postgresql`, in a temporary directory and on a socket. Prints the
counts of equal, refused, failed and different by theme, and writes every finding to files in `--out`. Exit
code 1 if a statement is different and `postgres/deliberate.yml` has no reason for it.

- `equal`: the same rows, types and names, or both sides have an error;
- `refused`: planning rejects a statement that PostgreSQL answers;
- `failed`: it plans, but fails with an error where PostgreSQL answers;
- `different`: different rows, types or names, rows where PostgreSQL has an error, or a crash.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, getcontext
from pathlib import Path

import corpus
from compare import PLAIN, Verdict, first_line, is_ordered, near, show
from postgres_server import Postgres
from probe import Probe
from report import Deliberate, Report

HERE = Path(__file__).resolve().parent / "postgres"
OPEN = 20  # digits after the point of numerics whose scale PostgreSQL chooses
MOST_AT_ONCE = 400
getcontext().prec = 200


def judge(sql, ours, theirs):
    if ours.status == "crashed":
        return Verdict("different", f"crash: {ours.message}")
    if theirs.status == "ok" and len(set(theirs.names)) < len(theirs.names) and ours.status != "ok":
        return Verdict("equal")  # a table can't have two columns with one name
    if theirs.status != "ok":
        if ours.status != "ok":
            return Verdict("equal")
        return Verdict("different", f"PostgreSQL has an error: {first_line(theirs.message)}; ours: {show(ours)}")
    if ours.status in ("refused", "failed"):
        return Verdict(ours.status, ours.message)
    return rows(ours, theirs, is_ordered(sql))


def rows(ours, theirs, ordered):
    if len(ours.types) != len(theirs.types):
        return Verdict("different", f"{len(ours.types)} columns, PostgreSQL {len(theirs.types)}")
    found = []
    for at, (mine, other) in enumerate(zip(ours.types, theirs.types)):
        if not same_type(mine or ours.native[at], other):
            found.append(f"type of column {at + 1}: {mine or ours.native[at]}, PostgreSQL {other}")
    if ours.count != theirs.count:
        found.append(f"{ours.count} rows, PostgreSQL {theirs.count}")
    elif not found and not same_rows(*cells(ours, theirs, exact), ordered, ours.types):
        if same_rows(*cells(ours, theirs, open_digits), ordered, ours.types):
            found.append("numeric digits beyond the 20th")
        else:
            found.append("rows")
    if found:
        return Verdict("different", f"{'; '.join(found)}: {show(ours)}, PostgreSQL {show(theirs)}")
    wrong = [
        f"`{mine}`, PostgreSQL `{other}`"
        for mine, other in zip(ours.names, theirs.names)
        if PLAIN.fullmatch(other) and mine != other
    ]
    return Verdict("different", f"name of a column: {', '.join(wrong)}") if wrong else Verdict("equal")


def same_type(mine, other):
    if other.startswith("decimal"):
        found = re.fullmatch(r"decimal\((\d+),(\d+)\)", mine)
        wanted = re.fullmatch(r"decimal\(\d+,(\d+)\)", other)
        return bool(found) and (not wanted or wanted[1] == found[2])
    if other == "interval":
        return mine.startswith("Interval")
    if other.startswith("array<decimal"):
        return mine.startswith("array<decimal")
    return mine == other


def cells(ours, theirs, form):
    """Returns the cells of both sides in comparable form: numerics by value."""
    return (
        [[canonical(cell, kind, form) for cell, kind in zip(row, ours.types)] for row in side.rows]
        for side in (ours, theirs)
    )


def canonical(cell, kind, form):
    found = re.match(r"(?:array<)*decimal\(\d+,(\d+)\)", kind or "")
    if not found or cell is None:
        return cell
    if isinstance(cell, list):
        return [canonical(part, kind, form) for part in cell]
    value = form(Decimal(cell), int(found[1]))
    return format(value.normalize(), "f") if value else "0"


def exact(value, scale):
    return value


def open_digits(value, scale):
    """Returns the digits to compare of a numeric whose scale PostgreSQL chooses."""
    if scale < OPEN or not value.is_finite():
        return value
    return value.quantize(Decimal(1).scaleb(-OPEN), rounding=ROUND_HALF_UP)


def same_rows(mine, other, ordered, types):
    if not ordered:
        if Counter(map(json.dumps, mine)) == Counter(map(json.dumps, other)):
            return True
        mine, other = sorted(mine, key=order), sorted(other, key=order)
    widths = [1e-5 if "float" in (kind or "") else 1e-12 for kind in types]
    return all(alike(a, b, width) for row, twin in zip(mine, other) for a, b, width in zip(row, twin, widths))


def order(row):
    return json.dumps([f"{cell:.6e}" if isinstance(cell, float) else cell for cell in row], default=str)


def alike(mine, other, width):
    """Compares zeros of either sign as equal: no reader distinguishes them in a comparison."""
    if isinstance(mine, (int, float)) and isinstance(other, (int, float)) and mine == other:
        return True
    return near(mine, other, width)


class Run:
    def __init__(self, report, probe, server, tables):
        self.report, self.probe, self.server, self.tables = report, probe, server, tables

    def ask(self, case):
        theirs = self.server.answer(case.sql)
        ours = self.probe.answer(case.sql, self.tables if case.tables else {}, "postgresql")
        self.report.hear(case.sql, ours)
        self.report.add(case.theme, case.sql, judge(case.sql, ours, theirs), case.form)
        return theirs

    def template(self, template, most):
        """Evaluates the template with `most` of its choices as constants, and with the choices without errors
        over columns."""
        answered = {}
        cases = list(template.constants())
        asked = {id(case) for _, case in sample(cases, most)}
        for choice, case in cases:
            wanted = template.constant and id(case) in asked
            theirs = self.ask(case) if wanted else self.server.answer(case.sql)
            if theirs.status == "ok":
                answered.setdefault(tuple(theirs.types), []).append(choice)
        if not template.column:
            return
        for choices in answered.values():
            for start in range(0, len(choices), MOST_AT_ONCE):
                self.ask(template.over_columns(choices[start : start + MOST_AT_ONCE]))


def sample(items, most):
    """Returns at most this many of the items, the same ones each time."""
    return items if len(items) <= most else random.Random(len(items)).sample(items, most)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("themes", nargs="*", help="only these files of expressions/ and queries/")
    parser.add_argument("--probe", type=Path, help="the sql_probe binary")
    parser.add_argument("--choices", type=int, default=8, help="constants asked for each template (default: 8)")
    parser.add_argument("--list", choices=["refused", "failed", "different"], help="print findings")
    parser.add_argument("--out", type=Path, default=Path("target/differential-postgres"), help="folder of the lists")
    return parser.parse_args()


def main():
    given = arguments()
    corpus.HERE = HERE
    report = Report(given.out, Deliberate(HERE / "deliberate.yml"))
    with Postgres() as server:
        tables = server.tables(HERE / "tables.sql", given.out / "tables")
        run = Run(report, Probe(given.probe), server, tables)
        for template in corpus.templates(given.themes):
            run.template(template, given.choices)
        for case in corpus.queries(given.themes):
            run.ask(case)
        run.probe.stop()
    report.write()
    print(report.summary())
    if given.list:
        print(report.text(given.list, examples=5))
    found = report.different()
    if found:
        print(f"\n{len(found)} different, listed in {given.out / 'different.txt'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
