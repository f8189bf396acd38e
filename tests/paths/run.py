#!/usr/bin/env python3
"""Builds one small project at paths of many forms and compares each with the same project at a plain path.

    python tests/paths/run.py BINARY [--tries 100] [--seed 1] [--only N] [--table]

A try chooses the project's directory, the lake's root, the target path, the sources' locations and the
working directory: symbolic links, `%2F`, `\\`, spaces, unicode, long paths, `..`, trailing slashes, `-n`,
line feeds, quotes, glob characters. It then builds, builds again without a change, changes an input and
builds, kills a build at one of its writes (HEADWATER_FAULT) and builds again, generates the docs, lists and
cleans. After each step, the tables must have the rows of the plain project, read by `deltalake` at the same
path and by `headwater show`; nothing may be written outside the lake and the target path. Rejecting control
characters (exit code 2, nothing written) is also correct.

Needs the packages of requirements.txt, and a binary with failpoints: `cargo build --release --locked
--features failpoints`. Try N of seed S is always the same: `--seed S --only N` repeats it.
"""

import argparse
import csv
import glob
import io
import json
import os
import random
import re
import shutil
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import pyarrow
from deltalake import DeltaTable, write_deltalake

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from trials import Trials, Wrong, environment, options, require_failpoints, run, shown, write, yaml

SCRIPT = "tests/paths/run.py"
TABLES = ("main/by_file", "main/by_city", "main/total", "main/cities", "main/history")
PER_RUN = {"dbt_valid_from", "dbt_valid_to", "dbt_updated_at", "dbt_scd_id"}
PATH_MAX = 4095
# A path of this length has room for every name in it.
ROOMY = 3600

NAMES = [
    "a b", " lead", "trail ", "100%", "%", "%%", "a%20b", "feature%2Flogin", "%2e%2e", "%25", "a%zz", "%C3%A9",
    "a\\b", "\\", "\\x41", "a\\", "é", unicodedata.normalize("NFD", "é"), "日本語", "🦀", "שלום", "ß", "İ", "\u200b",
    "\ufeff", "-n", "--help", "-", "a\nb", "a\tb", "\x01", "\x7f", "\u202e", "'", '"', "a'b", 'a"b', "`id`", "$HOME", "$(id)",
    "*", "a*", "?", "a?b", "[", "]", "[a]", "a[0-9]b", "[!a]", "**", "{a}", "{a,b}", "#", "a#b", ";", "&", "|", "<a>", ":", "c:", "a:b", "@",
    "a@b", "=", "day=2021-01-01", "+", "a+b", "~", "~root", "!", "^", ",", ".hidden", "_under", "...", "a..b", "a.", "CON",
    "lake.json", "x.parquet", "x.csv", "_delta_log", "_headwater", "_change_data", "main", "n" * 255, "é" * 127,
]  # fmt: skip

PROJECT = {
    "models/by_file.sql": "{{ config(materialized='incremental') }}\n"
    "select id, city, amount, _source_file from {{ source('shop', 'orders') }}\n",
    "models/by_city.sql": "{{ config(partition_by='city') }}\n"
    "select o.city, c.country, sum(o.amount) as amount\n"
    "from {{ ref('by_file') }} as o join {{ ref('cities') }} as c on o.city = c.city group by 1, 2\n",
    "models/total.sql": "select (select count(*) from {{ source('shop', 'customers') }}) as customers,\n"
    "    count(*) as orders, sum(amount) as amount from {{ ref('by_file') }}\n",
    "models/properties.yml": "models:\n  - name: by_file\n    description: \"{{ doc('loaded') }}\"\n"
    "    columns: [{name: id, data_tests: [not_null, unique]}]\n  - name: total\n    description: Totals.\n",
    "models/words.md": "{% docs loaded %}\nOrders, loaded *once each*.\n{% enddocs %}\n",
    "seeds/cities.csv": "city,country\nNew York,US\nKöln,DE\n50%,XX\na=b,YY\n",
    "snapshots/history.yml": "snapshots:\n  - name: history\n    relation: source('shop', 'customers')\n"
    "    config: {unique_key: id, strategy: check, check_cols: all}\n",
}
ORDERS = [
    "id,city,amount\n1,New York,10\n2,Köln,20\n",
    "id,city,amount\n3,50%,30\n4,a=b,40\n5,Köln,50\n",
    "id,city,amount\n6,New York,60\n",
    "id,city,amount\n7,Köln,70\n8,50%,80\n",
]
CUSTOMERS = ["id,name\n1,Ada\n2,Bob\n", "id,name\n1,Ada\n2,Bea\n3,Cid\n", "id,name\n1,Eve\n2,Bea\n3,Cid\n"]


class Case:
    """A choice of paths; `place` is the directory that contains all of it."""

    def __init__(self, place, rng=None, number=0):
        self.place = os.fspath(place)
        self.notes = []
        self.edge = False
        self.project = self.at("project")
        self.root, self.lake = "lake", None
        self.target_text, self.target_option, self.target = "target", False, None
        self.orders_folder, self.customers_folder = None, None
        self.orders_files = [f"o{n}.csv" for n in range(len(ORDERS))]
        self.customers_file = "customers.csv"
        self.location_kind = "relative"
        self.entry = "inside"
        self.later_link, self.real = None, None
        self.links = []
        if rng:
            self.choose(rng, number)
        self.lake = self.lake or os.path.join(self.project, "lake")
        self.target = self.target or os.path.join(self.project, "target")
        self.orders_folder = self.orders_folder or os.path.join(self.project, "data", "orders")
        self.customers_folder = self.customers_folder or os.path.join(self.project, "data")

    def at(self, *parts):
        return os.path.join(self.place, *parts)

    def name(self, rng):
        name = rng.choice(NAMES)
        if rng.random() < 0.2:
            name = (name[:100] + rng.choice(["", " ", ".", "x"]) + rng.choice(NAMES)[:100])[:120]
        # Jinja delimiters in a root or location would be a template.
        name = re.sub(r"\{([%#{])", r"\1", name)
        # One or two dots mean another directory, so they aren't a name.
        return name if name.strip(".") else "..."

    def choose(self, rng, number):
        # A link to the project moves everything in it, so it comes first.
        sides = ["project", "link", "root", "target", "source", "deep"]
        main = sides[number % len(sides)]
        for side in sides[:-1]:
            if side == "root" and self.root != "lake":
                continue
            if side == main or rng.random() < 0.2:
                getattr(self, f"choose_{side}")(rng)
        if main == "deep":
            self.choose_deep(rng)
        self.choose_entry(rng)

    def choose_project(self, rng):
        parts = [self.name(rng) for _ in range(rng.choice([1, 1, 2]))]
        self.project = self.at(*parts)
        self.notes.append(f"project {parts!r}")

    def choose_root(self, rng):
        name = self.name(rng)
        ways = {
            "relative": (f"{name}/lake", self.in_project(name, "lake")),
            "itself": (name, self.in_project(name)),
            "absolute": (self.at(name, "lake"), self.at(name, "lake")),
            "above": (f"../{name}", self.above(name)),
            "dots": (f"./x/../{name}/./lake", self.in_project(name, "lake")),
            "slash": (f"{name}/", self.in_project(name)),
            "slashes": (f"{name}//lake//", self.in_project(name, "lake")),
            "dot": (".", self.project),
            "url": ("file://" + quote(self.at(name, "lake")), self.at(name, "lake")),
            "in target": ("target/lake", self.in_project("target", "lake")),
            "around target": ("target", self.in_project("target")),
        }
        way = rng.choice(list(ways))
        # A root that begins like an option or a URL scheme is written as a path.
        self.root, self.lake = ways[way]
        self.notes.append(f"root {self.root!r} ({way})")
        if way == "dots":
            self.links.append(("folder", self.in_project("x"), None))

    def choose_target(self, rng):
        name = self.name(rng)
        ways = {
            "relative": (f"{name}/t", self.in_project(name, "t"), False),
            "itself": (name, self.in_project(name), False),
            "absolute": (self.at(name, "t"), self.at(name, "t"), False),
            "above": (f"../{name}", self.above(name), False),
            "slash": (f"{name}/", self.in_project(name), False),
            "option": (self.at(name, "t"), self.at(name, "t"), True),
            "option, slash": (self.at(name, "t") + "/", self.at(name, "t"), True),
        }
        way = rng.choice(list(ways))
        self.target_text, self.target, self.target_option = ways[way]
        self.notes.append(f"target {self.target_text!r} ({way})")

    def choose_source(self, rng):
        name = self.name(rng)
        self.location_kind = rng.choice(["relative", "absolute", "above", "folder", "url", "dots", "links"])
        base = self.place if self.location_kind in ("absolute", "above", "url") else self.project
        if self.location_kind == "above":
            base = os.path.dirname(self.real or self.project)
        self.orders_folder = os.path.join(base, name, "orders")
        self.customers_folder = os.path.join(base, name)
        if rng.random() < 0.5:
            stem = self.name(rng).strip("./\x00")[:60]
            self.orders_files = [f"f{stem}{n}.csv" for n in range(len(ORDERS))]
            self.customers_file = f"f{stem}.csv"
        self.notes.append(f"source {name!r} {self.orders_files[0]!r} ({self.location_kind})")

    def choose_link(self, rng):
        way = rng.choice(["root", "above root", "project", "above project", "target", "to relative", "later root", "later schema",
                          "later table", "two links"])  # fmt: skip
        if way.startswith("later"):
            self.later_link = way.split()[1]
        elif way in ("project", "above project"):
            real = self.at("disk", "p")
            self.links.append(("link", self.at("linked"), real if way == "project" else self.at("disk")))
            self.links.append(("folder", real, None))
            self.real = real
            self.project = self.at("linked") if way == "project" else self.at("linked", "p")
            if self.root == "lake":
                self.lake = os.path.join(self.project, "lake")
        elif way == "target":
            self.links += [("folder", self.at("disk2"), None), ("link", self.at("t"), self.at("disk2"))]
            self.target_text, self.target, self.target_option = self.at("t"), self.at("t"), False
        else:
            target = self.at("disk3", "a b")
            self.links += [("folder", target, None)]
            if way == "two links":
                self.links += [("link", self.at("hop"), target)]
                target = self.at("hop")
            if way == "to relative":
                target = os.path.relpath(target, self.place)
            self.links += [("link", self.at("lake-link"), target)]
            self.root = self.at("lake-link") if way != "above root" else self.at("lake-link", "x", "lake")
            self.lake = self.root
        self.notes.append(f"link {way}")

    def choose_deep(self, rng):
        part = rng.choice(["d" * 200, "é" * 100, "a b%20" * 30, "n" * 255])
        goal = rng.choice([250, 1000, 2000, 3000, ROOMY, rng.randint(ROOMY, PATH_MAX - 100)])
        what = rng.choice(["project", "root", "target", "source"])
        path = self.place
        while len(os.fsencode(path)) + len(os.fsencode(part)) + 1 <= goal:
            path = os.path.join(path, part)
        rest = goal - len(os.fsencode(path)) - 1
        if rest > 0:
            path = os.path.join(path, "e" * rest)
        self.edge = goal > ROOMY
        if what == "project":
            self.project = path
            self.root, self.lake, self.target, self.target_text, self.target_option = (
                "lake",
                None,
                None,
                "target",
                False,
            )
            self.location_kind, self.orders_folder, self.customers_folder = "relative", None, None
            self.links, self.later_link, self.real = [], None, None
            self.edge = goal > ROOMY - 200
        elif what == "root":
            self.root = self.lake = path
            self.later_link = None
        elif what == "target":
            self.target_text, self.target, self.target_option = path, path, False
        else:
            self.location_kind = "absolute"
            self.orders_folder, self.customers_folder = os.path.join(path, "orders"), path
        self.notes.append(f"deep {what} of {goal} bytes")

    def choose_entry(self, rng):
        self.entry = rng.choice(["inside", "inside", "absolute", "relative", "slash", "dots", "name"])
        self.notes.append(f"entered {self.entry}")

    def in_project(self, *parts):
        return os.path.join(self.project, *parts)

    def above(self, name):
        # The system resolves `..` after links.
        return os.path.join(os.path.dirname(self.real or self.project), name)

    def has_controls(self):
        texts = [self.root, self.lake, self.target, self.project, self.orders_folder, *self.orders_files]
        return any(ord(letter) < 0x20 or ord(letter) == 0x7F for text in texts for letter in text)

    # The files to write, and how to run the binary.

    def location(self, path):
        kind = self.location_kind
        if kind == "url":
            return "file://" + quote(path)
        if kind == "above":
            path = os.path.relpath(path, self.real or self.project)
        elif kind in ("relative", "folder", "links"):
            path = os.path.relpath(path, self.project)
        elif kind == "dots":
            path = "./data/../" + os.path.relpath(path, self.project)
        return glob.escape(path)

    def lay_out(self):
        for kind, path, target in sorted(self.links, key=lambda link: link[0] != "folder"):
            if kind == "folder":
                os.makedirs(path, exist_ok=True)
        for kind, path, target in self.links:
            if kind == "link" and not os.path.lexists(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.symlink(target, path)
        os.makedirs(os.path.join(self.project, "data"), exist_ok=True)
        orders = self.location(self.orders_folder)
        if self.location_kind not in ("folder", "url"):
            orders += "/*.csv"
        elif self.location_kind == "url":
            orders += "/"
        customers = self.location(os.path.join(self.customers_folder, self.customers_file))
        settings = {"name": "paths", "target": "dev", "targets": {"dev": {"root": self.root, "threads": 1}}}
        if not self.target_option:
            settings["target-path"] = self.target_text
        sources = {"sources": [{"name": "shop", "tables": [
            {"name": "orders", "external": {"location": orders, "format": "csv"},
             "columns": [{"name": "id", "data_type": "bigint"}, {"name": "city", "data_type": "varchar"},
                         {"name": "amount", "data_type": "bigint"}, {"name": "_source_file", "data_type": "varchar"}]},
            {"name": "customers", "external": {"location": customers, "format": "csv"},
             "columns": [{"name": "id", "data_type": "bigint"}, {"name": "name", "data_type": "varchar"}]}]}]}  # fmt: skip
        write(self.project, PROJECT | {"project.yml": yaml(settings), "sources.yml": yaml(sources)})
        self.deliver(0)
        self.deliver(1)

    def deliver(self, number):
        write(self.orders_folder, {self.orders_files[number]: ORDERS[number]})
        write(self.customers_folder, {self.customers_file: CUSTOMERS[max(0, number - 1)]})

    def run(self, binary, *arguments, **settings):
        cwd, before = self.project, []
        name = os.path.basename(self.project)
        if self.entry == "absolute":
            cwd, before = "/", [f"--project-dir={self.project}"]
        elif self.entry == "slash":
            cwd, before = "/", [f"--project-dir={self.project}/"]
        elif self.entry == "relative":
            os.makedirs(self.at("cwd"), exist_ok=True)
            cwd = self.at("cwd")
            before = [f"--project-dir={os.path.relpath(self.project, os.path.realpath(cwd))}"]
        elif self.entry == "dots":
            cwd, before = os.path.dirname(self.project), [f"--project-dir=./{name}/../{name}"]
            if os.path.islink(self.project):
                before = [f"--project-dir=./{name}"]
        elif self.entry == "name":
            cwd, before = os.path.dirname(self.project), [f"--project-dir={name}"]
        if self.target_option:
            before.append(f"--target-path={self.target_text}")
        return run(binary, *before, *arguments, cwd=cwd, **settings)

    def link_later(self):
        moved = self.at("moved")
        path = {
            "root": self.lake,
            "schema": os.path.join(self.lake, "main"),
            "table": os.path.join(self.lake, "main", "by_file"),
        }
        path = path[self.later_link]
        if (
            os.path.islink(path)
            or self.lake == self.project
            or os.path.realpath(moved).startswith(os.path.realpath(path))
        ):
            return
        os.rename(path, moved)
        os.symlink(moved, path)

    def entries(self):
        found = set()
        for folder, folders, files in os.walk(self.place):
            found.update(os.path.join(folder, name) for name in folders + files)
        return found

    def outside(self, before):
        """Returns new files outside the lake and the target path."""
        inside = [os.path.realpath(self.lake), os.path.realpath(self.target), self.at("moved"), self.at("cwd")]
        found = []
        delivered = {os.path.realpath(os.path.join(self.orders_folder, name)) for name in self.orders_files}
        for path in self.entries() - before:
            real = os.path.realpath(path)
            if real in delivered:
                continue
            if not any(
                real == folder or real.startswith(folder + "/") or folder.startswith(real + "/") for folder in inside
            ):
                found.append(path)
        return sorted(found)


class Reader:
    """Reads tables with `deltalake` at their own path."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.copies = 0

    def rows(self, case, table):
        path = os.path.join(case.lake, table)
        if not os.path.isdir(os.path.join(path, "_delta_log")):
            raise Wrong(f"no table at {shown(path)[-300:]}")
        try:
            found = DeltaTable(path).to_pyarrow_table()
        except Exception as error:
            if self.can_deltalake(case):
                raise Wrong(f"deltalake can't read {table}: {str(error)[:300]}") from error
            self.copies += 1
            copy = self.scratch / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path, copy)
            found = DeltaTable(str(copy)).to_pyarrow_table()
        names = [name for name in found.column_names if name not in PER_RUN]
        columns = [found.column(name).to_pylist() for name in names]
        return names, list(zip(*columns))

    def can_deltalake(self, case):
        """Returns whether deltalake can read what it wrote itself at a path of this form."""
        place = str(self.scratch / "deltalake")
        shutil.rmtree(place, ignore_errors=True)
        path = place + os.path.realpath(case.lake).removeprefix(os.path.realpath(case.place)) + "/main/t"
        try:
            os.makedirs(path)
            write_deltalake(path, pyarrow.table({"a": [1]}))
            return os.path.isdir(path + "/_delta_log") and DeltaTable(path).to_pyarrow_table().num_rows == 1
        except Exception:
            return False

    def state(self, case):
        """Returns all tables, with files identified by their position in the delivery."""
        state = {}
        for table in TABLES:
            names, found = self.rows(case, table)
            if "_source_file" in names:
                at = names.index("_source_file")
                known = {name: number for number, name in enumerate(case.orders_files)}
                for row in found:
                    base = row[at].rsplit("/", 1)[-1]
                    if base not in known:
                        raise Wrong(f"_source_file is {row[at][-200:]!r}; the files are {case.orders_files[:2]!r}")
                found = [row[:at] + (known[row[at].rsplit("/", 1)[-1]],) + row[at + 1 :] for row in found]
            state[table] = (names, Counter(found))
        return state


def summary(ended):
    found = re.search(r"Done\. (PASS=.*)", ended.text)
    return found.group(1).strip() if found else None


def shown_rows(case, binary):
    query = "select sum(o.id) as a, sum(o.amount) as b, count(*) as n from {{ ref('by_file') }} as o"
    ended = case.run(binary, "show", "--inline", query, "--output", "csv", "-q")
    return list(csv.reader(io.StringIO(ended.out.decode("utf-8", "replace"))))


STEPS = ("build", "no change", "change", "repair")


def attack(case, binary, reader, expected, fault, kill):
    """Runs all steps, and collects their results or compares them with the expected ones."""
    results = {}
    case.lay_out()
    before = case.entries()

    def settle(step, ended):
        if ended.code != 0:
            raise Wrong(f"{step}: exit {ended.code}: {ended.why()}")
        results[step] = (summary(ended), reader.state(case), shown_rows(case, binary))
        if expected:
            for what, ours, theirs in zip(
                ("summary", "rows by deltalake", "rows by show"), results[step], expected[step]
            ):
                if ours != theirs and not (what == "summary" and step == "repair"):
                    differing = ours
                    if isinstance(ours, dict):
                        differing = {table: ours[table] for table in ours if ours[table] != theirs.get(table)}
                    fault(f"{step}: {what}: {differing}, not {theirs if not isinstance(theirs, dict) else '…'}")

    ended = case.run(binary, "build")
    if ended.code == 2 and case.has_controls():
        if new := case.outside(before):
            fault(f"refused, but wrote {new[0]}")
        return None
    if ended.code in (1, 2) and case.edge and re.search(r"(?i)too long", ended.text):
        return None
    settle("build", ended)
    if case.later_link:
        case.link_later()
        results.clear()
    settle("no change", case.run(binary, "build"))
    counts = dict(re.findall(r"([A-Z-]+)=(\d+)", results["no change"][0] or ""))
    if counts.get("REUSED") != counts.get("TOTAL"):
        fault(f"no change, and yet: {results['no change'][0]}")
    case.deliver(2)
    settle("change", case.run(binary, "build"))
    case.deliver(3)
    env = environment(HEADWATER_FAULT=f"kill:{kill}", HEADWATER_THREADS="1")
    case.run(binary, "build", env=env, dies=6)
    ended = case.run(binary, "build")
    settle("repair", ended)
    results["repair"] = (None, *results["repair"][1:])
    left = [path for path in glob.glob(glob.escape(case.lake) + "/_headwater/runs/*")]
    if left:
        fault(f"after the repair there is still {left[0][-200:]}")
    others(case, binary, reader, fault, results["repair"][1])
    if new := case.outside(before):
        fault(f"written outside of lake and target: {new[0]}")
    return results


def others(case, binary, reader, fault, state):
    for arguments in (["docs", "generate"], ["list"], ["list", "--output", "json"], ["plan"]):
        ended = case.run(binary, *arguments)
        if ended.code != 0:
            fault(f"{' '.join(arguments)}: exit {ended.code}: {ended.why()}")
        elif arguments == ["list", "--output", "json"]:
            try:
                lines = [json.loads(line) for line in ended.out.decode().splitlines()]
                if len(lines) < 9:
                    fault(f"list names {len(lines)} nodes")
            except ValueError as error:
                fault(f"list --output json: {error}")
    for file in ("docs/index.html", "manifest.json", "catalog.json", "run_results.json"):
        path = os.path.join(case.target, file)
        if not os.path.isfile(path):
            fault(f"no {file} in the target path")
        elif file.endswith(".json"):
            try:
                json.loads(Path(path).read_bytes())
            except ValueError as error:
                fault(f"{file}: {error}")
    ended = case.run(binary, "clean")
    if ended.code != 0:
        fault(f"clean: exit {ended.code}: {ended.why()}")
    elif os.path.exists(os.path.join(case.target, "manifest.json")):
        fault(f"clean left manifest.json: {ended.text.strip()[:300]}")
    if reader.state(case) != state:
        fault("clean changed the lake")


def legible(results):
    """Removes the parts that may differ: the kill decides what is left to repair."""
    return {step: (summary if step != "repair" else None, *rest) for step, (summary, *rest) in results.items()}


# Names that aren't UTF-8: reported, and the file is loaded or rejected.
RAW = [
    "source file in a folder",
    "source file in a pattern",
    "source folder",
    "project folder",
    "model file",
    "seed file",
    "working directory",
]


def raw_names(kind, trials, folder, fault):
    place = os.fsencode(folder)
    case = Case(folder)
    case.location_kind = "folder" if kind == "source file in a folder" else "relative"
    if kind == "source folder":
        case.orders_folder = os.path.join(case.project, "data")
    case.lay_out()
    raw = b"f\xff\xfe.csv"
    if kind in ("source file in a folder", "source file in a pattern"):
        with open(os.fsencode(case.orders_folder) + b"/" + raw, "w") as file:
            file.write(ORDERS[3])
    elif kind == "source folder":
        os.makedirs(os.fsencode(case.project) + b"/data/g\xff")
        with open(os.fsencode(case.project) + b"/data/g\xff/f.csv", "w") as file:
            file.write(ORDERS[3])
        sources = os.path.join(case.project, "sources.yml")
        text = Path(sources).read_text().replace("data/*.csv", "data/**/o*.csv")
        text = text.replace("data/**/o*.csv", "data/**/[of]*.csv")
        Path(sources).write_text(text)
    elif kind in ("project folder", "working directory"):
        os.rename(case.project, place + b"/p\xff")
    elif kind == "model file":
        with open(os.fsencode(case.project) + b"/models/m\xff.sql", "w") as file:
            file.write("select 1 as a\n")
    elif kind == "seed file":
        with open(os.fsencode(case.project) + b"/seeds/s\xff.csv", "w") as file:
            file.write("a\n1\n")
    where = place + b"/p\xff" if kind in ("project folder", "working directory") else os.fsencode(case.project)
    if kind == "project folder":
        ended = run(trials.binary, b"--project-dir=" + where, "build", cwd="/")
    else:
        ended = run(trials.binary, "build", cwd=where)
    if kind in ("project folder", "working directory"):
        if ended.code == 0 and not os.path.isdir(where + b"/lake/main/total/_delta_log"):
            fault("exit 0, and no table is there")
        if ended.code != 0 and not re.search(r"(?i)utf-?8|unicode", ended.text):
            fault(f"exit {ended.code} without the reason: {ended.why()}")
        return
    named = re.search(r"(?i)utf-?8|unicode|\ufffd|xff", ended.text)
    if ended.code == 0 and kind.startswith("source"):
        loaded = case.run(
            trials.binary,
            "show",
            "--inline",
            "select count(*) as n from {{ ref('by_file') }} where id in (7, 8)",
            "--output",
            "csv",
            "-q",
        )
        count = loaded.out.decode().split()[-1]
        rejected = glob.glob(glob.escape(case.lake) + "/**/*_rejected", recursive=True)
        if not (count == "2" or rejected or named):
            fault(f"skipped in silence: {count} of its 2 rows are there, exit 0: {ended.last_line()}")
    elif not named:
        fault(f"exit {ended.code}, and the file isn't named: {ended.why()}")


def main():
    parser = options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter))
    parser.add_argument("--tries", type=int, help="how many paths; 100, with --quick 16 and with --long 1,000")
    parser.add_argument("--only", type=int, metavar="N", help="only try N; the names that aren't UTF-8 are 0 to 6")
    args = parser.parse_args()
    if args.tries is None:
        args.tries = (
            max(0, args.only - len(RAW) + 1)
            if args.only is not None
            else 16
            if args.quick
            else 1000
            if args.long
            else 100
        )
    require_failpoints(args.binary)
    trials = Trials("paths", args.binary, args, SCRIPT, args.table)
    reader = Reader(trials.scratch)
    shapes = Counter()
    refused = steps = 0

    for number, kind in enumerate(RAW):
        if args.only is None or args.only == number:
            with trials.trial(f"not UTF-8: {kind}", f"--seed {args.seed} --only {number}") as (folder, fault):
                raw_names(kind, trials, folder, fault)

    expected = None
    first = len(RAW)
    with trials.trial("plain", "--tries 0") as (folder, fault):
        expected = legible(attack(Case(folder), trials.binary, reader, None, fault, 5))
    for number in range(first, first + args.tries):
        if expected is None or (args.only is not None and args.only != number):
            continue
        rng = random.Random(f"{args.seed}-{number}")
        kill = rng.randint(1, 60)
        # The order of choices makes a try repeatable.
        again = f"--seed {args.seed} --only {number}"
        with trials.trial(f"try {number}", again) as (folder, fault):
            case = Case(folder, rng, number)
            shapes[case.notes[0].split()[0]] += 1
            name = "; ".join(case.notes)
            try:
                results = attack(case, trials.binary, reader, expected, lambda text: fault(f"[{name}] {text}"), kill)
            except Wrong as wrong:
                raise Wrong(f"[{name}] {wrong}") from wrong
            except OSError as error:
                # The test itself can't create such a path.
                if not case.edge:
                    raise Wrong(f"[{name}] the test failed: {error}") from error
                results = None
            refused += results is None
            steps += 12
        if number % 20 == 0:
            trials.progress(f"{number - first} of {args.tries} tries, {len(trials.failed)} failures")
    trials.finish(
        f"seed {args.seed}, {trials.tries} paths, {refused} refused for control characters or length, {reader.copies} tables read as a copy"
    )


if __name__ == "__main__":
    main()
