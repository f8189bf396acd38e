#!/usr/bin/env python3
"""Differential test of `dialect: duckdb`: our own statements, answered by DuckDB and by the probe.

    python tests/differential/run.py [THEME…] [--probe PATH] [--list refused|failed|different] [--out DIR]

Prints the counts of equal, refused, failed and different by theme, and writes every finding to files in
`--out`. Exit code 1 if a statement is different and `deliberate.yml` has no reason for it. `compare.py`
defines these words.
"""

import argparse
import random
import sys
from pathlib import Path

import corpus
import long
import signatures
from compare import Verdict, judge
from duck import Duck
from probe import Probe
from report import Report

HERE = Path(__file__).resolve().parent
MOST_AT_ONCE = 400  # choices of values in one query over columns


def tables(folder):
    """Returns the tables of `tables.sql` as Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    duck = Duck().connection
    duck.execute((HERE / "tables.sql").read_text())
    made = {}
    for (name,) in duck.execute("select table_name from duckdb_tables() order by 1").fetchall():
        made[name] = folder / f"{name}.parquet"
        duck.execute(f"COPY \"{name}\" TO '{made[name]}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    return made


class Run:
    def __init__(self, report, probe, folder):
        self.report, self.probe = report, probe
        self.tables = tables(folder)
        self.duck, self.full = Duck(), Duck(self.tables)

    def ask(self, case):
        """Runs one statement on both sides, and returns DuckDB's answer."""
        theirs = (self.full if case.tables else self.duck).answer(case.sql)
        ours = self.probe.answer(case.sql, self.tables if case.tables else {})
        self.report.hear(case.sql, ours)
        self.report.add(case.theme, case.sql, judge(case.sql, ours, theirs, not case.tables), case.form)
        return theirs

    def survive(self, case):
        """Runs a statement in the probe alone, which may reject it but must not die."""
        ours = self.probe.answer(case.sql, self.tables)
        verdict = judge(case.sql, ours, ours) if ours.status == "crashed" else Verdict("equal")
        self.report.add(case.theme, case.sql, verdict, case.form)

    def template(self, template, most):
        """Evaluates the template with `most` of its choices as constants, and with all of them over columns."""
        if template.constant:
            for _, case in sample(list(template.constants()), most):
                self.ask(case)
        if template.column:
            for choices in self.answered(template):
                for start in range(0, len(choices), MOST_AT_ONCE):
                    self.ask(template.over_columns(choices[start : start + MOST_AT_ONCE]))

    def answered(self, template):
        """Returns the choices for which DuckDB has no error, by result type, because a column has only one
        type."""
        if self.duck.answer(template.over_columns(template.choices).sql).status == "ok":
            return [template.choices]
        groups = {}
        for choice, case in template.constants():
            theirs = self.duck.answer(case.sql)
            if theirs.status == "ok":
                groups.setdefault(tuple(theirs.native), []).append(choice)
        return list(groups.values())


def sample(items, most):
    """Returns at most this many of the items, the same ones each time."""
    return items if len(items) <= most else random.Random(len(items)).sample(items, most)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("themes", nargs="*", help="only these files of expressions/ and queries/")
    parser.add_argument(
        "--probe", type=Path, help="the sql_probe binary; default: the newest under the target directory"
    )
    parser.add_argument(
        "--choices", type=int, default=16, help="constants asked for each template (default: 16)"
    )
    parser.add_argument(
        "--list", choices=["refused", "failed", "different"], help="print findings grouped by message"
    )
    parser.add_argument("--out", type=Path, default=Path("target/differential"), help="folder of the lists")
    return parser.parse_args()


def main():
    given = arguments()
    report = Report(given.out)
    run = Run(report, Probe(given.probe), given.out / "tables")
    for template in corpus.templates(given.themes):
        run.template(template, given.choices)
    for case in corpus.queries(given.themes):
        run.ask(case)
    for cases in (signatures.scalars, signatures.aggregates, signatures.documented):
        for case in cases(run.duck):
            if given.themes and case.theme not in given.themes:
                break
            run.ask(case)
    if not given.themes or "long" in given.themes:
        for case, only in long.cases():
            run.survive(case) if only else run.ask(case)
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
