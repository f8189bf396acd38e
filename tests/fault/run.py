"""Makes disks, permissions, sources and logs fail during a build. Each table must stay intact, and the next
build must repair everything.

    python run.py BINARY [--every K] [--case NAME ...] [--table] [--seed S]
    python run.py BINARY --only SEED:TRY

Builds a small project, changes its inputs, and injects a fault into the second build:

- ENOSPC and EIO from the k-th open, write, fsync, rename, link and mkdir in the lake, the target path or the
  temporary directory; EIO from reads of the lake and of sources (by a library that is compiled here and
  preloaded)
- a full file system (tmpfs; needs root), read-only mounts (needs root), missing permissions (as an
  unprivileged user)
- a power cut: everything that a commit makes visible must have been synced in the right order (by the same
  library, which records the calls)
- a locked SQLite database, a damaged log of one table among many, a table with a newer protocol

Afterwards, each table must have either its old rows or its new ones, as deltalake reads them. The exit code
must be 1 or 2, the message must name the location and the cause, and nodes that don't depend on the failed
one must be built. Then a build without the fault must succeed with the new rows, and leave no staged file,
journal or spill file.

--every K  only every K-th failing call (1)
--case     only these cases; `--case list` lists them
--only     repeats one try and keeps its directory
--table    the quick form for CI: a sample of the calls

Exit code 1 if anything was wrong.
"""

import argparse
import errno
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
from deltalake import DeltaTable, write_deltalake

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "common")]

import child
import lake
import power
import summary

ROOT = os.geteuid() == 0
NOBODY = 65534
CAUSES = {
    "ENOSPC": r"[Nn]o space left|os error 28|disk is full|disk full",
    "EIO": r"[Ii]nput/output error|os error 5\b|disk I/O error",
    "EACCES": r"[Pp]ermission denied|os error 13|unable to open database|readonly database",
    "EROFS": r"[Rr]ead-only file system|os error 30|readonly database",
}

PROJECT = """\
name: fault
models: {fault: {+schema: main}}
seeds: {fault: {+schema: main}}
target: dev
targets:
  dev: {root: lake, threads: 2, memory_limit: 200MB}
"""
SOURCES = """\
sources:
  - name: src
    tables:
      - name: events
        external: {location: data/events.parquet}
      - name: lines
        external: {location: "data/lines/*.csv"}
        columns: [{name: id, data_type: bigint}, {name: v, data_type: bigint}, {name: _source_file, data_type: varchar}]
      - name: db
        external: {location: data/db/d.db, options: {table: t}}
        columns: [{name: id, data_type: bigint}, {name: name, data_type: varchar}]
      - name: theirs
        external: {location: data/theirs, format: delta}
"""
PROPERTIES = """\
models:
  - name: a
    columns: [{name: id, data_tests: [not_null, unique]}, {name: v, data_tests: [{accepted_range: {arguments: {min_value: 0}, config: {on_violation: quarantine}}}]}]
snapshots:
  - name: h
    relation: ref('a')
    config: {schema: history, unique_key: id, strategy: check, check_cols: [v], hard_deletes: invalidate}
"""
# Each model and the source or model it needs.
MODELS = {
    "a": "select id, g, v from {{ source('src', 'events') }}",
    "by_g": "{{ config(partition_by='g') }} select g, count(*) as n, sum(v) as v from {{ ref('a') }} group by g",
    "merged": "{{ config(materialized='incremental', unique_key='id') }} select id, v from {{ ref('a') }}",
    "loaded": "{{ config(materialized='incremental') }} select id, v, _source_file from {{ source('src', 'lines') }}",
    "of_db": "select id, name from {{ source('src', 'db') }}",
    "of_theirs": "select id, v from {{ source('src', 'theirs') }}",
    "bystander": "select value as id, {{ var('step', 1) }} as step from generate_series(1, 9) t",
    # Sorts more than its share of memory, so it spills; built separately.
    "spilled": "{{ config(tags=['spill']) }} select value as id, md5(value::varchar) as s, repeat('x', 40) as pad from generate_series(1, {{ var('rows', 10) }}) t order by s, id",
}
NEEDS = {"by_g": ["a"], "merged": ["a"], "h": ["a"]}


class Wrong(Exception):
    """Behavior that users must not see."""


class Bench:
    def __init__(self, binary, scratch):
        self.scratch, self.folder, self.temp = scratch, scratch / "try", scratch / "tmp"
        self.binary = Path(binary).resolve()
        if ROOT:
            # An unprivileged user must be able to reach the binary.
            scratch.chmod(0o755)
            copy = scratch / "headwater"
            try:
                os.link(self.binary, copy)
            except OSError:
                shutil.copy2(self.binary, copy)
            copy.chmod(0o755)
            self.binary = copy
        self.shim = scratch / "shim.so"
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-Wno-format-truncation", "-o", self.shim, HERE / "shim.c", "-ldl"], check=True)
        self.base, self.second = scratch / "base", scratch / "second"
        make(self.base)
        self.must(self.base, "build", "--exclude", "tag:spill")
        self.old = lake.tables(self.base / "lake")
        change(self.base)
        shutil.copytree(self.base, self.second, symlinks=True)
        self.must(self.second, *BUILD)
        self.new = lake.tables(self.second / "lake")
        same = [name for name in self.new if self.old.get(name) == self.new[name] and not name.endswith("_rejected")]
        if same or self.old.keys() != self.new.keys():
            raise Wrong(f"the second build has to change every table: {same}, {self.old.keys() ^ self.new.keys()}")

    def fresh(self):
        unlock(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.temp, ignore_errors=True)
        self.temp.mkdir()
        self.temp.chmod(0o777)
        shutil.copytree(self.base, self.folder, symlinks=True)
        return self.folder

    def run(self, folder, *command, env=None, timeout=60, **more):
        return child.run([self.binary, *command], folder, {"TMPDIR": str(self.temp)} | (env or {}), timeout, **more)

    def must(self, folder, *command):
        self.temp.mkdir(exist_ok=True)
        ended = self.run(folder, *command)
        if ended.code != 0:
            raise Wrong(f"{' '.join(command)} without a fault ended with {ended.code}:\n{ended.out}")
        return ended

    def shimmed(self, folder, under, calls, at, error, sticky=False, command=None):
        """Runs a build with the preloaded library. Returns its result, the number of matching calls and the
        failed call."""
        count = self.scratch / "count"
        count.unlink(missing_ok=True)
        env = {
            "LD_PRELOAD": str(self.shim), "HWFAULT_UNDER": ":".join(map(str, under)), "HWFAULT_CALLS": calls, "HWFAULT_AT": str(at),
            "HWFAULT_ERRNO": str(getattr(errno, error)), "HWFAULT_STICKY": "1" if sticky else "0", "HWFAULT_COUNT": str(count),
        }
        ended = self.run(folder, *(command or BUILD), env=env)
        seen, _, failed = (count.read_text().strip() if count.exists() else "0").partition(" ")
        return ended, int(seen), failed

    def check(self, ended, cause=None, place=None, fails=None, may_end_well=False, recover=True, old=None, code=(1, 2)):
        """Checks what a user sees after a fault, and that a later build repairs it. `fails` are the nodes
        that need the failed input."""
        if crash := ended.crash():
            raise Wrong(f"{crash}\n{ended.out}")
        found = {}
        for name, folder in lake.folders(self.folder / "lake").items():
            if not list((folder / "_delta_log").glob("*.json")):
                continue
            try:
                found[name] = lake.rows(folder)
            except Exception as error:
                if fails is None or name.split(".")[1] not in fails:
                    raise Wrong(f"deltalake can't read {name}: {str(error)[:200]}\n{ended.out}")
        for name, rows in found.items():
            known = [self.old.get(name), self.new.get(name)]
            if rows not in known and not name.endswith(".spilled"):
                raise Wrong(f"{name} has neither its old rows nor its new ones\n{ended.out}")
        if ended.code == 0:
            if not may_end_well:
                raise Wrong(f"exit 0 in spite of the fault\n{ended.out}")
            if behind := [name for name in self.new if found.get(name) != self.new[name]]:
                raise Wrong(f"exit 0, but {', '.join(behind)} has its old rows\n{ended.out}")
        else:
            if ended.code not in code:
                raise Wrong(f"exit {ended.code}, wanted {code}\n{ended.out}")
            if cause and not re.search(cause, ended.out):
                raise Wrong(f"the message doesn't name the cause ({cause})\n{ended.out}")
            if place and not re.search(place, ended.out):
                raise Wrong(f"the message doesn't name the place ({place})\n{ended.out}")
        if fails is not None:
            down = set(fails)
            if missed := [name for name in self.new if name.split(".")[1].removesuffix("_files") not in down and found.get(name) != self.new[name]]:
                raise Wrong(f"{', '.join(missed)} don't need what failed and weren't built\n{ended.out}")
        if recover:
            self.recover(ended)

    def recover(self, ended):
        after = self.run(self.folder, *BUILD)
        if after.code != 0:
            raise Wrong(f"the next build without the fault ended with {after.code}:\n{after.out}\nafter:\n{ended.out}")
        try:
            rows = lake.tables(self.folder / "lake")
        except Exception as error:
            raise Wrong(f"after the next build a table can't be read: {error}\n{after.out}\nafter:\n{ended.out}") from error
        if wrong := [name for name in self.new if rows.get(name) != self.new[name]]:
            raise Wrong(f"after the next build {', '.join(wrong)} is not as it should be\n{after.out}\nafter:\n{ended.out}")
        if left := lake.leftovers(self.folder / "lake"):
            raise Wrong(f"left in the lake after the next build: {', '.join(left[:8])}\n{after.out}\nafter:\n{ended.out}")
        self.no_temporary(ended)

    def no_temporary(self, ended):
        if left := [str(file.relative_to(self.temp)) for file in self.temp.rglob("*")]:
            raise Wrong(f"left in TMPDIR: {', '.join(left[:5])}\n{ended.out}")


BUILD = ["build", "--vars", "{step: 2}", "--exclude", "tag:spill"]
SPILL = ["build", "--vars", "{step: 2, rows: 3000000}", "-s", "tag:spill"]


def make(folder):
    files = {"project.yml": PROJECT, "sources.yml": SOURCES, "models/p.yml": PROPERTIES}
    files |= {f"models/{name}.sql": text + "\n" for name, text in MODELS.items()}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    data(folder, 1)


def change(folder):
    """Changes the inputs for the second build: adds, changes and removes rows."""
    data(folder, 2)


def data(folder, step):
    for place in ("data/lines", "data/db", "seeds"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    ids = list(range(1, 200) if step == 1 else range(5, 240))
    table = pyarrow.table({"id": pyarrow.array(ids, pyarrow.int64()), "g": [i % 4 for i in ids], "v": [-1 if i == 50 * step else i * step if i % 7 == 0 else i for i in ids]})
    pyarrow.parquet.write_table(table, folder / "data/events.parquet")
    for part in range(step + 1):
        (folder / f"data/lines/{part}.csv").write_text("id,v\n" + "".join(f"{part * 100 + i},{i}\n" for i in range(20)))
    with sqlite3.connect(folder / "data/db/d.db") as db:
        db.execute("create table if not exists t (id integer primary key, name text)")
        db.executemany("insert or replace into t values (?, ?)", [(i, f"n{i * step}") for i in range(10 * step)])
    db.close()
    theirs = pyarrow.table({"id": pyarrow.array(range(step * 3), pyarrow.int64()), "v": [step] * (step * 3)})
    write_deltalake(folder / "data/theirs", theirs, mode="append")
    (folder / "seeds/s.csv").write_text("id,name\n" + "".join(f"{i},s{i}\n" for i in range(step * 4)))


def unlock(folder):
    """Restores the permissions that cases changed."""
    if folder.exists():
        subprocess.run(["chmod", "-R", "u+rwX", folder], check=False)


# The cases. Each yields tries: (label, function of the bench).

def preloaded(name, where, calls, error, sticky=False, command=None, fails_ok=True):
    """Yields one try for each call that can fail."""

    def under(bench):
        return [{"lake": bench.folder / "lake", "target": bench.folder / "target", "data": bench.folder / "data", "tmp": bench.temp}[where]]

    def tries(bench):
        bench.fresh()
        ended, seen, _ = bench.shimmed(bench.folder, under(bench), calls, 0, error, command=command)
        if ended.code != 0:
            raise Wrong(f"{name}: exit {ended.code} under the library without a fault\n{ended.out}")
        for at in range(1, seen + 1):
            yield f"{name}, call {at} of {seen}", lambda bench, at=at: one(bench, at)

    def one(bench, at):
        bench.fresh()
        ended, seen, failed = bench.shimmed(bench.folder, under(bench), calls, at, error, sticky, command)
        if not failed:
            return  # fewer calls than in the first build; nothing failed
        call, path = failed.split(" ", 1)
        try:
            if command == SPILL:
                if ended.code == 0 and sticky:
                    raise Wrong(f"exit 0 in spite of the fault\n{ended.out}")
                bench.check(ended, CAUSES[error], None, may_end_well=True, recover=False) if ended.code else None
                if ended.code and not re.search(rf"{re.escape(str(bench.temp))}|temporary|spill|TMPDIR", ended.out):
                    raise Wrong(f"the message doesn't name the folder for temporary files\n{ended.out}")
                bench.no_temporary(ended)
            else:
                names = {part for part in Path(path).parts} & {*MODELS, "h", "s", "a_files", "loaded_files", "theirs", "lines", "d.db", "events.parquet", "_headwater", "target"}
                names |= {Path(path).name}
                place = "|".join(rf"\b{re.escape(word)}\b" for word in names) + "|" + re.escape(where)
                # A call that fails once may be retried, or belong to the cleanup: then the new rows must be
                # there.
                bench.check(ended, CAUSES[error], place, may_end_well=True)
        except Wrong as wrong:
            raise Wrong(f"{call} {path}: {error}: {wrong}") from wrong

    return tries


def full_disk(bench):
    """A lake on a file system with less and less space."""
    mount = bench.scratch / "disk"
    mount.mkdir(exist_ok=True)
    for room in (4, 12, 20, 32, 48, 64, 80, 96, 112, 128, 160, 200, 260, 330, 400):
        def one(bench, room=room):
            bench.fresh()
            size = sum(file.stat().st_size for file in (bench.folder / "lake").rglob("*") if file.is_file())
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount], check=True)
            try:
                shutil.copytree(bench.folder / "lake", mount / "lake")
                shutil.rmtree(bench.folder / "lake")
                (bench.folder / "lake").symlink_to(mount / "lake")
                stat = os.statvfs(mount)
                with open(mount / "filler", "wb") as filler:
                    filler.write(b"\0" * max(0, stat.f_bavail * stat.f_bsize - room * 1024))
                ended = bench.run(bench.folder, *BUILD)
                (mount / "filler").unlink()
                bench.check(ended, CAUSES["ENOSPC"], r"lake|main\.|history\.", may_end_well=True)
            finally:
                (bench.folder / "lake").unlink(missing_ok=True)
                subprocess.run(["umount", "-l", mount], check=True)
        yield f"full file system, {room} KiB left", one


def full_target(bench):
    mount = bench.scratch / "disk"
    mount.mkdir(exist_ok=True)
    for what in ("target", "tmp"):
        def one(bench, what=what):
            bench.fresh()
            place = bench.folder / "target" if what == "target" else bench.temp
            shutil.rmtree(place)
            place.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
            try:
                with open(place / "filler", "wb") as filler:
                    try:
                        filler.write(b"\0" * (1 << 21))
                    except OSError:
                        pass
                ended = bench.run(bench.folder, *(BUILD if what == "target" else SPILL))
                (place / "filler").unlink()
                if what == "target":
                    bench.check(ended, CAUSES["ENOSPC"], "target", may_end_well=False, recover=False, code=(1, 2))
                else:
                    if ended.code == 0:
                        raise Wrong(f"nothing was spilled\n{ended.out}")
                    bench.check(ended, CAUSES["ENOSPC"], rf"{re.escape(str(bench.temp))}", recover=False)
                    bench.no_temporary(ended)
            finally:
                subprocess.run(["umount", "-l", place], check=True)
            bench.recover(ended)
        yield f"full file system for the {'target path' if what == 'target' else 'temporary folder'}", one


def permissions(bench):
    """Paths that an unprivileged user can't write or read: (path, mode, what the message must name, nodes
    that fail)."""
    wide = {"a", "by_g", "merged", "h", "events"}
    cases = [
        ("lake", 0o555, "lake", None), ("lake", 0o000, "lake", None), ("lake/main", 0o555, "main", None), ("lake/main/a", 0o555, r"\ba\b", wide),
        ("lake/main/a/_delta_log", 0o555, r"\ba\b", wide), ("lake/main/a/_delta_log", 0o000, r"\ba\b", wide), ("lake/main/of_db", 0o000, "of_db", {"of_db"}),
        ("lake/main/by_g", 0o555, "by_g", {"by_g"}), ("lake/history/h/_delta_log", 0o555, r"\bh\b", {"h"}), ("lake/main/merged", 0o555, "merged", {"merged"}),
        ("lake/main/loaded_files/_delta_log", 0o555, "loaded", {"loaded"}), ("lake/main/s", 0o555, r"\bs\b", {"s"}),
        ("data/events.parquet", 0o000, r"events", wide), ("data/lines/1.csv", 0o000, "lines", None), ("data/lines", 0o000, "lines", {"loaded"}),
        ("data/db/d.db", 0o000, r"d\.db", {"of_db"}), ("data/db", 0o000, r"d\.db|data/db", {"of_db"}), ("data/theirs/_delta_log", 0o000, "theirs", {"of_theirs"}),
        ("data", 0o000, "data", None), ("target", 0o555, "target", None), ("project.yml", 0o000, r"project\.yml", None), ("models/a.sql", 0o000, r"a\.sql", None),
        ("models", 0o000, "models", None), ("seeds/s.csv", 0o000, r"s\.csv", {"s"}), ("TMPDIR", 0o000, "tmp", None),
    ]
    for path, mode, place, fails in cases:
        def one(bench, path=path, mode=mode, place=place, fails=fails):
            bench.fresh()
            who = {}
            if ROOT:
                subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", bench.folder, bench.temp], check=True)
                who = dict(user=NOBODY, group=NOBODY, extra_groups=[])
            target = bench.temp if path == "TMPDIR" else bench.folder / path
            target.chmod(mode)
            try:
                ended = bench.run(bench.folder, *(SPILL if path == "TMPDIR" else BUILD), **who)
            finally:
                target.chmod(0o777 if path == "TMPDIR" else 0o755)
            if path == "TMPDIR":
                if ended.code == 0:
                    return
                return bench.check(ended, CAUSES["EACCES"], re.escape(str(bench.temp)), recover=False)
            # If the checks before a run fail, the whole run ends with exit code 2; a table that can't be
            # written fails alone. No build needs to create anything in the root itself: its directories
            # exist.
            alone = fails if fails and ended.code == 1 else None
            bench.check(ended, CAUSES["EACCES"], place, fails=alone, may_end_well=(path, mode) == ("lake", 0o555))
            if path.startswith("lake/main/") and fails and ended.code != 1:
                raise Wrong(f"exit {ended.code}: one table that can't be written or read stops all\n{ended.out}")
        yield f"{path} with mode {mode:03o}", one


def read_only(bench):
    for path, well in (("lake", False), ("target", False), ("data", True), ("models", True), (".", False)):
        def one(bench, path=path, well=well):
            bench.fresh()
            place = bench.folder / path
            subprocess.run(["mount", "--bind", place, place], check=True)
            try:
                subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
                ended = bench.run(bench.folder, *BUILD)
            finally:
                subprocess.run(["umount", "-l", place], check=True)
            if well and ended.code != 0:
                raise Wrong(f"inputs on a read-only file system must do; exit {ended.code}\n{ended.out}")
            bench.check(ended, CAUSES["EROFS"], path if path != "." else None, may_end_well=well)
        yield f"{path} mounted read-only", one


def locked(bench):
    def one(bench, how):
        bench.fresh()
        db = sqlite3.connect(bench.folder / "data/db/d.db", isolation_level=None)
        if how == "wal":
            db.execute("pragma journal_mode = wal")
            db.execute("pragma locking_mode = exclusive")
        db.execute("begin exclusive")
        db.execute("insert into t values (999, 'not committed')")
        try:
            ended = bench.run(bench.folder, *BUILD)
        finally:
            db.execute("rollback")
            db.execute("pragma locking_mode = normal")
            db.close()
        bench.check(ended, r"locked|busy|in use", r"d\.db|of_db", fails={"of_db"}, code=(1,))
    yield "SQLite database locked by another process", lambda bench: one(bench, "rollback journal")
    yield "SQLite database in WAL mode locked by another process", lambda bench: one(bench, "wal")


def damage(folder, how):
    log = folder / "_delta_log"
    entries = sorted(log.glob("*.json"))
    last = entries[-1]
    if how == "garbage":
        last.write_bytes(b"\x00\xff not json\n")
    elif how == "empty":
        last.write_bytes(b"")
    elif how == "cut":
        last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    elif how == "no log":
        for entry in entries:
            entry.unlink()
    elif how == "gap":
        entries[0].unlink()
    elif how == "data file gone":
        for file in folder.rglob("*.parquet"):
            if "_delta_log" not in file.parts:
                file.unlink()
    elif how == "newer protocol":
        action = '{"protocol":{"minReaderVersion":9,"minWriterVersion":9}}\n'
        (log / f"{len(entries):020}.json").write_text(action)
    elif how == "unknown feature":
        action = '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["fromTomorrow"],"writerFeatures":["fromTomorrow"]}}\n'
        (log / f"{len(entries):020}.json").write_text(action)


def damaged(bench):
    """One table among many is damaged: it fails alone, and can be rebuilt from scratch."""
    down = {"a": {"a", "by_g", "merged", "h"}, "of_db": {"of_db"}, "merged": {"merged"}, "loaded": {"loaded"}, "h": {"h"}, "theirs": {"of_theirs"}}
    for table, how in [(table, how) for table in ("of_db", "a", "merged", "loaded", "h", "theirs") for how in ("garbage", "empty", "cut", "gap", "newer protocol", "unknown feature")] + [("a", "data file gone"), ("merged", "data file gone"), ("theirs", "data file gone"), ("of_db", "no log")]:
        def one(bench, table=table, how=how):
            bench.fresh()
            place = bench.folder / ("data/theirs" if table == "theirs" else f"lake/history/{table}" if table == "h" else f"lake/main/{table}")
            backup = bench.scratch / "backup"
            shutil.rmtree(backup, ignore_errors=True)
            shutil.copytree(place, backup)
            damage(place, how)
            ended = bench.run(bench.folder, *BUILD)
            cause = {"newer protocol": r"version 9|protocol|reader version|newer", "unknown feature": r"fromTomorrow|feature"}.get(how)
            if ended.code == 0:
                # A build that replaces the table may succeed if its rows are correct.
                bench.check(ended, may_end_well=True, fails=down[table] if table in ("theirs",) else None, recover=False)
            else:
                bench.check(ended, cause, rf"\b{'theirs' if table == 'theirs' else table}\b", fails=down[table], recover=False, code=(1,))
            again = None
            if ended.code == 1 and table not in ("theirs", "h"):
                again = bench.run(bench.folder, *BUILD, "--full-refresh", "-s", f"{table}+")
            if again:
                if crash := again.crash():
                    raise Wrong(f"--full-refresh: {crash}\n{again.out}")
                if again.code != 0:
                    raise Wrong(f"--full-refresh of the damaged table ended with {again.code}\n{again.out}\nafter:\n{ended.out}")
            if ended.code != 0 and not (again and again.code == 0):
                shutil.rmtree(place)
                shutil.copytree(backup, place)
                bench.recover(ended)
        yield f"table {table}: {how}", one


def power_cut(bench):
    """A first and a later build: what is published is synced before it is visible."""
    for step in ("first", "later"):
        def one(bench, step=step):
            folder = bench.fresh()
            if step == "first":
                shutil.rmtree(folder / "lake")
            trace = bench.scratch / "trace"
            trace.unlink(missing_ok=True)
            env = {"LD_PRELOAD": str(bench.shim), "HWFAULT_UNDER": str(folder / "lake"), "HWFAULT_TRACE": str(trace)}
            ended = bench.run(folder, *BUILD, env=env)
            if ended.code != 0:
                raise Wrong(f"exit {ended.code} under the library without a fault\n{ended.out}")
            entries, found = power.losses(trace, folder / "lake")
            # The later build commits only what has changed.
            if entries < (len(bench.new) if step == "first" else 1):
                raise Wrong(f"only {entries} commits were seen of {len(bench.new)} tables")
            if found:
                raise Wrong("\n".join(found))
        yield f"power cut in the {step} build", one


CASES = {
    "enospc-lake": preloaded("ENOSPC in the lake", "lake", "create,write,sync,rename,link,mkdir", "ENOSPC", sticky=True),
    "eio-lake": preloaded("EIO in the lake", "lake", "create,write,sync,rename,link,mkdir,unlink", "EIO"),
    "eio-read-lake": preloaded("EIO reading the lake", "lake", "open,read", "EIO"),
    "eio-sources": preloaded("EIO reading sources", "data", "open,read", "EIO"),
    "enospc-target": preloaded("ENOSPC in the target path", "target", "create,write,rename,mkdir", "ENOSPC", sticky=True),
    "enospc-tmp": preloaded("ENOSPC in the temporary folder", "tmp", "create,write,mkdir", "ENOSPC", sticky=True, command=SPILL),
    "eio-tmp": preloaded("EIO in the temporary folder", "tmp", "create,read,mkdir", "EIO", command=SPILL),
    "full-disk": full_disk,
    "full-other": full_target,
    "permissions": permissions,
    "read-only": read_only,
    "power-cut": power_cut,
    "sqlite-locked": locked,
    "damaged-log": damaged,
}
NEEDS_ROOT = {"full-disk", "full-other", "read-only"}
SAMPLE = {"enospc-lake": 12, "eio-lake": 14, "eio-read-lake": 10, "eio-sources": 6, "enospc-target": 4, "enospc-tmp": 1, "eio-tmp": 1, "full-disk": 3, "permissions": 8, "damaged-log": 10}
MANY = {"enospc-tmp", "eio-tmp"}  # spilling calls are alike, and each build takes seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="K")
    parser.add_argument("--case", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--seed", type=int, default=1, help="shifts the sample of calls")
    parser.add_argument("--only", metavar="SEED:TRY")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.case == ["list"]:
        print("\n".join(CASES))
        return
    if unknown := [name for name in args.case if name not in CASES]:
        parser.error(f"unknown case {', '.join(unknown)}: `--case list` names them")
    scratch = Path(tempfile.mkdtemp(prefix="fault-"))
    try:
        try:
            bench = Bench(args.binary, scratch)
        except Wrong as wrong:
            print(wrong)
            summary.end("fault", 0, 1, "the project doesn't build without a fault")
        if args.only:
            again(bench, args.only.split(":", 1)[1])
        run(bench, args)
    finally:
        for place in (scratch / "disk", scratch / "tmp", scratch / "try/target", scratch / "try/lake", scratch / "try/data", scratch / "try"):
            if place.is_mount():
                subprocess.run(["umount", "-l", place], check=False)
        unlock(scratch)
        shutil.rmtree(scratch, ignore_errors=True)


def again(bench, try_):
    case, number = try_.rsplit("-", 1)
    label, one = list(CASES[case](bench))[int(number)]
    fault = None
    try:
        one(bench)
    except Wrong as wrong:
        fault = wrong
    kept = Path(tempfile.mkdtemp(prefix="fault-kept-")) / "project"
    shutil.copytree(bench.folder, kept, symlinks=True)
    print(label, fault or "no failure", f"kept in {kept}", sep="\n")
    sys.exit(1 if fault else 0)


def run(bench, args):
    started, tries, failures, shapes = time.monotonic(), 0, 0, Counter()
    for case in args.case or CASES:
        if case in NEEDS_ROOT and not ROOT:
            print(f"{case}: skipped, needs root", flush=True)
            continue
        start, failed, run_here = time.monotonic(), 0, 0
        try:
            all_tries = list(CASES[case](bench))
        except Wrong as wrong:
            tries, failures = tries + 1, failures + 1
            print(f"FAIL {case}: {wrong}", flush=True)
            continue
        step = args.every * (max(1, len(all_tries) // 12) if case in MANY else 1)
        if args.table and case in SAMPLE:
            step = max(step, -(-len(all_tries) // SAMPLE[case]))
        for number, (label, one) in enumerate(all_tries):
            if (number + args.seed - 1) % step:
                continue
            tries, run_here = tries + 1, run_here + 1
            try:
                one(bench)
            except Wrong as wrong:
                failures, failed = failures + 1, failed + 1
                short = re.sub(r"\s+", " ", str(wrong).split("\n")[0])
                shapes[f"{case}: {re.sub(r'/[^ ]*/', '…/', re.sub(r'[0-9a-f]{8}-[0-9a-f-]+|[0-9]+', 'N', short))[:170]}"] += 1
                print(f"FAIL --only {args.seed}:{case}-{number}  {label}: {short[:400]}", flush=True)
                if os.environ.get("VERBOSE"):
                    print("\n".join("     " + line for line in str(wrong).split("\n")[1:60]), flush=True)
        print(f"{case}: {run_here} of {len(all_tries)} tries, {failed} failures, {time.monotonic() - start:.1f} s", flush=True)
    if shapes:
        print("\nfailures by kind:")
        for text, count in shapes.most_common():
            print(f"{count:>5}  {text}")
    summary.end("fault", tries, failures, f"{len(args.case or CASES)} cases, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
