#!/usr/bin/env python3
"""Attacks with names, texts, runaway templates and broken HTTP clients.

    python tests/hostile/run.py BINARY [--part names,texts,runaway,serve] [--tries 300] [--seed 1] [--only NAME] [--table]

- names: aliases, schemas, names of sources, columns, files and so on that point to another location. They
  must be rejected with the file's name; nothing may be written outside the lake and the target path, and no
  table inside another's directory.
- texts: descriptions, metadata, values and file names with HTML, terminal escapes, CR, bidi controls and
  formulas. No raw control character may reach a pipe, JSON must be valid, and the docs page must keep its
  elements.
- runaway: templates, queries and YAML that grow without end. Each must end within seconds and bounded memory,
  either successfully or with a finding at a file and line.
- serve: `docs serve` against half-sent requests, foreign hosts, huge headers and a thousand idle connections.

Everywhere the exit code must be 0, 1 or 2, without a panic.
"""

import argparse
import contextlib
import html.parser
import http.client
import json
import os
import random
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from trials import BIDI, Trials, Wrong, environment, options, raw_controls, run, terminate, write, yaml

SCRIPT = "tests/hostile/run.py"
SETTINGS = {"name": "hostile", "target": "dev", "targets": {"dev": {"root": "lake", "threads": 1}}}
ORDERS = "id,name\n1,a\n2,b\n"

# Names that mean another directory or none, and so can't be a table's or a schema's.
PLACES = [
    "..", ".", "a/b", "../x", "../../x", "/tmp/hw", "a/../../b", "a\\b", "..\\x", "C:\\x", "%2e", "%2e%2e", "%2E%2E%2Fx", "a%2Fb", "%00",
    "\x00", "a\x00b", "\n", "a\nb", "\x1b[31m", "\x07", "\x7f", "\x85", "CON", "con", "nul", "NUL.txt", "aux", "COM1", "lpt9.x",
    "a.", "a ", " ", "_delta_log", "s3://bucket/x", "file:///tmp/x", "a" * 300, "é" * 200,
]  # fmt: skip
SCHEMAS_ONLY = ["_headwater", "_headwater/runs", "_HEADWATER"]
# Unusual names: either rejected, or they work.
ODD = [
    "a b", "a-b", "-x", "--help", "~", "$x", "*", "?", "[a]", "{a}", "#a", "a#b", "'", '"', "`", ";", "a;drop table b", "a'b", 'a"b', "<b>", "é",
    "e\u0301", "日本", "🦀", "\u202eabc", "\u200b", "\ufeffa", "select", "null", "1", "1.5", "true", "a.b", "a.b.c", "...", "a..b", "a=b", "a,b", "+a", "a+", "@a",
    "tag:a", "$(id)", "&", "|", "__proto__", "constructor", "toString", "<script>", "</script>", "{{ 1 }}", "{% x %}", "{#", "\t", "\r",
]  # fmt: skip
KINDS = [
    "alias", "schema", "custom schema", "target schema", "seed alias", "snapshot alias", "source", "source table", "source schema", "identifier", "column",
    "source column", "model file", "model folder", "seed file", "snapshot", "exposure", "group", "data test", "unit test", "macro", "tag", "meta key", "var",
    "target", "project", "partition value", "partition column", "analysis",
]  # fmt: skip
# Names of these become directories or files of the lake or the target path.
AS_PLACES = {"alias", "schema", "custom schema", "target schema", "seed alias", "snapshot alias"}
IN_FILES = {"model file", "model folder", "seed file"}


def base():
    """Returns a project with one of everything, as data."""
    return {
        "project.yml": json.loads(json.dumps(SETTINGS)),
        "sources.yml": {"sources": [{"name": "shop", "tables": [
            {"name": "orders", "external": {"location": "data/orders.csv", "format": "csv"},
             "columns": [{"name": "id", "data_type": "bigint"}, {"name": "name", "data_type": "varchar"}]}]}]},
        "models/m.yml": {"models": [{"name": "m"}]},
        "models/m.sql": "select id, name from {{ source('shop', 'orders') }}\n",
        "models/n.sql": "select * from {{ ref('m') }}\n",
        "data/orders.csv": ORDERS,
    }  # fmt: skip


def name_case(kind, name):
    """Returns the files of a project with a name in one place, and the file that a finding must name."""
    files = base()
    properties = files["models/m.yml"]["models"][0]
    quoted = json.dumps(name, ensure_ascii=False)
    at = "models/m.yml"
    if kind == "alias":
        properties["config"] = {"alias": name}
    elif kind == "schema":
        properties["config"] = {"schema": name}
    elif kind == "custom schema":
        files["project.yml"]["models"] = {"hostile": {"+schema": name}}
        at = ""
    elif kind == "target schema":
        files["project.yml"]["targets"]["dev"]["schema"] = name
        at = ""
    elif kind == "seed alias":
        files["seeds/s.csv"] = "a\n1\n"
        files["models/m.yml"]["seeds"] = [{"name": "s", "config": {"alias": name}}]
    elif kind == "snapshot alias":
        files["snapshots/h.yml"] = {"snapshots": [{"name": "h", "relation": "ref('m')", "config": {
            "unique_key": "id", "strategy": "check", "check_cols": "all", "alias": name}}]}  # fmt: skip
        at = "snapshots/h.yml"
    elif kind == "source":
        files["sources.yml"]["sources"][0]["name"] = name
        files["models/m.sql"] = f"select id, name from {{{{ source({quoted}, 'orders') }}}}\n"
    elif kind == "source table":
        files["sources.yml"]["sources"][0]["tables"][0]["name"] = name
        files["models/m.sql"] = f"select id, name from {{{{ source('shop', {quoted}) }}}}\n"
    elif kind == "source schema":
        files["sources.yml"]["sources"].append({"name": "lake", "schema": name, "tables": [{"name": "t"}]})
        files["models/o.sql"] = "select * from {{ source('lake', 't') }}\n"
    elif kind == "identifier":
        files["sources.yml"]["sources"].append({"name": "lake", "tables": [{"name": "t", "identifier": name}]})
        files["models/o.sql"] = "select * from {{ source('lake', 't') }}\n"
    elif kind == "column":
        escaped = name.replace('"', '""').replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
        files["models/m.sql"] = f"select id as \"{escaped}\", name from {{{{ source('shop', 'orders') }}}}\n"
    elif kind == "source column":
        files["sources.yml"]["sources"][0]["tables"][0]["columns"][0]["name"] = name
        header = '"' + name.replace('"', '""') + '"'
        files["data/orders.csv"] = f"{header},name\n1,a\n"
        files["models/m.sql"] = "select * from {{ source('shop', 'orders') }}\n"
    elif kind in IN_FILES:
        part = name.replace("/", "_").replace("\x00", "_")[:200].encode()[:240].decode("utf-8", "ignore")
        if part in ("", ".", ".."):
            part = part + "_"
        paths = {
            "model file": f"models/{part}.sql",
            "model folder": f"models/{part}/x.sql",
            "seed file": f"seeds/{part}.csv",
        }
        files[paths[kind]] = "a\n1\n" if kind == "seed file" else "select 1 as a\n"
    elif kind == "snapshot":
        files["snapshots/h.yml"] = {"snapshots": [{"name": name, "relation": "ref('m')", "config": {
            "unique_key": "id", "strategy": "check", "check_cols": "all"}}]}  # fmt: skip
    elif kind == "exposure":
        files["models/m.yml"]["exposures"] = [
            {"name": name, "type": "dashboard", "owner": {"name": "o"}, "depends_on": ["ref('m')"]}
        ]
    elif kind == "group":
        files["models/m.yml"]["groups"] = [{"name": name, "owner": {"name": "o"}}]
        properties["group"] = name
    elif kind == "data test":
        properties["columns"] = [
            {"name": "id", "data_tests": [{"not_null": {"name": name, "config": {"store_failures": True}}}]}
        ]
    elif kind == "unit test":
        files["models/m.yml"]["unit_tests"] = [{"name": name, "model": "m", "given": [{"input": "source('shop', 'orders')", "rows": [{"id": 1, "name": "a"}]}],
                                                "expect": {"rows": [{"id": 1, "name": "a"}]}}]  # fmt: skip
    elif kind == "macro":
        files["models/m.yml"]["macros"] = [{"name": name, "description": "d"}]
    elif kind == "tag":
        properties["config"] = {"tags": [name]}
    elif kind == "meta key":
        properties["meta"] = {name: name}
    elif kind == "var":
        files["project.yml"]["vars"] = {name: name}
    elif kind == "target":
        files["project.yml"]["targets"] = {name: {"root": "lake"}}
        files["project.yml"]["target"] = name
    elif kind == "project":
        files["project.yml"]["name"] = name
    elif kind == "partition value":
        files["models/m.sql"] = "{{ config(partition_by='name') }}\n" + files["models/m.sql"]
        files["data/orders.csv"] = 'id,name\n1,"' + name.replace('"', '""') + '"\n'
    elif kind == "partition column":
        escaped = name.replace('"', '""').replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
        shown = json.dumps(escaped.replace('""', '"'), ensure_ascii=False)
        files["models/m.sql"] = (
            f"{{{{ config(partition_by={shown}) }}}}\nselect id as \"{escaped}\", name from {{{{ source('shop', 'orders') }}}}\n"
        )
    elif kind == "analysis":
        files["models/m.yml"]["models"][0]["name"] = name
    return {
        path: content if isinstance(content, (str, bytes)) else yaml(content) + "\n" for path, content in files.items()
    }, at


def inventory(folder):
    found = set()
    for here, folders, names in os.walk(folder):
        found.update(os.path.join(here, name) for name in folders + names)
    return found


def outside(folder, before, extra=()):
    """Returns the files written outside the lake and the target path."""
    inside = tuple(os.path.join(folder, part) for part in ("lake", "target", *extra))
    return sorted(path for path in inventory(folder) - before if not path.startswith(inside))


def misplaced(lake):
    """Returns tables that aren't at lake/schema/table."""
    found = []
    for here, folders, _ in os.walk(lake):
        if "_delta_log" in folders:
            parts = os.path.relpath(here, lake).split(os.sep)
            if len(parts) != 2 or parts[0] == "_headwater":
                found.append(os.path.relpath(here, lake))
    return found


def clean_output(ended, fault, machine=False):
    shown = " ".join(str(part) for part in ended.command[1:])[:60]
    for stream, data in (("stdout", ended.out), ("stderr", ended.err)):
        if machine and stream == "stdout":
            continue
        # Text in JSON may be right-to-left; it is read by programs.
        allowed = map(chr, BIDI) if "json" in shown else ()
        if found := raw_controls(data, set(allowed)):
            fault(f"`{shown}`: raw character on {stream}: {found}")


def manifest_is_json(folder, fault):
    for name in ("manifest.json", "catalog.json", "run_results.json", "graph_summary.json"):
        path = Path(folder, "target", name)
        if path.is_file():
            try:
                json.loads(path.read_bytes())
            except ValueError as error:
                fault(f"{name} is no JSON: {error}")


def name_try(trials, kind, name):
    label = f"name of {kind} {name!r}"
    with trials.trial(label if len(label) < 100 else label[:100], f"--part names --only {shlex.quote(kind)}") as (
        outer,
        fault,
    ):
        folder = outer / "p"
        folder.mkdir()
        files, at = name_case(kind, name)
        try:
            write(folder, files)
        except (OSError, ValueError):
            return  # No file can have such a name.
        # A sibling that a wrong path would reach.
        write(outer, {"x/keep": "kept", "b/keep": "kept"})
        before = inventory(outer)
        results = []
        for arguments in (["build"], ["docs", "generate"], ["list", "--output", "json"]):
            ended = run(trials.binary, *arguments, cwd=folder, timeout=60)
            results.append(ended)
            clean_output(ended, lambda text: fault(f"[{kind} {name!r}] {text}"))
            if arguments[0] == "list" and ended.code == 0:
                for line in ended.out.decode("utf-8", "replace").split("\n"):
                    if line and not is_json(line):
                        fault(f"[{kind} {name!r}] list --output json: {line[:120]!r}")
        build = results[0]
        inside = lambda text: fault(f"[{kind} {name!r}] {text}")
        manifest_is_json(folder, inside)
        new = [
            path for path in inventory(outer) - before if not path.startswith((f"{folder}/lake", f"{folder}/target"))
        ]
        if new:
            inside(f"exit {build.code}, written outside of lake and target: {min(new)}")
        if wrong := misplaced(folder / "lake"):
            inside(f"exit {build.code}, a table at {wrong[0]!r} in the lake")
        if kind in AS_PLACES:
            if name == "":
                if build.code != 0:
                    inside(f"'' is not set, as in dbt; exit {build.code}: {build.why()}")
            elif name in PLACES or (name in SCHEMAS_ONLY and "alias" not in kind and kind != "target schema"):
                # A directory name is rejected before anything runs.
                if kind == "target schema" and build.code == 0:
                    # It is the first part of a name, and the whole name may be valid.
                    if name in os.listdir(folder / "lake"):
                        inside(f"accepted as a folder's name: {build.last_line()}")
                elif build.code != 2:
                    inside(f"accepted: exit {build.code}: {build.last_line()}")
                elif at and at not in build.text:
                    inside(f"refused without naming {at}: {build.why()}")
        elif kind in ("partition value",) and build.code == 1 and "error" not in build.text.lower():
            inside(f"exit 1 without an error: {build.last_line()}")
        if (
            build.code == 1
            and kind not in ("partition value", "source schema", "identifier")
            and re.search(
                r"(?i)internal error|kernel error|file not found|os error|empty path segment|failed to parse",
                build.text,
            )
        ):
            inside(f"fails only while it writes: {build.why()}")


def is_json(line):
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def case_names(trials):
    """Tests names that differ only in case."""
    pairs = {
        "model files": ({"models/A.sql": "select 1 as a\n", "models/a.sql": "select 2 as a\n"}, None),
        "aliases": ({"models/x.sql": "{{ config(alias='T') }} select 1 as a\n", "models/y.sql": "{{ config(alias='t') }} select 2 as a\n"}, None),
        "schemas": ({"models/x.sql": "{{ config(schema='S') }} select 1 as a\n", "models/y.sql": "{{ config(schema='s') }} select 2 as a\n"}, {0, 2}),
        "same alias": ({"models/x.sql": "{{ config(alias='t') }} select 1 as a\n", "models/y.sql": "{{ config(alias='t') }} select 2 as a\n"}, None),
        "unicode forms": ({"models/x.sql": "{{ config(alias='é') }} select 1 as a\n", "models/y.sql": "{{ config(alias='e\u0301') }} select 2 as a\n"}, None),
        "sharp s": ({"models/x.sql": "{{ config(alias='straße') }} select 1 as a\n", "models/y.sql": "{{ config(alias='STRASSE') }} select 2 as a\n"}, {0, 2}),
        "rejected table": ({"models/x.sql": "{{ config(alias='t_files', materialized='incremental') }} select 1 as a\n", "models/t.sql": "{{ config(materialized='incremental') }} select id, _source_file from {{ source('shop', 'orders') }}\n"}, {0, 2}),
    }  # fmt: skip
    for name, (files, codes) in pairs.items():
        with trials.trial(f"names: {name}", "--part names --only case") as (folder, fault):
            sources = {
                "sources": [
                    {
                        "name": "shop",
                        "tables": [{"name": "orders", "external": {"location": "data/*.csv", "format": "csv"}}],
                    }
                ]
            }
            write(folder, {"project.yml": yaml(SETTINGS), "sources.yml": yaml(sources), "data/o.csv": ORDERS} | files)
            ended = run(trials.binary, "build", cwd=folder)
            if ended.code not in (codes or {2}):
                fault(f"{name}: exit {ended.code}: {ended.last_line()}")
            clean_output(ended, fault)


def names(trials, args, tries):
    chosen = [(kind, name) for kind in KINDS for name in [*PLACES, *ODD, *SCHEMAS_ONLY, ""]]
    if args.only and args.only in KINDS:
        chosen = [(kind, name) for kind, name in chosen if kind == args.only]
    elif tries < len(chosen):
        # All names in places that become directories, and a sample of the others.
        rng = random.Random(args.seed)
        first = [pair for pair in chosen if pair[0] in AS_PLACES and pair[1] in (*PLACES, *SCHEMAS_ONLY, "")]
        rest = [pair for pair in chosen if pair not in first]
        rng.shuffle(first)
        rng.shuffle(rest)
        half = min(len(first), tries // 2)
        chosen = first[:half] + rest[: tries - half]
    for number, (kind, name) in enumerate(chosen):
        name_try(trials, kind, name)
        if number % 100 == 99:
            trials.progress(f"{number + 1} of {len(chosen)} names, {len(trials.failed)} failures")
    if not args.only or args.only == "case":
        case_names(trials)


# Texts.

TEXTS = {
    "script": "<script>alert(1)</script>",
    "closing script": "</script><script>alert(1)</script>",
    "split script": "</scr</script>ipt><img src=x onerror=alert(1)>",
    "comment": "<!--<script>",
    "comment's end": "--><b>x</b>",
    "attribute": "\" onmouseover=\"alert(1)\" x='",
    "attribute, apostrophe": "' onload='alert(1)",
    "placeholder": "<!--headwater:data--><!--headwater:title-->",
    "placeholder of dbt": "{%raw%}{{ x }}{%endraw%}",
    "link": "[click](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html;base64,PHN2Zz4=) ![i](x onerror=alert(1))",
    "autolink": "<javascript:alert(1)> <http://a\" onclick=\"alert(1)>",
    "hyperlink": "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[H\x1b[31mred",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\u009b31m\u009d0;x\u009c",
    "cr": "all well\rALL LOST",
    "backspace": "safe\x08\x08\x08\x08evil",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "invisible": "a\u200bb\ufeffc\u2028d\u2029e",
    "nul": "a\x00b",
    "formula": "=cmd|' /C calc'!A0",
    "formulas": "+1+1\n-2+3\n@SUM(1)\n\t=1",
    "markdown": "# h\n\n| a | b |\n|---|---|\n| `x` | <b>y</b> |\n\n```\n</script>\n```",
    "long": "x" * 200_000,
    "zalgo": "a" + "\u0301" * 2000,
    "format": "%s%n%x {} {0} ${jndi:ldap://x} $(id) `id`",
    "log line": "x\n00:00:00  Done. PASS=1 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=1\n",
    "surrogates": "\U0010ffff\ufffe\uffff",
}  # fmt: skip

TEXT_COMMANDS = [
    ["build"], ["build", "--log-format", "json", "--force"], ["test"], ["run", "--force"], ["compile"], ["plan"], ["plan", "--output", "json"], ["list"],
    ["list", "--output", "json"], ["list", "--output", "path"], ["show", "-s", "m"], ["show", "-s", "m", "--output", "json"],
    ["show", "-s", "m", "--output", "csv"], ["describe", "m"], ["describe", "shop.orders"], ["describe", "m", "--output", "json"], ["lineage", "m"],
    ["lineage", "m.id"], ["lineage", "m", "--format", "mermaid"], ["lineage", "m", "--format", "dot"], ["lineage", "m", "--format", "json"],
    ["source", "freshness"], ["source", "columns", "shop.orders"], ["debug"], ["docs", "generate", "--split"], ["docs", "generate"], ["retry"], ["clean"],
]  # fmt: skip
# Output for other programs contains values unchanged.
FAITHFUL = [["show", "-s", "m", "--output", "csv"]]


def text_files(text, where):
    """Returns a project with a text in all places of a group."""
    files = base()
    model = files["models/m.yml"]["models"][0]
    properties = files["models/m.yml"]
    source = files["sources.yml"]["sources"][0]
    table = source["tables"][0]
    jinja_free = text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
    if where == "descriptions":
        model |= {
            "description": text,
            "columns": [{"name": "id", "description": text}],
            "docs": {"node_color": text[:1000]},
        }
        source |= {"description": text, "loader": text}
        table |= {"description": text}
        table["columns"][0]["description"] = text
        properties["groups"] = [
            {"name": "g", "description": text, "owner": {"name": text, "email": text, "slack": text}}
        ]
        properties["exposures"] = [{"name": "e", "type": "dashboard", "label": text, "url": text, "description": text,
                                    "owner": {"name": text, "email": text}, "depends_on": ["ref('m')"]}]  # fmt: skip
        properties["macros"] = [
            {"name": "mac", "description": text, "arguments": [{"name": "x", "type": text, "description": text}]}
        ]
        files["macros/mac.sql"] = "{% macro mac(x) %}1{% endmacro %}\n"
        files["models/w.md"] = "{% docs __overview__ %}\n" + jinja_free + "\n{% enddocs %}\n"
        files["project.yml"]["version"] = text[:1000]
    elif where == "meta":
        model |= {"meta": {"k": text, text[:200]: [text]}, "config": {"tags": [text[:500], "t"]}}
        source |= {"meta": {"k": text}, "tags": [text[:500]]}
        files["project.yml"]["vars"] = {"v": text}
        files["project.yml"]["name"] = "hostile"
    elif where == "values":
        files["data/orders.csv"] = (
            'id,name\n1,"' + text.replace('"', '""') + '"\nno number,"' + text.replace('"', '""') + '"\n'
        )
        model["columns"] = [{"name": "name", "data_tests": [
            {"accepted_values": {"name": "av", "arguments": {"values": ["a"]}, "config": {"severity": "warn", "store_failures": True}}},
            {"accepted_values": {"name": "bv", "arguments": {"values": [text[:2000]]}, "config": {"severity": "warn"}}}]}]  # fmt: skip
        files["models/bad.sql"] = "select cast(name as bigint) as b from {{ ref('m') }}\n"
        properties["unit_tests"] = [{"name": "ut", "model": "n", "given": [{"input": "ref('m')", "rows": [{"id": 1, "name": text[:2000]}]}],
                                     "expect": {"rows": [{"id": 2, "name": text[:2000]}]}}]  # fmt: skip
    elif where == "sql":
        literal = "'" + jinja_free.replace("'", "''") + "'"
        files["models/n.sql"] = (
            f"select id, {literal} as t from {{{{ ref('m') }}}} /* {jinja_free.replace('*/', '')} */\n"
        )
        files["models/bad.sql"] = f"select \"{jinja_free[:500]}\" from {{{{ ref('m') }}}}\n"
    elif where == "template error":
        files["models/bad.sql"] = f"{{{{ exceptions.raise_compiler_error({json.dumps(text[:2000])}) }}}}\n"
        files["models/warn.sql"] = (
            f"{{{{ exceptions.warn({json.dumps(text[:2000])}) }}}}{{{{ log({json.dumps(text[:2000])}, info=true) }}}}select 1 as a\n"
        )
    elif where == "yaml error":
        files["models/z.yml"] = json.dumps(
            {"models": [{"name": text[:500], "wrong": text[:500]}], text[:300]: 1}, ensure_ascii=False
        )
    elif where == "files":
        part = text.replace("/", "_").replace("\x00", "_").encode()[:200].decode("utf-8", "ignore")
        files[f"data/{part}.csv"] = "id,name\nno number,x\n3,c\n"
        files[f"seeds/{part}.csv"] = "a\n1\n"
        files[f"models/{part}.yml"] = "wrong: [\n"
        table["external"]["location"] = "data/*.csv"
    elif where == "test message":
        properties["models"][0]["data_tests"] = [
            {
                "expression_is_true": {
                    "name": "et",
                    "arguments": {"expression": "name <> '" + jinja_free[:1000].replace("'", "''") + "' and id < 1"},
                }
            }
        ]
        files["data-tests/f.sql"] = (
            "select id, '" + jinja_free[:1000].replace("'", "''") + "' as t from {{ ref('m') }}\n"
        )
    elif where == "names of columns":
        escaped = jinja_free[:200].replace('"', '""')
        files["models/m.sql"] = f"select id, name, 1 as \"{escaped}\" from {{{{ source('shop', 'orders') }}}}\n"
    return {
        path: content if isinstance(content, (str, bytes)) else yaml(content) + "\n" for path, content in files.items()
    }


WHERE = [
    "descriptions",
    "meta",
    "values",
    "sql",
    "template error",
    "yaml error",
    "files",
    "test message",
    "names of columns",
]


class Elements(html.parser.HTMLParser):
    """The elements of a page and the contents of its scripts, as a browser would find them."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.inside, self.scripts = [], None, {}

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))
        if tag == "script":
            self.inside = dict(attrs).get("id", "")

    def handle_data(self, data):
        if self.inside is not None:
            self.scripts[self.inside] = self.scripts.get(self.inside, "") + data

    def handle_endtag(self, tag):
        if tag == "script":
            self.inside = None


def elements(path):
    parser = Elements()
    parser.feed(Path(path).read_text(encoding="utf-8"))
    data = {name: text for name, text in parser.scripts.items() if name.startswith(("site", "part-"))}
    for name, text in data.items():
        if not re.fullmatch(r"[A-Za-z0-9+/=\s]*", text):
            raise Wrong(f"the page's data element {name} holds {text[:60]!r}")
    # The number of parts depends on the project.
    return [one for one in parser.found if one != ("script", ("id", "type"))]


def text_try(trials, name, where, plain_page):
    with trials.trial(f"text {name} in {where}", f"--part texts --only {shlex.quote(name)}") as (folder, fault_):
        fault = lambda text: fault_(f"[{name} in {where}] {text}")
        try:
            write(folder, text_files(TEXTS[name], where))
        except (OSError, ValueError):
            return
        before = inventory(folder)
        for arguments in TEXT_COMMANDS:
            try:
                ended = run(trials.binary, *arguments, cwd=folder, timeout=60)
            except Wrong as wrong:
                fault(str(wrong))
                continue
            clean_output(ended, fault, machine=arguments in FAITHFUL)
            wants_lines = (
                arguments in (["list", "--output", "json"], ["show", "-s", "m", "--output", "json"])
                or "--log-format" in arguments
            )
            if wants_lines and ended.code == 0:
                for line in ended.out.decode("utf-8", "replace").split("\n"):
                    if line and not is_json(line):
                        fault(f"`{' '.join(arguments)}`: a line is no JSON: {line[:100]!r}")
                        break
            elif (
                arguments[-1] == "json"
                and arguments[0] in ("plan", "describe", "lineage")
                and ended.code == 0
                and not is_json(ended.out.decode())
            ):
                fault(f"`{' '.join(arguments)}` is no JSON")
            if arguments[:2] == ["docs", "generate"] and ended.code == 0:
                manifest_is_json(folder, fault)
                if len(arguments) == 2 and (found := elements(folder / "target/docs/index.html")) != plain_page:
                    fault(f"the docs page has other elements: {[one for one in found if one not in plain_page][:3]}")
        if new := outside(str(folder), before):
            fault(f"written outside of lake and target: {new[0]}")


def page_of_plain(trials):
    with trials.trial("plain docs page", "--part texts") as (folder, _):
        write(
            folder, {path: content if isinstance(content, str) else yaml(content) for path, content in base().items()}
        )
        ended = run(trials.binary, "docs", "generate", cwd=folder)
        if ended.code:
            raise Wrong(f"plain project: {ended.why()}")
        return elements(folder / "target/docs/index.html")


def texts(trials, args, tries):
    plain = page_of_plain(trials)
    chosen = [(name, where) for name in TEXTS for where in WHERE]
    if args.only in TEXTS:
        chosen = [(name, where) for name, where in chosen if name == args.only]
    elif tries < len(chosen):
        random.Random(args.seed).shuffle(chosen)
        chosen = chosen[:tries]
    for number, (name, where) in enumerate(chosen):
        text_try(trials, name, where, plain)
        if number % 20 == 19:
            trials.progress(f"{number + 1} of {len(chosen)} texts, {len(trials.failed)} failures")


# Runaway templates, queries and documents.


def doubled(levels, line):
    return "".join(line.format(n=n, before=n - 1) for n in range(1, levels + 1))


def runaway_cases():
    """Returns (name, files, the file that a finding names, command) for each case."""
    model = lambda text: {"models/x.sql": text + "\n"}
    compiled = ["compile"]
    ctes = "with c0 as (select 1 as a)" + "".join(
        f",\nc{n} as (select l.a from c{n - 1} as l join c{n - 1} as r on l.a = r.a)" for n in range(1, 41)
    )
    yield "CTEs that double", model(ctes + "\nselect * from c40"), "models/x.sql", compiled
    unions = "with c0 as (select 1 as a)" + "".join(
        f",\nc{n} as (select a from c{n - 1} union all select a from c{n - 1})" for n in range(1, 41)
    )
    yield "CTEs that double by union", model(unions + "\nselect count(*) as n from c40"), "models/x.sql", compiled
    scalar = "with c0 as (select 1 as a)" + "".join(
        f",\nc{n} as (select (select a from c{n - 1}) + (select a from c{n - 1}) as a)" for n in range(1, 41)
    )
    yield "CTEs that double in scalar subqueries", model(scalar + "\nselect * from c40"), "models/x.sql", compiled
    for kind in ("view", "ephemeral"):
        files = {
            f"models/v{n}.sql": f"{{{{ config(materialized='{kind}') }}}}\nselect l.a from {{{{ ref('v{n - 1}') }}}} as l join {{{{ ref('v{n - 1}') }}}} as r on l.a = r.a\n"
            for n in range(1, 41)
        }
        files["models/v0.sql"] = f"{{{{ config(materialized='{kind}') }}}}\nselect 1 as a\n"
        files["models/x.sql"] = "select * from {{ ref('v40') }}\n"
        yield f"{kind}s that double", files, "models/", compiled
    columns = (
        "select a0" + "".join(f", (a{n - 1} || a{n - 1}) as a{n}" for n in range(1, 41)) + " from (select 'x' as a0)"
    )
    yield "aliases that double", model(columns), "models/x.sql", compiled
    loops = "{% for i in range(10000) %}{% for j in range(10000) %}{% for k in range(10000) %}{% endfor %}{% endfor %}{% endfor %}select 1 as a"
    yield "nested loops", model(loops), "models/x.sql", compiled
    yield (
        "nested loops that write",
        model(loops.replace("{% endfor %}{% endfor %}", "x{% endfor %}{% endfor %}", 1)),
        "models/x.sql",
        compiled,
    )
    yield (
        "string doubling",
        model(
            "{% set ns = namespace(s='x') %}{% for i in range(45) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}select {{ ns.s | length }} as a"
        ),
        "models/x.sql",
        compiled,
    )
    yield (
        "string doubling by +",
        model(
            "{% set ns = namespace(s='x') %}{% for i in range(45) %}{% set ns.s = ns.s + ns.s %}{% endfor %}select {{ ns.s | length }} as a"
        ),
        "models/x.sql",
        compiled,
    )
    yield (
        "string doubling by join",
        model(
            "{% set ns = namespace(s='x') %}{% for i in range(45) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}select 1 as a"
        ),
        "models/x.sql",
        compiled,
    )
    yield (
        "string doubling by replace",
        model(
            "{% set ns = namespace(s='x') %}{% for i in range(45) %}{% set ns.s = ns.s | replace('x', 'xx') %}{% endfor %}select 1 as a"
        ),
        "models/x.sql",
        compiled,
    )
    yield (
        "string doubling by set block",
        model(
            "{% set ns = namespace(s='x') %}{% for i in range(45) %}{% set t %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = t %}{% endfor %}select 1 as a"
        ),
        "models/x.sql",
        compiled,
    )
    yield (
        "list doubling",
        model(
            "{% set ns = namespace(l=[1]) %}{% for i in range(45) %}{% set ns.l = ns.l + ns.l %}{% endfor %}select {{ ns.l | length }} as a"
        ),
        "models/x.sql",
        compiled,
    )
    yield "multiplied string", model("select {{ ('x' * 10000000000) | length }} as a"), "models/x.sql", compiled
    yield "huge range", model("select {{ range(1000000000000) | list | length }} as a"), "models/x.sql", compiled
    yield (
        "huge range in a loop",
        model("{% for i in range(100000000000) %}{% endfor %}select 1 as a"),
        "models/x.sql",
        compiled,
    )
    yield "huge indent", model("select '{{ 'a' | indent(10000000000, true) }}' as a"), "models/x.sql", compiled
    yield "huge format", model("select '{{ '%10000000000d' | format(1) }}' as a"), "models/x.sql", compiled
    yield "huge power", model("select {{ 10 ** 10000000000 }} as a"), "models/x.sql", compiled
    yield (
        "endless recursion",
        model("{{ f(1) }}") | {"macros/f.sql": "{% macro f(x) %}{{ f(x) }}{% endmacro %}\n"},
        "f.sql",
        compiled,
    )
    yield (
        "mutual recursion",
        model("{{ f(1) }}")
        | {"macros/f.sql": "{% macro f(x) %}{{ g(x) }}{% endmacro %}\n{% macro g(x) %}{{ f(x) }}{% endmacro %}\n"},
        "f.sql",
        compiled,
    )
    yield (
        "recursion through return",
        model("{{ f(1) }}") | {"macros/f.sql": "{% macro f(x) %}{% do return(f(x)) %}{% endmacro %}\n"},
        "f.sql",
        compiled,
    )
    yield (
        "recursion through caller",
        model("{{ f(1) }}")
        | {"macros/f.sql": "{% macro f(x) %}{% call f(x) %}{{ f(x) }}{% endcall %}{% endmacro %}\n"},
        "f.sql",
        compiled,
    )
    yield (
        "recursive loop",
        model("{% for i in [1] recursive %}{{ loop([i]) }}{% endfor %}select 1 as a"),
        "models/x.sql",
        compiled,
    )
    macros = "{% macro f0() %}x{% endmacro %}\n" + doubled(
        45, "{{% macro f{n}() %}}{{{{ f{before}() }}}}{{{{ f{before}() }}}}{{% endmacro %}}\n"
    )
    yield "macros that double", model("select '{{ f45() }}' as a") | {"macros/f.sql": macros}, ".sql", compiled
    silent = macros.replace("x{% endmacro", "{% endmacro")
    yield (
        "macros that double without text",
        model("{{ f45() }}select 1 as a") | {"macros/f.sql": silent},
        ".sql",
        compiled,
    )
    nested = {
        "models/x.sql": "select 1 as a\n",
        "models/x.yml": 'models:\n  - name: x\n    description: "{% for i in range(10000) %}{% for j in range(10000) %}{% for k in range(10000) %}{% endfor %}{% endfor %}{% endfor %}"\n',
    }
    yield "loops in a description", nested, "models/x.yml", compiled
    yield (
        "loops in a variable",
        {"models/x.sql": "select {{ var('v') }} as a\n"} | {"project.yml": yaml(SETTINGS | {"vars": {"v": loops}})},
        ".",
        compiled,
    )
    yield (
        "loops in a test",
        {"models/x.sql": "select 1 as a\n", "data-tests/t.sql": loops},
        "data-tests/t.sql",
        ["build"],
    )
    yield "loops in an inline query", model("select 1 as a"), "", ["show", "--inline", loops]
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    yield "YAML bomb in properties", model("select 1 as a") | {"models/x.yml": bomb}, "models/x.yml", compiled
    yield (
        "YAML bomb in meta",
        model("select 1 as a") | {"models/x.yml": bomb + "models:\n  - name: x\n    meta: {m: *a11}\n"},
        "models/x.yml",
        compiled,
    )
    yield (
        "YAML bomb in variables",
        model("select 1 as a")
        | {"project.yml": bomb + "name: hostile\nvars: {m: *a11}\ntarget: dev\ntargets: {dev: {root: lake}}\n"},
        "project.yml",
        compiled,
    )
    yield (
        "deep YAML, flow",
        model("select 1 as a") | {"models/x.yml": "models: " + "[" * 100_000},
        "models/x.yml",
        compiled,
    )
    yield (
        "deep YAML, closed",
        model("select 1 as a") | {"models/x.yml": "meta: " + "[" * 20_000 + "]" * 20_000 + "\n"},
        "models/x.yml",
        compiled,
    )
    yield (
        "deep YAML, blocks",
        model("select 1 as a") | {"models/x.yml": "".join(" " * n + "a:\n" for n in range(3000))},
        "models/x.yml",
        compiled,
    )
    yield "deep parentheses", model("select " + "(" * 100_000 + "1" + ")" * 100_000 + " as a"), "models/x.sql", compiled
    yield "open parentheses", model("select " + "(" * 100_000), "models/x.sql", compiled
    yield "deep subqueries", model("select * from (" * 3000 + "select 1 as a" + ")" * 3000), "models/x.sql", compiled
    yield "deep NOT", model("select " + "not " * 50_000 + "true as a"), "models/x.sql", compiled
    yield (
        "deep CASE",
        model("select " + "case when true then " * 5000 + "1" + " end" * 5000 + " as a"),
        "models/x.sql",
        compiled,
    )
    yield "deep lists", model("select " + "[" * 10_000 + "1" + "]" * 10_000 + " as a"), "models/x.sql", compiled
    yield (
        "deep types",
        model("select cast(null as " + "struct(a " * 5000 + "bigint" + ")" * 5000 + ") as a"),
        "models/x.sql",
        compiled,
    )
    yield "deep Jinja", model("select {{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }} as a"), "models/x.sql", compiled
    yield (
        "deep Jinja blocks",
        model("{% if true %}" * 20_000 + "select 1 as a" + "{% endif %}" * 20_000),
        "models/x.sql",
        compiled,
    )
    yield (
        "deep Jinja lists",
        model("select {{ " + "[" * 50_000 + "]" * 50_000 + " | length }} as a"),
        "models/x.sql",
        compiled,
    )
    yield (
        "many CTEs",
        model(
            "with c0 as (select 1 as a)"
            + "".join(f", c{n} as (select a from c{n - 1})" for n in range(1, 2000))
            + " select * from c1999"
        ),
        "models/x.sql",
        compiled,
    )
    yield (
        "long list of values",
        model("select 1 as a where 1 in (" + ", ".join(map(str, range(200_000))) + ")"),
        "models/x.sql",
        compiled,
    )
    yield "folded repeat", model("select length(repeat('x', 100000000000)) as a"), "models/x.sql", ["build"]
    yield "folded range", model("select len(range(100000000000)) as a"), "models/x.sql", ["build"]
    yield "folded pad", model("select length(lpad('x', 2000000000, 'y')) as a"), "models/x.sql", ["build"]
    yield "range as a table", model("select count(*) as a from range(10000000000000)"), "models/x.sql", compiled
    missing = "models:\n" + "".join(
        f"  - name: gone{n}\n    columns: [{{name: a, data_tests: [not_null, unique]}}]\n" for n in range(5000)
    )
    yield (
        "properties of 5,000 missing models",
        model("select 1 as a") | {"models/p.yml": missing},
        "models/p.yml",
        compiled,
    )
    unknown = "models:\n  - name: x\n    columns:\n" + "".join(
        f"      - {{name: c{n}, data_tests: [not_nul]}}\n" for n in range(3000)
    )
    yield "3,000 unknown tests", model("select 1 as a") | {"models/p.yml": unknown}, "models/p.yml", compiled
    keys = "models:\n  - name: x\n" + "".join(f"    wrong{n}: 1\n" for n in range(5000))
    yield "5,000 unknown keys", model("select 1 as a") | {"models/p.yml": keys}, "models/p.yml", compiled
    wrong = "select " + ", ".join(f"wrong{n}" for n in range(3000)) + " from {{ ref('y') }}"
    wide = "select " + ", ".join(f"1 as c{n}" for n in range(3000))
    yield "3,000 unknown columns of 3,000", {"models/x.sql": wrong, "models/y.sql": wide}, "models/x.sql", compiled
    refs = {f"models/r{n}.sql": f"select * from {{{{ ref('gone{n}') }}}}\n" for n in range(1500)}
    yield "1,500 missing refs", refs, "models/r", compiled
    chain = {f"models/r{n}.sql": f"select * from {{{{ ref('r{n + 1}') }}}}\n" for n in range(1500)} | {
        "models/r1500.sql": "select 1 as a\n"
    }
    yield (
        "a chain of 1,500 views",
        {name: "{{ config(materialized='view') }}" + text for name, text in chain.items()},
        "models/r",
        compiled,
    )
    circle = {f"models/r{n}.sql": f"select * from {{{{ ref('r{(n + 1) % 1500}') }}}}\n" for n in range(1500)}
    yield "a cycle of 1,500 models", circle, "models/r", compiled
    yield "one line of 10 MB", model("select '" + "x" * 10_000_000 + "' as a, wrong"), "models/x.sql", compiled
    yield (
        "docs of docs",
        model("select 1 as a")
        | {
            "models/w.md": "{% docs a %}{{ doc('a') }}{% enddocs %}\n",
            "models/x.yml": "models:\n  - name: x\n    description: \"{{ doc('a') }}\"\n",
        },
        ".",
        compiled,
    )
    yield (
        "variable of itself",
        {
            "models/x.sql": "select {{ var('v') }} as a\n",
            "project.yml": yaml(SETTINGS | {"vars": {"v": "{{ var('v') }}"}}),
        },
        ".",
        compiled,
    )
    pattern = {
        "sources": [
            {
                "name": "shop",
                "tables": [
                    {
                        "name": "o",
                        "external": {"location": "data/" + "**/" * 40 + "*a*a*a*a*a*a*a*a*b.csv", "format": "csv"},
                    }
                ],
            }
        ]
    }
    deep = {"/".join(["data", *["aaaaaaaa"] * 20, "a" * 60 + ".csv"]): "a\n1\n"}
    yield (
        "pattern that tries everything",
        model("select * from {{ source('shop', 'o') }}") | {"sources.yml": yaml(pattern)} | deep,
        "sources.yml",
        compiled,
    )
    yield (
        "deep JSON source",
        model("select * from {{ source('shop', 'o') }}")
        | {
            "sources.yml": yaml(
                {
                    "sources": [
                        {
                            "name": "shop",
                            "tables": [{"name": "o", "external": {"location": "data/o.json", "format": "json"}}],
                        }
                    ]
                }
            ),
            "data/o.json": '{"a": ' + "[" * 200_000 + "]" * 200_000 + "}",
        },
        ".",
        ["build"],
    )
    yield "wildcards in a selection", model("select 1 as a"), "", ["list", "-s", "a*" * 2000 + "b"]
    yield "deep selection", model("select 1 as a"), "", ["list", "-s", "+" * 10_000 + "x"]
    yield (
        "huge depth in a selection",
        model("select 1 as a"),
        "",
        ["list", "-s", "99999999999999999999+x+99999999999999999999"],
    )
    yield "deep --vars", model("select 1 as a"), "", ["list", "--vars", "{a: " + "[" * 50_000]
    yield "bomb in --vars", model("select 1 as a"), "", ["list", "--vars", bomb]


def runaway(trials, args):
    for name, files, file, command in runaway_cases():
        if args.only and args.only != name:
            continue
        with trials.trial(f"runaway: {name}", f"--part runaway --only {shlex.quote(name)}") as (folder, fault):
            write(folder, {"project.yml": yaml(SETTINGS)} | files)
            ended = run(trials.binary, *command, cwd=folder, timeout=args.seconds, memory_mb=args.memory)
            clean_output(ended, fault)
            if ended.seconds > args.seconds / 2:
                fault(f"took {ended.seconds:.1f} s")
            if len(ended.out) + len(ended.err) > 5_000_000:
                fault(f"prints {(len(ended.out) + len(ended.err)) >> 20} MB")
            if ended.code != 0:
                if file and file != "." and file not in ended.text:
                    fault(f"exit {ended.code} without naming {file}: {ended.why()}")
                elif file and file != "." and command == ["compile"] and not re.search(r"\.(sql|yml):\d+", ended.text):
                    fault(f"exit {ended.code} without a line: {ended.why()}")
                if re.search(r"(?i)internal error|bug in", ended.text):
                    fault(f"exit {ended.code}: {ended.why()}")
            if not args.table:
                print(f"         {name}: exit {ended.code}, {ended.seconds:.1f} s, {ended.peak_mb} MB", flush=True)


# The documentation over HTTP.


class Served:
    """Runs `docs serve` during a block."""

    def __init__(self, trials, folder, *arguments):
        self.binary, self.folder, self.arguments = trials.binary, folder, arguments

    def __enter__(self):
        command = [self.binary, "docs", "serve", "--port", "0", *self.arguments]
        self.child = subprocess.Popen(
            command, cwd=self.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        line = self.child.stdout.readline().decode()
        found = re.search(r"http://(.*?):(\d+)", line)
        if not found:
            self.child.kill()
            raise Wrong(f"docs serve says {line!r}")
        self.port = int(found.group(2))
        return self

    def __exit__(self, *_):
        terminate(self.child)
        self.child.wait()
        self.child.stdout.close()

    def connect(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def get(self, path="/", timeout=10, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self, request, timeout=10):
        """Returns the answer to some bytes; b'' if the connection is closed without one."""
        with self.connect(timeout) as connection:
            answer = b""
            with contextlib.suppress(ConnectionError, TimeoutError):
                connection.sendall(request)
                while part := connection.recv(65536):
                    answer += part
                    if b"\r\n\r\n" in answer and len(answer) > 200:
                        break
            return answer

    def stops(self, with_signal, seconds=5):
        self.child.send_signal(with_signal)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f"docs serve still runs {seconds} s after {with_signal.name}") from None

    def alive(self):
        if self.child.poll() is not None:
            raise Wrong(f"docs serve ended with {self.child.returncode}: {self.child.stdout.read()[-500:]!r}")
        status, _, body = self.get()
        if status != 200 or b"<html" not in body[:2000].lower():
            raise Wrong(f"answers {status} afterwards")


def status(answer):
    found = re.match(rb"HTTP/1\.[01] (\d+)", answer)
    return int(found.group(1)) if found else None


def serve(trials, args):
    folder = trials.scratch / "served"
    write(folder, {path: content if isinstance(content, str) else yaml(content) for path, content in base().items()})
    write(folder, {"target-secret": "secret", "target/secret.json": "secret"})
    made = run(trials.binary, "docs", "generate", "--split", cwd=folder)
    if made.code:
        with trials.trial("serve", "--part serve"):
            raise Wrong(f"docs generate: {made.why()}")
        return
    write(folder, {"target/docs/.hidden": "x", "target/docs/sub/index.html": "<html>sub</html>"})
    os.symlink("../secret.json", folder / "target/docs/link.json")

    def trial(name):
        return trials.trial(f"serve: {name}", f"--part serve --only {shlex.quote(name)}")

    tries = [
        ("headers", serve_headers), ("hosts", serve_hosts), ("paths", serve_paths), ("methods", serve_methods), ("garbage", serve_garbage),
        ("huge headers", serve_huge_headers), ("half-sent request and Ctrl-C", lambda s, f: serve_half(s, f, signal.SIGINT)),
        ("half-sent request and SIGTERM", lambda s, f: serve_half(s, f, signal.SIGTERM)), ("idle connection and Ctrl-C", serve_idle_stop),
        ("slow reader and Ctrl-C", serve_slow_reader), ("1,000 idle connections", serve_many), ("1,000 half-sent requests", serve_many_half),
        ("half-sent requests are closed", serve_timeout),
    ]  # fmt: skip
    for name, attack in tries:
        if args.only and args.only != name:
            continue
        if name == "half-sent requests are closed" and not args.long:
            continue
        with trial(name) as (_, fault), Served(trials, folder) as served:
            attack(served, fault)
    # A server for other machines still accepts its own names.
    if not args.only:
        with trial("--host 0.0.0.0") as (_, fault), Served(trials, folder, "--host", "0.0.0.0") as served:
            code, _, _ = served.get(Host="evil.example")
            trials.progress(f"serve --host 0.0.0.0 answers a foreign Host with {code}")
            served.alive()


def serve_headers(served, fault):
    for path in ("/", "/index.html", "/parts/0.js", "/nothing", "/sub/"):
        code, headers, _ = served.get(path)
        policy = headers.get("content-security-policy", "")
        if not policy:
            fault(f"{path} ({code}): no Content-Security-Policy")
        elif path == "/":
            for needed in ("default-src", "object-src", "base-uri", "frame-ancestors"):
                if needed not in policy and not (needed == "object-src" and "default-src 'none'" in policy):
                    fault(f"Content-Security-Policy without {needed}: {policy}")
            if re.search(r"(?:default|script)-src[^;]*(?:\*|https?:|data:|'unsafe-eval')", policy):
                fault(f"Content-Security-Policy lets foreign scripts in: {policy}")
        if headers.get("x-content-type-options") != "nosniff":
            fault(f"{path} ({code}): no X-Content-Type-Options")
    code, _, _ = served.get("/index.html", **{"If-None-Match": "*"})
    if code != 304:
        fault(f"If-None-Match: * gives {code}")


def serve_hosts(served, fault):
    port = served.port
    for host in (
        f"127.0.0.1:{port}",
        f"localhost:{port}",
        f"LOCALHOST:{port}",
        f"[::1]:{port}",
        "localhost",
        "127.0.0.1",
    ):
        code = status(served.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()))
        if code != 200:
            fault(f"Host {host} gives {code}, not 200")
    for host in ("evil.example", f"evil.example:{port}", f"localhost.evil.example:{port}", f"127.0.0.1.evil.example:{port}", "evil.example@127.0.0.1",
                 f"127.0.0.1:{port}@evil.example", "169.254.169.254", f"0.0.0.0:{port}.evil", "xn--localhost-", "localhost:evil"):  # fmt: skip
        code = status(served.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()))
        if code not in (421, 400):
            fault(f"Host {host} gives {code}, not 421")
    code, _, _ = served.get(Host="evil.example")
    if code != 421:
        fault(f"Host evil.example gives {code}, not 421")
    for request in (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
                    b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n"):  # fmt: skip
        if (code := status(served.raw(request))) == 200:
            fault(f"{request[:60]!r} gives 200")
    served.alive()


def serve_paths(served, fault):
    for path in ("/../secret.json", "/..%2fsecret.json", "/%2e%2e/secret.json", "/..%5csecret.json", "/....//secret.json", "//secret.json", "/parts/../../secret.json",
                 "/link.json", "/%00", "/index.html%00.js", "/%", "/%zz", "/%ff", "/" + "a" * 5000, "/" + "../" * 500 + "etc/passwd", "/./../../target-secret",
                 "/sub/%2e%2e/%2e%2e/secret.json", "/index.html/", "/index.html/..", "/?" + "q" * 5000, "/C:/x", "/\\..\\secret.json"):  # fmt: skip
        answer = served.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        if b"secret" in answer.split(b"\r\n\r\n", 1)[-1] or b"root:" in answer:
            fault(f"GET {path[:60]} gives a file of another folder")
        if status(answer) not in (200, 400, 404, 414, 431):
            fault(f"GET {path[:60]} gives {answer[:60]!r}")
    served.alive()


def serve_methods(served, fault):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "PROPFIND", "get", "X" * 1000):
        answer = served.raw(
            f"{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        if status(answer) not in (400, 405, 421, 501):
            fault(f"{method[:20]} gives {answer[:60]!r}")
    # A body that never arrives, and an endless one.
    served.raw(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\nx", timeout=2
    )
    served.raw(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nffffffffffffffff\r\nx",
        timeout=2,
    )
    served.alive()


def serve_garbage(served, fault):
    rng = random.Random(1)
    for _ in range(20):
        served.raw(rng.randbytes(rng.randint(1, 2000)) + b"\r\n\r\n", timeout=1)
    for request in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 10_000,
                    b"GET / HTTP/1.1\nHost: localhost\n\n", b"GET / HTTP/0.9\r\n\r\n", b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"):  # fmt: skip
        served.raw(request, timeout=1)
    served.alive()


def serve_huge_headers(served, fault):
    huge = [
        b"X: " + b"a" * 2_000_000 + b"\r\n",
        b"".join(b"X%d: a\r\n" % n for n in range(20_000)),
        b"Cookie: " + b"a=b; " * 200_000 + b"\r\n",
    ]
    for header in huge:
        answer = served.raw(
            b"GET / HTTP/1.1\r\nHost: localhost\r\n" + header + b"Connection: close\r\n\r\n", timeout=20
        )
        if status(answer) == 200:
            fault(f"{len(header)} bytes of headers are answered with 200")
    answer = served.raw(
        b"GET /" + b"a" * 5_000_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", timeout=20
    )
    if status(answer) == 200:
        fault("a path of 5 MB is answered with 200")
    served.alive()


def serve_half(served, fault, with_signal):
    with served.connect() as first, served.connect() as second, served.connect():
        first.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        second.sendall(b"G")
        time.sleep(0.3)
        served.alive()
        code = served.stops(with_signal)
        if code not in (0, 1, 130, 143, -with_signal):
            fault(f"{with_signal.name} ends it with {code}")


def serve_idle_stop(served, fault):
    with served.connect() as kept:
        kept.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        kept.recv(1000)
        served.stops(signal.SIGINT)


def serve_slow_reader(served, fault):
    with served.connect() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
        time.sleep(0.3)
        served.alive()
        served.stops(signal.SIGINT)


@contextlib.contextmanager
def many(served, count, first):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 200)), hard))
    connections = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                connection = served.connect(timeout=2)
                connection.sendall(first)
                connections.append(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def answers(served, fault, what):
    began = time.monotonic()
    try:
        served.alive()
    except OSError as error:
        raise Wrong(f"{what}: no answer within 10 s: {error}") from error
    if time.monotonic() - began > 5:
        fault(f"{what}: an answer took {time.monotonic() - began:.1f} s")


def serve_many(served, fault):
    with many(served, 1000, b"") as connections:
        answers(served, fault, f"{len(connections)} idle connections")
        answers(served, fault, f"{len(connections)} idle connections")
    served.stops(signal.SIGINT)


def serve_many_half(served, fault):
    with many(served, 1000, b"GET / HTTP/1.1\r\nHost: local") as connections:
        answers(served, fault, f"{len(connections)} half-sent requests")
        served.stops(signal.SIGINT)


def serve_timeout(served, fault):
    with served.connect(timeout=90) as half:
        half.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        began = time.monotonic()
        try:
            while half.recv(1000):
                pass
        except TimeoutError:
            fault("a half-sent request is kept open for more than 90 s")
        except ConnectionError:
            pass
        if time.monotonic() - began < 1:
            fault("a request that takes a second is closed at once")
    served.alive()


def main():
    parser = options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter))
    parser.add_argument("--part", default="names,texts,runaway,serve", help="which parts, separated by commas")
    parser.add_argument(
        "--tries",
        type=int,
        metavar="N",
        help="how many names, and a third as many texts; 300, with --quick 60, with --long all",
    )
    parser.add_argument("--only", metavar="NAME", help="only this kind of name, text, runaway or attack")
    parser.add_argument(
        "--seconds",
        type=float,
        default=20,
        help="how long a runaway may take before it is killed; half of it is a failure",
    )
    parser.add_argument("--memory", type=int, default=1500, metavar="MB", help="how much memory a runaway may use")
    args = parser.parse_args()
    if args.tries is None:
        args.tries = 60 if args.quick else 1_000_000 if args.long else 300
    trials = Trials("hostile", args.binary, args, SCRIPT, args.table)
    parts = args.part.split(",")
    counts = []
    for part in parts:
        before = trials.tries
        if part == "names":
            names(trials, args, args.tries)
        elif part == "texts":
            texts(trials, args, args.tries // 3)
        elif part == "runaway":
            runaway(trials, args)
        elif part == "serve":
            serve(trials, args)
        else:
            sys.exit(f"unknown part {part}: names, texts, runaway, serve")
        counts.append(f"{trials.tries - before} {part}")
        trials.progress(f"{part} done, {len(trials.failed)} failures")
    trials.finish(", ".join(counts))


if __name__ == "__main__":
    main()
