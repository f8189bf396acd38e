"""Feeds mutated inputs of every kind to Headwater. It must report what is wrong and damage nothing.

    python run.py BINARY [--tries N] [--seconds S] [--seed S] [--kind K ...] [--table]
    python run.py BINARY --only SEED:KIND-NUMBER

Each try copies a small project with its lake, mutates one file, runs the command that reads it, and checks
the result and the lake. Failures are: death by a signal, an exit code other than 0, 1 and 2, a panic, a
message with engine internals, a run of over 20 s or 1.5 GB, an error that names neither file nor table, an
unmutated table that deltalake can't open afterwards, or changed rows in a table that doesn't depend on the
mutation.

--tries N    tries of each kind (300)
--seconds S  stop each kind after that time
--kind K     only these kinds; `--kind list` lists them
--only       repeats one try and keeps its directory
--keep DIR   keeps the directory of each failure
--table      the quick form for CI: about two seconds per kind

Every second try uses a known bomb of the kind (nested loops, YAML aliases, deep nesting) until all were
tried. Exit code 1 if anything failed.
"""

import argparse
import bz2
import gzip
import json
import lzma
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "common"), str(HERE)]

import child
import lake
import mutate
import project
import summary

BUILD = ["build"]


@dataclass
class Kind:
    """An input: its files, their mutations, the command that reads them, and the tables that may change."""

    files: list  # patterns in the project's directory
    commands: list
    language: str = None  # of `mutate`, or "json"; None mutates bytes only
    pack: tuple = None  # (decompress, compress): every second try mutates the decompressed data
    touches: str = ".*"  # tables whose rows may change
    broken: str = "$^"  # tables that may be unreadable afterwards
    names: str = ""  # what an error must name, besides the files
    bombs: list = field(default_factory=list)

    def all_bombs(self):
        """Returns the known bombs. Some bombs of compressed files are made on demand."""
        self.bombs = [bomb for entry in self.bombs for bomb in (entry(self.pack[1]) if callable(entry) else [entry])]
        return self.bombs


def source(name, files, language=None, pack=None, bombs=(), extra=()):
    build = ["build", "-s", f"m_{name}+", "bystander"]
    columns = ["source", "columns", f"src.{name}"]
    return Kind(files, [build, build, build, columns, *extra], language, pack, rf"main(_quarantine)?\.m_{name}(_rejected|_files)?|history\.h", names=rf"m_{name}|src\.{name}|\b{name}\b", bombs=list(bombs))


def doubling(levels=28):
    return ("with a0 as (select 1 as x)" + "".join(f", a{n} as (select l.x from a{n - 1} l join a{n - 1} r using (x))" for n in range(1, levels)) + f" select * from a{levels - 1}").encode()


YAML_BOMB = b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12))
YAML_BOMBS = [YAML_BOMB, b"x: " + b"[" * 20_000, b"{a: " * 20_000, b"- " * 20_000, b"&a [*a]", b"a: &a {<<: *a}", b"? " * 20_000]
SQL_BOMBS = [
    doubling(), b"select " + b"(" * 50_000 + b"1" + b")" * 50_000, b"select " + b"not " * 50_000 + b"true", b"select 1" + b" union all select 1" * 5_000,
    b"select 1" + b" + 1" * 50_000, b"select " + b"case when true then " * 5_000 + b"1" + b" end" * 5_000, b"select * from (" * 3_000 + b"select 1" + b") t" * 3_000,
    b"select " + b"[" * 10_000 + b"]" * 10_000, b"select " + b", ".join(b"%d as c%d" % (n, n) for n in range(20_000)), b"select 'x' as a where a in (" + b", ".join(b"'%d'" % n for n in range(50_000)) + b")",
    b"select repeat('x', 2000000000) as x", b"select lpad('x', 2147483647, 'y') as x", b"select /*" + b"/*" * 50_000 + b" 1",
    b"select list_sum(range(1, 100000000000)) as n", b"select regexp_matches(repeat('a', 30), '^(a+)+$') as x, regexp_matches('a', '(((a{1,1000}){1,1000}){1,1000})') as y",
    b"select printf('%999999999d', 1) as x", b"select array_resize([1], 9000000000) as x", b"select " + b"{'a': " * 3_000 + b"1" + b"}" * 3_000 + b" as x", b"select " + b"- " * 20_000 + b"1",
]
JINJA_BOMBS = [
    b"{% for a in range(100000) %}{% for b in range(100000) %}{% set c = a * b %}{% endfor %}{% endfor %}select 1",
    b"{% set ns = namespace(x='ab') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}select '{{ ns.x }}'",
    b"{% macro f() %}{{ f() }}{% endmacro %}select {{ f() }}", b"select {{ 'x' * 4000000000 }}", b"select {{ range(4000000000) | list | length }}",
    b"{{ (" * 20_000, b"{% if true %}" * 20_000, b"select {{ " + b"[" * 20_000 + b"]" * 20_000 + b" }}", b"select {{ 10 ** 10 ** 10 }}", b"select {{ 'x' | indent(2000000000) }}",
    b"select {{ '%999999999999d' % 1 }}", b"select {{ 'x'.ljust(4000000000) }}", b"select {{ " + b"not " * 20_000 + b"true }}", b"{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}select {{ f(0) }}",
    b"{% set l = [1] %}{% for i in range(60) %}{% do l.extend(l) %}{% endfor %}select 1", b"select {{ '{:999999999}'.format(1) }}", b"{% call f() %}" * 5_000, b"select {{ " + b"1 + " * 50_000 + b"1 }}",
    b"{% set x = 'a' %}{% for i in range(10000000) %}{% set x = x ~ 'a' %}{% endfor %}select 1", b"select {{ 1 if 1 else " * 5_000,
]
NAMELESS_MODELS = b"version: 2\nmodels:\n" + b"".join(b"  - name: missing_%d\n    columns: [{name: a, data_tests: [not_null, unique]}]\n" % n for n in range(5_000))
JSON_BOMBS = [b"[" * 200_000, b'{"a":' * 200_000, b'{"columns": ["id"], "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"id": ' + b"9" * 1_000_000 + b"}", b'[{"id": 1, "name": "' + b"x" * 20_000_000 + b'"}]', b'{"' + b"k" * 1_000_000 + b'": 1}', b"{" + b", ".join(b'"k%d": %d' % (n, n) for n in range(50_000)) + b"}", b"[" + b"1," * 500_000 + b"1]", b'"\\ud800"', b'{"id": 1e400}', b'{"id": 1}\x00']
CSV_BOMBS = [b"id,amount,day,name\n" + b"," * 2_000_000, b"id,amount,day,name\n1,2,2021-01-01,\"" + b"x" * 20_000_000, b",".join(b"c%d" % n for n in range(50_000)) + b"\n", b'"' * 1_000_001, b"\n" * 2_000_000, b"\xff\xfe" + b"\x00" * 100_001, b"id,amount,day,name\n" + b"1,1,2021-01-01,x\r" * 50_000 + b'"', b"\0" * 1_000_000]


def packed(compress, inner=b"id,amount,day,name\n1,1,2021-01-01,"):
    """Returns a bomb of 300 MB in one field, one of many lines, and concatenated streams."""
    some = compress(inner + b"x\n")
    return [compress(inner) + compress(b"a" * 1_000_000) * 300, some * 1000, some + b"garbage", compress(some), some[:-4], b""]


KINDS = {
    "project": Kind(["project.yml"], [BUILD, BUILD, ["list"], ["docs", "generate"], ["debug"]], "yaml", bombs=YAML_BOMBS + [project.PROJECT.encode().replace(b'day: "', b'day: "{{ ' + b"'x' * 4000000000" + b' }}')]),
    "sources": Kind(["sources.yml"], [BUILD, BUILD, ["list"], ["source", "freshness"], ["docs", "generate"]], "yaml", bombs=YAML_BOMBS),
    "properties": Kind(["models/properties.yml", "models/note.md"], [BUILD, BUILD, ["list"], ["docs", "generate"], ["test", "-s", "m_csv"]], "yaml", bombs=[*YAML_BOMBS, NAMELESS_MODELS]),
    "sql": Kind(["models/query.sql", "models/down.sql", "models/merged.sql", "data-tests/none.sql"], [["build", "-s", "query", "down", "merged"], ["build", "-s", "query+"], ["compile"], ["lineage", "query"], ["show", "-s", "query"]], "sql", touches=r"main\.(query|down|merged|later)", bombs=SQL_BOMBS),
    "jinja": Kind(["models/template.sql"], [["build", "-s", "template"], ["build", "-s", "template"], ["compile"], ["show", "-s", "template"]], "jinja", touches=r"main\.template", bombs=JINJA_BOMBS),
    "macros": Kind(["macros/m.sql"], [["build", "-s", "template"], ["compile"], ["list"]], "jinja", touches=r"main\.template", bombs=JINJA_BOMBS),
    "seed": Kind(["seeds/s.csv"], [["build", "-s", "s"], ["seed"], ["compile", "-s", "s"]], "data", touches=r"seeds\.s", names=r"\bs\b", bombs=CSV_BOMBS),
    "csv": source("csv", ["data/c.csv"], "data", bombs=CSV_BOMBS),
    "split": source("split", ["data/split.json"], "data", bombs=JSON_BOMBS),
    "records": source("records", ["data/records.json"], "data", bombs=JSON_BOMBS),
    "ndjson": source("ndjson", ["data/lines.ndjson"], "data", bombs=JSON_BOMBS, extra=[["source", "columns", "data/lines.ndjson"]]),
    "gz": source("gz", ["data/g.csv.gz"], "data", (gzip.decompress, lambda data: gzip.compress(data, 1, mtime=0)), [packed]),
    "zst": source("zst", ["data/z.csv.zst"], "data", (None, project.zstd), [packed]),
    "bz2": source("bz2", ["data/b.ndjson.bz2"], "data", (bz2.decompress, bz2.compress)),
    "xz": source("xz", ["data/x.csv.xz"], "data", (lzma.decompress, lambda data: lzma.compress(data, preset=0)), [packed]),
    "parquet": source("parquet", ["data/p.parquet"], extra=[["source", "columns", "data/p.parquet"]]),
    "avro": source("avro", ["data/a.avro"], extra=[["source", "columns", "data/a.avro"]]),
    "sqlite": source("sqlite", ["data/d.db"]),
    "log": Kind(["lake/main/base/_delta_log/*.json", "lake/main/merged/_delta_log/*.json", "lake/history/h/_delta_log/*.json", "data/ext/_delta_log/*.json"], [["build", "-s", "base+", "h", "of_ext", "bystander"], ["build", "-s", "base+", "h", "of_ext", "bystander"], ["build", "--force", "-s", "base", "of_ext", "h"], ["show", "--inline", "select * from {{ ref('base') }}"], ["plan"], ["docs", "generate"], ["describe", "base"]], "json", touches=r"main\.(base|merged|later|down|parted|of_ext|query|template)|history\.h", broken=r"main\.(base|merged)|history\.h", names=r"base|merged|\bh\b|ext"),
    "checkpoint": Kind(["data/ext/_delta_log/*.checkpoint.parquet", "lake/main/base/_delta_log/*.checkpoint.parquet"], [["build", "--force", "-s", "of_ext", "base", "down", "bystander"], ["show", "-s", "of_ext"]], touches=r"main\.(of_ext|base|down)", broken=r"main\.base", names=r"base|ext"),
    "last_checkpoint": Kind(["data/ext/_delta_log/_last_checkpoint", "lake/main/base/_delta_log/_last_checkpoint"], [["build", "--force", "-s", "of_ext", "base", "down", "bystander"], ["show", "-s", "of_ext"]], "json", touches=r"main\.(of_ext|base|down)", broken=r"main\.base", names=r"base|ext"),
    "table_files": Kind(["lake/main/base/*.parquet", "lake/main/merged/*.parquet", "lake/history/h/*.parquet", "lake/main/parted/*/*.parquet"], [["build", "--force", "-s", "down", "later", "h", "merged"], ["test"], ["show", "--inline", "select * from {{ ref('base') }} join {{ ref('merged') }} using (id) join {{ ref('parted') }} using (id)"]], touches=r"main\.(down|later|merged)|history\.h", broken=r"main\.(base|merged|parted)|history\.h", names=r"base|merged|parted|\bh\b|parquet"),
    "deletion_vector": Kind(["data/dv/*.bin", "data/dv/_delta_log/*1.json"], [["build", "--force", "-s", "of_dv"], ["show", "-s", "of_dv"]], touches=r"main\.of_dv", names="dv"),
    "run_results": Kind(["target/run_results.json"], [["retry"], ["retry"], ["docs", "generate"], ["describe", "base"]], "json", names="run_results"),
    "manifest": Kind(["target/manifest.json", "target/graph_summary.json"], [["list"], ["docs", "generate"], ["retry"], ["clean"]], "json", names="manifest"),
    "sources_json": Kind(["target/sources.json"], [["docs", "generate"], ["source", "freshness"], ["build", "--fresh-sources", "-s", "m_csv"]], "json", touches=r"main\.m_csv", names="sources"),
    "notes": Kind(["lake/_headwater/*/*"], [["build", "--force", "-s", "m_ndjson", "m_csv", "bystander"], ["source", "accept", "src.csv"], ["plan"], ["source", "freshness"]], "json", touches=r"main\.(m_ndjson|m_csv|m_parquet)(_rejected)?", names=r"_headwater|ndjson|csv"),
    "ledger": Kind(["lake/main/loaded_files/_delta_log/*.json", "lake/main/loaded_files/*.parquet", "lake/main/loaded_rejected/_delta_log/*.json", "lake/main/loaded_rejected/*.parquet", "lake/main/m_csv_rejected/_delta_log/*.json"], [["build", "--force", "-s", "loaded+", "m_csv"], ["build", "-s", "loaded+"], ["source", "accept", "src.parts"], ["docs", "generate"]], "json", touches=r"main\.(loaded|of_parts|m_csv).*", broken=r"main\.(loaded|m_csv)_(files|rejected)", names="loaded|parts|m_csv"),
}


class Base:
    """The project with its lake, and the state that every try is compared with."""

    def __init__(self, binary, scratch):
        self.binary, self.folder, self.tries = Path(binary).resolve(), scratch / "base", scratch / "try"
        self.temp = scratch / "tmp"
        self.temp.mkdir()
        project.make(self.folder)
        with open(self.folder / "data/c.csv", "a") as file:
            file.write("no number,1,2021-01-01,x\n")
        first = self.run(self.folder, ["build"])
        if first.code != 0:
            sys.exit(f"the project doesn't build unmutated (exit {first.code}):\n{first.out}")
        # Later input: rows to load, to merge and to reject, and a table with a checkpoint.
        project.put(self.folder / "data/parts/3.csv", b"id,v\n90,1\n91,\nx,y\n92,3\n93,4\n")
        again = self.run(self.folder, ["build"])
        if again.code != 0:
            sys.exit(f"the project doesn't build again (exit {again.code}):\n{again.out}")
        for command in (["source", "freshness"], ["docs", "generate"], ["build"]):
            ended = self.run(self.folder, command)
            if ended.code != 0:
                sys.exit(f"{' '.join(command)} of the unmutated project ended with {ended.code}:\n{ended.out}")
        lake.DeltaTable(str(self.folder / "lake/main/base")).create_checkpoint()
        results = self.folder / "target/run_results.json"
        self.rewrite_results(results)
        self.rows = lake.tables(self.folder / "lake")
        self.logs = self.listing(self.folder)
        self.corpus = defaultdict(list)
        for kind, what in KINDS.items():
            for pattern in what.files:
                self.corpus[kind] += sorted(self.folder.glob(pattern))

    def rewrite_results(self, path):
        """Makes the last run a failed one, so that `retry` has something to do."""
        results = json.loads(path.read_text())
        for result in results["results"]:
            if re.search(r"\.(down|m_csv)$", result["unique_id"]):
                result["status"], result["message"] = "error", "a failure"
        path.write_text(json.dumps(results))

    def run(self, folder, command, timeout=20):
        env = {"TMPDIR": str(self.temp), "HEADWATER_THREADS": "2"}
        return child.run([self.binary, *command], folder, env, timeout)

    @staticmethod
    def listing(folder):
        """Returns each table's log files with size and time."""
        return {
            name: sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in (place / "_delta_log").iterdir())
            for name, place in lake.folders(folder / "lake").items()
        }


def one_try(base, kind_name, seed, number):
    """Runs one try. Returns (faults, a description of the try)."""
    kind = KINDS[kind_name]
    rng = random.Random(f"{seed}:{kind_name}:{number}")
    shutil.rmtree(base.tries, ignore_errors=True)
    shutil.copytree(base.folder, base.tries, symlinks=True)
    files = base.corpus[kind_name]
    if not files:
        return [f"no file of this kind: {kind.files}"], "", None
    # Alternate bombs and mutations, so that a short run has some of both.
    bomb = None if number % 2 else next(iter(kind.all_bombs()[number // 2 :][:1]), None)
    chosen = files[0] if bomb is not None else rng.choice(files)
    relative = chosen.relative_to(base.folder)
    if bomb is not None:
        data, command = bomb, kind.commands[0]
    else:
        data, command = mutated(rng, kind, chosen, files), rng.choice(kind.commands)
    target = base.tries / relative
    target.unlink()
    target.write_bytes(data)
    ended = base.run(base.tries, command)
    what = f"{relative} ({len(data)} bytes), {' '.join(command)}: exit {ended.code} in {ended.seconds:.2f} s, {ended.peak >> 20} MB"
    return list(judge(base, kind, relative, command, ended)), what, ended


def mutated(rng, kind, chosen, files):
    data = chosen.read_bytes()
    others = [file.read_bytes() for file in files if file != chosen][:4]
    if kind.language == "json":
        if chosen.suffix == ".parquet":
            return mutate.mutated(rng, data)
        return mutate.json_lines(rng, data, kind.language, others)
    if kind.pack:
        unpack, pack = kind.pack
        if rng.random() < 0.5:
            inside = unpack(data) if unpack else unzstd(data)
            return pack(mutate.mutated(rng, inside, "data"))
        return mutate.mutated(rng, data)
    return mutate.mutated(rng, data, kind.language, others)


def unzstd(data):
    return project.pyarrow.CompressedInputStream(project.pyarrow.BufferReader(data), "zstd").read()


def judge(base, kind, relative, command, ended):
    if crash := ended.crash():
        yield crash
        return
    if ended.code != 0:
        names = rf"{re.escape(str(relative))}|{re.escape(relative.name)}|--\w+" + (f"|{kind.names}" if kind.names else "")
        names += r"|\w\.(sql|yml|md|csv|json|parquet|db|avro)\b|model [\w.]|lake|root"
        if not re.search(names, ended.out):
            yield f"names no file and no table: {last_error(ended.out)}"
    after = base.listing(base.tries)
    mutated_table = ".".join(relative.parts[1:3]) if relative.parts[0] == "lake" else None
    for name, log in base.logs.items():
        place = base.tries / "lake" / name.replace(".", "/")
        if name not in after:
            yield f"table {name} is gone"
        elif after[name] != log and name != mutated_table and not re.fullmatch(kind.broken, name):
            try:
                rows = lake.rows(place)
            except Exception as error:
                yield f"deltalake can't read {name} afterwards: {str(error)[:200]}"
                continue
            if not re.fullmatch(kind.touches, name) and rows != base.rows[name]:
                yield f"rows of {name} changed, which doesn't depend on {relative}"
    for name in after.keys() - base.logs.keys():
        try:
            lake.rows(base.tries / "lake" / name.replace(".", "/"))
        except Exception as error:
            yield f"deltalake can't read the new table {name}: {str(error)[:200]}"
    if left := [file.name for file in base.temp.rglob("*") if file.is_file()]:
        yield f"left in TMPDIR: {left[:3]}"
        shutil.rmtree(base.temp)
        base.temp.mkdir()


def last_error(out):
    lines = [line.strip() for line in out.splitlines() if re.search(r"error|can't|failed", line, re.I)]
    return (lines or out.strip().splitlines() or [""])[0][:300]


def shape(fault):
    """Returns the part of a message that faults with the same cause share."""
    return re.sub(r"\d+", "N", re.sub(r"['\"`].*?['\"`]", "'…'", fault))[:110]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--tries", type=int, default=300, metavar="N")
    parser.add_argument("--seconds", type=float, metavar="S")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", nargs="+", default=[], metavar="K")
    parser.add_argument("--only", metavar="SEED:KIND-NUMBER")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.kind == ["list"]:
        print("\n".join(KINDS))
        return
    if unknown := [name for name in args.kind if name not in KINDS]:
        parser.error(f"unknown kind {', '.join(unknown)}: `--kind list` names them")
    if args.table:
        args.seconds = args.seconds or 1.7
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        base = Base(args.binary, scratch)
        if args.only:
            again(base, args.only)
        else:
            fuzz(base, args)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def again(base, only):
    seed, try_ = only.split(":")
    kind, number = try_.rsplit("-", 1)
    faults, what, ended = one_try(base, kind, seed, int(number))
    kept = Path(tempfile.mkdtemp(prefix="fuzz-kept-")) / "project"
    shutil.copytree(base.tries, kept, symlinks=True)
    print(what, ended.out if ended else "", f"kept in {kept}", *(faults or ["no failure"]), sep="\n")
    sys.exit(1 if faults else 0)


def fuzz(base, args):
    started, tries, failures, shapes = time.monotonic(), Counter(), 0, Counter()
    exits = Counter()
    for kind in args.kind or KINDS:
        start, failed = time.monotonic(), 0
        for number in range(args.tries):
            if args.seconds and time.monotonic() - start > args.seconds:
                break
            faults, what, ended = one_try(base, kind, args.seed, number)
            tries[kind] += 1
            exits[ended.code if ended else None] += 1
            if faults:
                failures, failed = failures + 1, failed + 1
                shapes[f"{kind}: {shape(faults[0])}"] += 1
                if args.keep:
                    shutil.copytree(base.tries, args.keep / f"{args.seed}-{kind}-{number}", symlinks=True, dirs_exist_ok=True)
                if shapes[f"{kind}: {shape(faults[0])}"] <= 3:
                    print(f"FAIL --only {args.seed}:{kind}-{number}  {what}\n     " + "\n     ".join(faults), flush=True)
        print(f"{kind}: {tries[kind]} tries, {failed} failures, {time.monotonic() - start:.1f} s", flush=True)
    if shapes:
        print("\nfailures by kind:")
        for text, count in shapes.most_common():
            print(f"{count:>6}  {text}")
    seconds = time.monotonic() - started
    ended = ", ".join(f"{count} exit {code}" for code, count in sorted(exits.items(), key=str))
    summary.end("fuzz", sum(tries.values()), failures, f"{len(tries)} kinds, seed {args.seed}, {seconds:.0f} s; {ended}")


if __name__ == "__main__":
    main()
