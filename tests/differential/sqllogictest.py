#!/usr/bin/env python3
"""DuckDB's own sqllogictest files, answered by DuckDB and by the probe.

    python tests/differential/sqllogictest.py CHECKOUT [FOLDER…] [--probe PATH] [--tables none|only|all] [--out DIR]

CHECKOUT is a checkout of duckdb/duckdb at the version of `requirements.txt`; its files are read, never
copied. FOLDER names directories of `test/sql`. Runs the SELECTs of `query` and `statement error` blocks.
Ignores the expected rows in the files: DuckDB itself answers over the same Parquet files as the probe, so
that both see the types that Delta tables have. Statements that create tables are replayed in DuckDB. Exit
code 1 if anything is different.

Skips statements whose result isn't a function of the tables (random(), catalog queries, settings), which need
files or extensions, or whose tables have types that Delta lacks.
"""

import argparse
import itertools
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from apart import APART
from compare import Verdict, judge
from duck import Duck
from probe import Probe
from report import Report, line
from storable import storable

FOLDERS = ["function", "aggregate", "cast", "join", "order", "subquery", "window", "types", "setops", "projection",
           "filter", "limit", "cte", "pivot", "select", "json", "conjunction", "topn", "sample", "collate", "table_function"]  # fmt: skip
BUILT_IN = {"icu", "json", "parquet", "core_functions", "notwindows", "notmusl", "64bit", "noforcestorage",
            "no_alternative_verify", "noalternativeverify", "vector_size", "exact_vector_size", "skip_reload",
            "notmingw", "block_size", "no_extension_autoloading", "longdouble", "ram"}  # fmt: skip
QUERY = re.compile(r"^\s*(\(|select\b|from\b|with\b|values\b|pivot\b|unpivot\b)", re.I)
CHANGES = re.compile(r"\b(insert\s+into|update\s+\w+\s+set|delete\s+from|merge\s+into)\b", re.I)
SAMPLES = re.compile(r"\b(using\s+sample|tablesample|reservoir_quantile)\b", re.I)
LOOPS_AT_MOST = 12
SECONDS_A_FILE = 30
ALIKE_AT_MOST = 12  # statements of a file that differ only in digits: loops unrolled by hand
# Types that Delta tables lack, and that stay unsupported.
FOREIGN = re.compile(
    r"(::|\bas|\btry_cast)\s*(bit|bitstring|bignum|varint|variant|union|timetz|time\s+with\s+time\s+zone|geometry)\b|"
    r"\b(union_\w+|variant_\w+|bitstring\w*|bit_position|get_bit|set_bit|enum_\w+|timetz)\b",
    re.I,
)
GROUPS = {
    "<integral>": "tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint".split(),
    "<signed>": "tinyint smallint integer bigint hugeint".split(),
    "<unsigned>": "utinyint usmallint uinteger ubigint uhugeint".split(),
    "<numeric>": "tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint float double".split(),
    "<alltypes>": "tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint float double bool interval varchar".split(),
}


@dataclass
class Block:
    kind: str  # ok, error, query
    sql: str


@dataclass
class Test:
    path: Path
    blocks: list = field(default_factory=list)
    skipped: str = ""


def parse(path):
    """Returns the blocks of a file with its loops unrolled."""
    test = Test(path)
    lines = path.read_text(errors="replace").splitlines()
    test.blocks = list(blocks(lines, test))
    return test


def blocks(lines, test, variables=()):
    at, skipping = 0, False
    while at < len(lines):
        words = lines[at].split()
        at += 1
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "require" and words[1] not in BUILT_IN:
            test.skipped = f"requires {words[1]}"
            return
        if words[0] in ("require-env", "test-env", "load", "restart", "unzip", "halt"):
            if words[0] == "halt":
                return
            if words[0] in ("require-env", "unzip"):
                test.skipped = words[0]
                return
            continue
        if words[0] == "mode":
            skipping = {"skip": True, "unskip": False}.get(words[1], skipping)
            continue
        if words[0] in ("loop", "foreach", "concurrentloop", "concurrentforeach"):
            end, depth = at, 1
            while end < len(lines) and depth:
                first = lines[end].split()[:1]
                depth += first in (["loop"], ["foreach"], ["concurrentloop"], ["concurrentforeach"])
                depth -= first == ["endloop"]
                end += 1
            body, at = lines[at : end - 1], end
            if skipping:
                continue
            for value in itertools.islice(values(words), LOOPS_AT_MOST):
                names = words[1].split(",")
                parts = value.split(",") if len(names) > 1 else [value]
                filled = body
                for name, part in zip(names, parts):
                    filled = [
                        text.replace("${" + name + "}", part).replace("{" + name + "}", part)
                        for text in filled
                    ]
                yield from blocks(filled, test)
                if test.skipped:
                    return
            continue
        if words[0] in ("skipif", "onlyif"):
            # Skip a block with a condition on a loop variable or for another engine.
            while at < len(lines) and lines[at].strip():
                at += 1
            continue
        if words[0] in ("statement", "query"):
            sql = []
            while at < len(lines) and lines[at].strip() and lines[at].strip() != "----":
                sql.append(lines[at])
                at += 1
            while at < len(lines) and lines[at].strip():
                at += 1
            if not skipping and sql:
                kind = "query" if words[0] == "query" else words[1] if len(words) > 1 else "ok"
                yield Block(kind, "\n".join(sql).strip().rstrip(";").strip())


def values(words):
    if words[0].endswith("loop"):
        return map(str, range(int(words[2]), int(words[3])))
    made = []
    for word in words[2:]:
        if word.startswith("!"):
            made = [value for value in made if value != word[1:]]
        else:
            made += GROUPS.get(word, [word])
    return made


class File:
    """One test file: DuckDB as it replays the file, and its tables as both sides read them."""

    def __init__(self, probe, folder):
        self.probe, self.folder = probe, Path(folder)
        self.duck = Duck(seconds=5)
        self.fresh = {}  # exported tables: name → path
        self.stale = True
        self.number = 0
        self.twin = Duck(seconds=5)
        self.in_twin = {}
        self.alike = Counter()

    def run(self, sql):
        answer = self.duck.answer_statement(sql)
        self.stale = True
        return answer

    def names(self):
        """Returns the tables and views of the default schema."""
        query = "select table_name from information_schema.tables where table_schema = 'main'"
        return [name for (name,) in self.duck.connection.execute(query).fetchall()]

    def tables(self, sql):
        """Returns the Parquet files of the tables that the statement names; None if one isn't available."""
        if self.stale:
            self.fresh, self.stale = {}, False
            self.known = self.names()
        words = {word.lower() for word in re.findall(r"\w+", sql)}
        quoted = {word.lower() for word in re.findall(r'"([^"]+)"', sql)}
        wanted = [name for name in self.known if name.lower() in words or name.lower() in quoted]
        for name in wanted:
            if name not in self.fresh:
                self.fresh[name] = self.export(name)
            if self.fresh[name] is None:
                return None
        return {name: self.fresh[name] for name in wanted}

    def export(self, name):
        connection = self.duck.connection
        try:
            quoted = '"' + name.replace('"', '""') + '"'
            relation = connection.execute(f"select * from {quoted} limit 0").description
            columns = []
            for column, kind, *_ in relation:
                stored = storable(duckdb.sqltype(str(kind)))
                if stored is None:
                    return None
                column = '"' + column.replace('"', '""') + '"'
                columns.append(f"cast({column} as {stored}) as {column}")
            self.number += 1
            path = self.folder / f"{self.number}.parquet"
            connection.execute(
                f"copy (select {', '.join(columns)} from {quoted}) to '{path}' (format parquet)"
            )
            return path
        except (duckdb.Error, RuntimeError):
            return None

    def theirs(self, sql, tables):
        """Returns DuckDB's answer over the exported tables with default settings."""
        if tables != self.in_twin:
            self.twin = Duck(seconds=5)
            for name, path in tables.items():
                quoted = '"' + name.replace('"', '""') + '"'
                self.twin.connection.execute(f"create table {quoted} as from read_parquet('{path}')")
            self.in_twin = tables
        return self.twin.answer(sql)


class Run:
    def __init__(self, probe, report, tables):
        self.probe, self.report, self.kind = probe, report, tables
        self.skipped = defaultdict(Counter)

    def file(self, path, theme):
        test = parse(path)
        if test.skipped:
            self.skipped[theme][test.skipped] += 1
            return
        with tempfile.TemporaryDirectory() as folder:
            file = File(self.probe, folder)
            end = time.monotonic() + SECONDS_A_FILE
            for block in test.blocks:
                if time.monotonic() > end:
                    self.skipped[theme]["out of time"] += 1
                    continue
                reason = self.block(file, block, theme)
                if reason:
                    self.skipped[theme][reason] += 1

    def block(self, file, block, theme):
        """Runs one block. Returns the reason if it is skipped."""
        sql = block.sql
        if not QUERY.match(sql) or CHANGES.search(sql) or block.kind in ("maybe",):
            file.run(sql)
            return ""
        if block.kind == "ok":
            return ""
        bare = re.sub(r"'(?:[^']|'')*'", "''", sql)
        if APART.search(bare) or SAMPLES.search(bare) or "'.*\\.(csv|parquet|json)" in sql:
            return "depends on more than its tables"
        if FOREIGN.search(bare):
            return "a type that Delta has not"
        form = re.sub(r"[\d.]+", "", sql)
        file.alike[form] += 1
        if file.alike[form] > ALIKE_AT_MOST:
            return "like others in its file"
        tables = file.tables(sql)
        if tables is None:
            return "a table's type is not Delta's"
        if (self.kind == "none" and tables) or (self.kind == "only" and not tables):
            return ""
        theirs = file.theirs(sql, tables)
        if (theirs.status in ("ok", "unstorable")) != (block.kind == "query"):
            return "not repeatable"  # it needs a macro, a type or a setting
        ours = file.probe.answer(sql, tables)
        verdict = judge(sql, ours, theirs, signed=False)
        if verdict.status == "different" and undefined_order(sql, ours, theirs):
            verdict = Verdict("equal")
        self.report.add(theme, sql, verdict)
        return ""


def undefined_order(sql, ours, theirs):
    """Returns whether the sides differ only in the rows that a LIMIT without an order picks."""
    if (
        ours.status != "ok"
        or theirs.status != "ok"
        or ours.types != theirs.types
        or ours.count != theirs.count
    ):
        return False
    limited = re.search(r"\b(limit|offset|fetch)\b", sql, re.I)
    if limited and not re.search(r"\border\s+by\b", sql, re.I):
        return True
    return False


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="a checkout of duckdb/duckdb")
    parser.add_argument("folders", nargs="*", default=FOLDERS, help="folders of test/sql")
    parser.add_argument("--probe", type=Path, help="the sql_probe binary")
    parser.add_argument(
        "--tables",
        choices=["none", "only", "all"],
        default="all",
        help="ask statements without tables, with, or both",
    )
    parser.add_argument(
        "--list", choices=["refused", "failed", "different"], help="print findings grouped by message"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("target/differential/sqllogictest"), help="folder of the lists"
    )
    return parser.parse_args()


def main():
    given = arguments()
    report = Report(given.out)
    run = Run(Probe(given.probe, seconds=10), report, given.tables)
    for folder in given.folders:
        for path in sorted((given.checkout / "test/sql" / folder).rglob("*.test")):
            run.file(path, folder)
        print(
            line(
                folder, report.counts[folder], ["equal", "refused", "failed", "different", "deliberate"], 14
            ),
            flush=True,
        )
        report.write()
    run.probe.stop()
    report.write()
    with open(given.out / "skipped.txt", "w") as file:
        for folder, reasons in run.skipped.items():
            file.write(f"{folder}: {dict(reasons.most_common())}\n")
    print(report.summary())
    if given.list:
        print(report.text(given.list, examples=5))
    return 1 if report.different() else 0


if __name__ == "__main__":
    sys.exit(main())
