"""Measures the peak memory of each kind of work under a `memory_limit`, with about ten times as much data.

    python run.py BINARY [--limit 100MB] [--scale K] [--slack MB] [--case NAME ...] [--quick] [--table]

DuckDB writes a Parquet source of 10 × limit × K bytes (in memory; the strings are digests, so that nothing compresses), and one as large
of rows of 50 kB. Each case builds one model from them in a project of its own; its result is compared with DuckDB's for the same SQL, by
counts, sums and hashes. The peak is the largest resident set of the process (VmHWM).

--limit   the target's `memory_limit` (100MB)
--scale   times the data (1)
--slack   MB that the peak may exceed the limit by (150)
--case    only these cases; `--case list` names them
--only    SEED:CASE repeats one case and keeps its folder
--quick   for CI: a limit of 50 MB, data that is about as large, and 300 MB of slack
--table   print the table of measured peaks, as docs/memory.md has it

Failures are: a peak above limit + slack, a wrong result, a crash, a run of over 10 minutes, or an error that
doesn't say which operator needs memory and that `memory_limit` is the setting. An early error that says both
counts as refused. Exit code 1 on failures.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from deltalake import DeltaTable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "common")]

import child
import summary

WIDE = 50_000  # bytes of a wide row
ROW = 100  # bytes of a row in memory: four numbers, a digest of 32 letters, a date and what holds them
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
SOURCE = "{{ source('src', 'big') }}"
OPERATOR = re.compile(r"\b(sort|aggregat\w+|group by|distinct|window|join|array_agg|partition\w*|merge|snapshot|write\w*)\b", re.I)


@dataclass
class Case:
    """A model over `big` and a check of its result: `check` is a query over `t`, the model's rows."""

    sql: str
    check: str
    config: str = ""
    before: str = ""  # variables of a first build, which isn't measured
    properties: str = ""
    snapshot: bool = False
    theirs: str = ""  # SQL of the same rows for DuckDB, if it isn't `sql`
    answer: str = ""  # DuckDB's query for what `check` comes to, if `check` over its rows needs too much memory
    share: float = 1.0  # of the rows
    quick: float = 0.3  # of them in the quick form
    threads: int = 2


KEYS = "count(*), sum(id)::hugeint, sum(v)::hugeint, sum(hash(s)::hugeint)"
CASES = {
    "sort": Case("select id, k, s, v from big order by s, id", f"select {KEYS} from t"),
    "group by many keys": Case("select s, k, count(*) as n, sum(v)::bigint as v from big group by s, k", "select count(*), sum(n)::hugeint, sum(v)::hugeint, sum(hash(s)::hugeint) from t"),
    "count(distinct)": Case("select count(distinct s) as n from big", "select n::bigint from t"),
    "2 count(distinct)": Case("select count(distinct s) as n, count(distinct k) as m from big", "select n::bigint, m::bigint from t"),
    "count(distinct) by group": Case("select p, count(distinct s) as n from big group by p", "select count(*), sum(n)::hugeint, sum(p)::hugeint from t"),
    "2 count(distinct) by group": Case("select p % 10 as g, count(distinct s) as n, count(distinct k) as m, sum(v)::bigint as v from big group by 1", "select g::bigint, n::bigint, m::bigint, v::bigint from t order by 1"),
    "sum() over (partition by)": Case("select id, k, v, s, sum(v) over (partition by k)::bigint as total from big", f"select {KEYS}, sum(total)::hugeint from t"),
    "row_number() by partition": Case("select id, v, s, row_number() over (partition by k order by s, id)::bigint as n from big", f"select {KEYS}, sum(n * (id % 97))::hugeint from t"),
    "window of few partitions": Case("select id, v, s, sum(v) over (partition by p % 4 order by id)::bigint as total from big", f"select {KEYS}, sum(total)::hugeint from t"),
    "array_agg by group": Case("select k, array_agg(id order by id) as ids, array_agg(s order by id) as ss from big group by k", "select count(*), sum(k)::hugeint, sum(len(ids))::hugeint, sum(list_sum(ids))::hugeint, sum(hash(ss[1])::hugeint) from t", answer="select count(*), sum(k)::hugeint, sum(n)::hugeint, sum(ids)::hugeint, sum(hash(s)::hugeint) from (select k, count(*) as n, sum(id) as ids, arg_min(s, id) as s from big group by k)"),
    "hash join": Case("select a.id, a.s, b.s as other, (a.v + b.v)::bigint as v from big a join big b on a.id = b.id + 1", f"select {KEYS}, sum(hash(other)::hugeint) from t"),
    "hash join, 1 thread": Case("select a.id, a.s, b.s as other, (a.v + b.v)::bigint as v from big a join big b on a.id = b.id + 1", f"select {KEYS}, sum(hash(other)::hugeint) from t", threads=1),
    "cross join": Case("select b.id, b.s, (b.v * p.x)::bigint as v from big b cross join (select 2 as x union all select 3) p", f"select {KEYS} from t"),
    "sort of wide rows": Case("select id, s from wide order by s desc", "select count(*), sum(id)::hugeint, sum(hash(s)::hugeint) from t"),
    "range join": Case("select a.id, a.s, a.v, r.r from big a join (select value as r, value * 200 as low, value * 200 + 150 as high from generate_series(0, 49) x) r on a.v >= r.low and a.v < r.high", f"select {KEYS}, sum(r)::hugeint from t", theirs="select a.id, a.s, a.v, r.r from big a join (select value as r, value * 200 as low, value * 200 + 150 as high from generate_series(0, 49) x(value)) r on a.v >= r.low and a.v < r.high"),
    "range join, equal keys": Case("select a.id, a.s, a.v, count(*) as n from big a join big b on a.k = b.k and b.v between a.v - 500 and a.v + 500 group by all", f"select {KEYS}, sum(n)::hugeint from t", share=0.3),
    "merge": Case("select id, k, s, v + (case when id % 5 = 0 then {step} else 0 end) as v from big where {step} = 0 or id % 5 = 0", f"select {KEYS} from t", config="materialized='incremental', unique_key='id'", before="{step: 0}", theirs="select id, k, s, v + (case when id % 5 = 0 then 1 else 0 end) as v from big"),
    "1,000 partitions": Case("select id, k, p, s, v from big", f"select {KEYS}, sum(p)::hugeint, count(distinct p) from t", config="partition_by='p'"),
    "snapshot": Case("select id, k, s, v + (case when id % 10 = 0 then {step} else 0 end) as v from big", f"select {KEYS}, count(dbt_valid_to) from t", quick=1.0, before="{step: 0}", snapshot=True, theirs="select id, k, s, v, null::timestamp as dbt_valid_to from big where id % 10 <> 0 union all select id, k, s, v, now()::timestamp from big where id % 10 = 0 union all select id, k, s, v + 1, null from big where id % 10 = 0"),
    "quarantine": Case("select id, k, s, v from big", f"select {KEYS} from t", properties="models:\n  - name: m\n    columns:\n      - name: v\n        data_tests: [{accepted_range: {arguments: {max_value: 5000}, config: {on_violation: quarantine}}}]\n      - {name: s, data_tests: [{not_null: {config: {on_violation: drop}}}]}\n", theirs="select id, k, s, v from big where v <= 5000"),
    "unique test": Case("select id, s, v from big", f"select {KEYS} from t", properties="models:\n  - name: m\n    columns: [{name: s, data_tests: [unique]}, {name: id, data_tests: [unique]}]\n"),
}


class Bench:
    def __init__(self, binary, scratch, limit, scale):
        self.binary, self.scratch, self.limit = Path(binary).resolve(), scratch, limit
        self.rows = max(10_000, int(10 * limit * scale / ROW))
        self.temp = scratch / "tmp"
        self.temp.mkdir()
        self.data, self.wide = scratch / "big.parquet", scratch / "wide.parquet"
        self.duck = duckdb.connect(config={"memory_limit": "3GB", "threads": 2, "preserve_insertion_order": False, "temp_directory": str(scratch / "duck")})
        self.duck.execute(
            f"copy (select i as id, (hash(i) % {self.rows // 10})::bigint as k, (i % 1000)::integer as p, md5(i::varchar) as s, "
            f"(i * 7919 % 10007)::bigint as v, date '2021-01-01' + (i % 365)::integer as day from range({self.rows}) r(i)) "
            f"to '{self.data}' (format parquet, row_group_size 122880)"
        )

        self.duck.execute(
            f"copy (select i as id, repeat(md5(i::varchar), {WIDE // 32}) as s from range({max(100, self.rows * ROW // WIDE)}) r(i)) "
            f"to '{self.wide}' (format parquet, row_group_size 2048)"
        )

    def measure(self, name, slack, quick=False):
        """Returns (verdict, result of the build, rows); a verdict is `ok`, `refused: …` or the failure."""
        case = CASES[name]
        rows = int(self.rows * case.share * (case.quick if quick else 1))
        if re.search(r"\bwide\b", case.sql):
            rows = max(100, self.rows * ROW // WIDE)
        folder = self.scratch / "project"
        shutil.rmtree(folder, ignore_errors=True)
        self.project(folder, case, rows)
        command = [self.binary, "build"]
        run = lambda *more: child.run([*command, *more], folder, {"TMPDIR": str(self.temp)}, timeout=600, memory=5_000_000_000)
        first = None
        if case.before:
            first = run("--vars", case.before)
            if first.code != 0:
                return self.ended_badly(first, "the first build, "), first, rows
        ended = run("--vars", "{step: 1}")
        if first and first.peak > ended.peak:
            ended.peak = first.peak
        if crash := ended.crash():
            return crash, ended, rows
        if ended.code != 0:
            return self.ended_badly(ended), ended, rows
        if left := list(self.temp.rglob("*")):
            shutil.rmtree(self.temp)
            self.temp.mkdir()
            return f"left in TMPDIR: {left[0].name}", ended, rows
        try:
            if wrong := self.compare(folder, case, rows):
                return wrong, ended, rows
        except duckdb.Error as error:
            return f"not compared: {str(error)[:200]}", ended, rows
        if ended.peak > self.limit + slack:
            return f"peak {ended.peak / 1e6:.0f} MB is more than the limit and {slack / 1e6:.0f} MB", ended, rows
        return "ok", ended, rows

    def ended_badly(self, ended, which=""):
        if crash := ended.crash():
            return which + crash
        text = re.sub(r"\s+", " ", " ".join(ended.out.split("[ERROR]")[1:]) or ended.out[-300:]).strip()
        early = "memory_limit" in ended.out and OPERATOR.search(text)
        return f"{'refused: ' if early else 'failed: '}{which}exit {ended.code}: {text[:300]}"

    def project(self, folder, case, rows):
        files = {
            "project.yml": f"name: memory\nvars: {{step: 1}}\nmodels: {{memory: {{+schema: main}}}}\ntarget: dev\ntargets:\n  dev: {{root: lake, threads: {case.threads}, memory_limit: {self.limit}}}\n",
            "sources.yml": f"sources: [{{name: src, tables: [{{name: big, external: {{location: {self.data}}}}}, {{name: wide, external: {{location: {self.wide}}}}}]}}]\n",
            "models/p.yml": case.properties or "models: []\n",
        }
        sql = re.sub(r"\bbig\b", f"(select * from {SOURCE} where id < {rows})" if rows < self.rows else SOURCE, case.sql)
        sql = re.sub(r"\bwide\b", "{{ source('src', 'wide') }}", sql)
        sql = sql.replace("{step}", "{{ var('step') }}")
        if case.snapshot:
            files["snapshots/m.sql"] = "{% snapshot m %}{{ config(schema='main', unique_key='id', strategy='check', check_cols=['v']) }}\n" + sql + "\n{% endsnapshot %}\n"
        else:
            files["models/m.sql"] = (f"{{{{ config({case.config}) }}}}\n" if case.config else "") + sql + "\n"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

    def compare(self, folder, case, rows):
        """Returns the difference from DuckDB's answer."""
        big = f"(select * from '{self.data}' where id < {rows})"
        theirs = re.sub(r"\bbig\b", big, case.theirs or case.sql)
        theirs = re.sub(r"\bwide\b", f"'{self.wide}'", theirs)
        theirs = re.sub(r"generate_series\((\d+), (\d+)\) x\b(?!\()", r"generate_series(\1, \2) x(value)", theirs)
        answer = re.sub(r"\bbig\b", big, case.answer) or f"with t as ({theirs}) {case.check}"
        wanted = self.duck.execute(answer).fetchall()
        dataset = DeltaTable(str(folder / "lake/main/m")).to_pyarrow_dataset()
        self.duck.register("ours", dataset)
        got = self.duck.execute(f"with t as (select * from ours) {case.check}").fetchall()
        self.duck.unregister("ours")
        if got != wanted:
            return f"wrong: got {str(got)[:150]}, DuckDB has {str(wanted)[:150]}"
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--limit", metavar="SIZE")
    parser.add_argument("--scale", type=float, metavar="K")
    parser.add_argument("--slack", type=float, metavar="MB")
    parser.add_argument("--case", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--only", metavar="SEED:CASE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.case == ["list"]:
        print("\n".join(CASES))
        return
    cases = [args.only.split(":", 1)[1]] if args.only else args.case or list(CASES)
    if unknown := [name for name in cases if name not in CASES]:
        parser.error(f"unknown case {', '.join(unknown)}: `--case list` names them")
    args.limit = args.limit or ("50MB" if args.quick else "100MB")
    number, unit = re.fullmatch(r"([\d.]+)\s*([a-zA-Z]*)", args.limit).groups()
    limit = int(float(number) * UNITS[unit.upper()])
    scale = args.scale or (0.4 if args.quick else 1)
    slack = (args.slack or (300 if args.quick else 150)) * 1e6
    started, failures, refused, highest = time.monotonic(), 0, 0, 0
    scratch = Path(tempfile.mkdtemp(prefix="memory-"))
    lines = ["| case | rows | limit | peak | rows/s | ended |", "|---|---|---|---|---|---|"]
    try:
        bench = Bench(args.binary, scratch, limit, scale)
        for name in cases:
            verdict, ended, rows = bench.measure(name, slack, args.quick)
            highest = max(highest, ended.peak)
            refused += verdict.startswith("refused")
            short = verdict.split(":")[0] if verdict.startswith("refused") else verdict
            lines.append(f"| {name} | {rows:,} | {limit / 1e6:.0f} MB | {ended.peak / 1e6:.0f} MB | {rows / ended.seconds:,.0f} | {short[:160].replace('|', '/')} |")
            print(f"{name}: {ended.peak / 1e6:.0f} MB, {ended.seconds:.1f} s, {verdict[:300]}", flush=True)
            if verdict != "ok" and not verdict.startswith("refused"):
                failures += 1
                print(f"FAIL --limit {args.limit} --scale {scale} --only 0:'{name}'", flush=True)
        if args.only:
            kept = Path(tempfile.mkdtemp(prefix="memory-kept-")) / "project"
            shutil.copytree(scratch / "project", kept, symlinks=True)
            print(f"{ended.out}\nkept in {kept}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if args.table:
        data = 10 * limit * scale * (0.3 if args.quick else 1)
        print(f"\n{time.strftime('%Y-%m-%d')}, 2 threads, about {data / 1e6:,.0f} MB of rows in memory:\n\n" + "\n".join(lines) + "\n")
    figure = f"limit {limit / 1e6:.0f} MB, highest peak {highest / 1e6:.0f} MB, {refused} refused, {time.monotonic() - started:.0f} s"
    summary.end("memory", len(cases), failures, figure)


if __name__ == "__main__":
    main()
