#!/usr/bin/env python3
"""Puts distinct secrets everywhere a project can hold text, runs every command, and searches all output for them.

    python tests/secrets/run.py BINARY [--quick] [--only NAME] [--table]     --quick: every third place

- places: `env_var('DBT_ENV_SECRET_…')` or `HEADWATER_ENV_SECRET_…` in one place at a time. Outside
  `storage_options`, it must be a finding (exit code 2) that names the variable and the file, or the text must
  not be rendered at all.
- urls: passwords and signatures in locations, roots and service addresses.
- whole: secrets in `storage_options`, in object stores' variables and in OpenLineage's API key. The project
  must build, and every command runs, in text and in JSON, at `--log-level trace`.

All output (printed text, lake, target, temporary files, events, requests to the lineage service) is searched
for each secret: as it is, percent-encoded, in base64, in the docs page's compressed data and, if pyarrow is
installed, in Parquet files.
"""

import argparse
import base64
import gzip
import http.server
import os
import re
import shlex
import sys
import threading
import zlib
from pathlib import Path
from urllib.parse import quote, quote_plus

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from trials import Trials, environment, options, run, write, yaml

try:
    import pyarrow.parquet
except ImportError:
    pyarrow = None

SCRIPT = "tests/secrets/run.py"


def base():
    """Returns a project with one of everything, as data; SQL, CSV and Markdown as text."""
    return {
        "project.yml": {
            "name": "safe", "version": "1.0", "target": "dev", "vars": {"least": 0, "nested": {"deep": ["a"]}},
            "targets": {"dev": {"root": "lake", "threads": 1, "schema": "", "storage_options": {"plain": "x"}}},
            "models": {"safe": {"+meta": {"m": "x"}, "+tags": ["t"], "+docs": {"node_color": "gold"}}},
            "seeds": {"safe": {"+meta": {"m": "x"}}}, "snapshots": {"safe": {"+meta": {"m": "x"}}},
            "data_tests": {"safe": {"+meta": {"m": "x"}}},
        },
        "sources.yml": {
            "sources": [{
                "name": "shop", "description": "d", "loader": "l", "meta": {"m": "x"}, "tags": ["t"],
                "freshness": {"warn_after": {"count": 36500, "period": "day"}}, "loaded_at_field": "at",
                "tables": [{
                    "name": "orders", "description": "d", "meta": {"m": "x"}, "tags": ["t"],
                    "external": {"location": "data/orders.csv", "format": "csv", "options": {"null_values": ["-"]}},
                    "data_tests": [{"row_count_between": {"arguments": {"min_value": 1}}}],
                    "columns": [
                        {"name": "id", "data_type": "bigint", "description": "d", "meta": {"m": "x"}, "tags": ["t"]},
                        {"name": "name", "data_type": "varchar"},
                        {"name": "at", "data_type": "timestamp"},
                    ],
                }],
            }]
        },
        "models/properties.yml": {
            "groups": [{"name": "g", "description": "d", "owner": {"name": "o", "email": "a@b.c", "slack": "s"}}],
            "models": [{
                "name": "first", "description": "d", "meta": {"m": "x"}, "group": "g", "docs": {"node_color": "gold"},
                "config": {"tags": ["t"], "meta": {"m": {"deep": ["x"]}}, "alias": "first", "schema": "main"},
                "columns": [{
                    "name": "id", "description": "d", "meta": {"m": "x"}, "tags": ["t"], "data_type": "bigint",
                    "data_tests": [{"accepted_values": {"name": "av", "arguments": {"values": [1, 2]}, "config": {
                        "where": "id > 0", "severity": "warn", "meta": {"m": "x"}, "tags": ["t"]}, "description": "d"}}],
                }],
                "data_tests": [{"expression_is_true": {"name": "et", "arguments": {"expression": "id > 0"}}}],
            }],
            "exposures": [{"name": "board", "type": "dashboard", "label": "l", "url": "https://example.com", "description": "d",
                           "owner": {"name": "o", "email": "a@b.c"}, "depends_on": ["ref('first')"], "meta": {"m": "x"}, "tags": ["t"]}],
            "macros": [{"name": "twice", "description": "d", "meta": {"m": "x"},
                        "arguments": [{"name": "x", "type": "string", "description": "d"}]}],
            "seeds": [{"name": "codes", "description": "d", "config": {"column_types": {"code": "varchar"}, "meta": {"m": "x"}, "tags": ["t"]}}],
            "unit_tests": [{"name": "ut", "model": "first", "description": "d", "config": {"meta": {"m": "x"}, "tags": ["t"]},
                            "given": [{"input": "source('shop', 'orders')", "rows": [{"id": 1, "name": "a"}]}],
                            "expect": {"rows": [{"id": 1, "name": "a"}]}, "overrides": {"vars": {"least": 0}}}],
        },
        "snapshots/history.yml": {"snapshots": [{"name": "history", "description": "d", "relation": "source('shop', 'orders')", "config": {
            "unique_key": "id", "strategy": "check", "check_cols": ["name"], "meta": {"m": "x"}, "tags": ["t"]}}]},
        "models/first.sql": "{{ config(meta={'m': 'MODEL'}, tags=['t']) }}\nselect id, name from {{ source('shop', 'orders') }} where id > {{ var('least') }}\n",
        "models/second.sql": "select id, {{ twice('name') }} as name from {{ ref('first') }} -- SECOND\n",
        "snapshots/block.sql": "{% snapshot block %}\n{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect id, name from {{ ref('first') }} -- BLOCK\n{% endsnapshot %}\n",
        "macros/twice.sql": "{% macro twice(x) %}{{ x }} || {{ x }}{# MACRO #}{% endmacro %}\n",
        "data-tests/none.sql": "{{ config(meta={'m': 'SINGULAR'}) }}\nselect * from {{ ref('first') }} where id < 0\n",
        "data-tests/generic/odd.sql": "{% test odd(model) %}select * from {{ model }} where id < 0 /* GENERIC */{% endtest %}\n",
        "models/words.md": "{% docs words %}\nWORDS\n{% enddocs %}\n\n{% docs __overview__ %}\nOVERVIEW\n{% enddocs %}\n",
        "seeds/codes.csv": "code\nDE\n",
        "data/orders.csv": "id,name,at\n1,a,2021-01-01 10:00:00\n2,b,2021-01-02 10:00:00\n",
    }  # fmt: skip


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, (*path, number))
    else:
        yield path


def put(files, path, text):
    at = files
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = text


def files_of(project):
    return {name: content if isinstance(content, str) else yaml(content) + "\n" for name, content in project.items()}


class Secret:
    def __init__(self, number, special=False):
        self.name = ("DBT_ENV_SECRET_" if number % 2 else "HEADWATER_ENV_SECRET_") + f"K{number}"
        # Letters and digits survive every encoding except base64.
        self.core = f"hush{number:04}x{zlib.crc32(str(number).encode()):08x}"
        self.value = f"p@{self.core}/%2F+'\"" if special else self.core

    def forms(self):
        texts = {self.core, self.value, quote(self.value), quote_plus(self.value)}
        forms = {text.encode() for text in texts}
        for shift in range(3):
            # The middle of its base64 encoding, which doesn't depend on the text around it.
            coded = base64.b64encode(b"x" * shift + self.core.encode())
            forms.add(coded[4:-4])
        return forms


def leak(data, secrets):
    """Returns the first secret in some bytes, also within compressed data."""
    for secret in secrets:
        for form in secret.forms():
            if form in data:
                at = data.index(form)
                around = data[max(0, at - 80) : at + len(form) + 20]
                return f"{secret.name} in {around!r}"
    for packed in re.findall(rb"H4sI[A-Za-z0-9+/=]{20,}", data):
        try:
            found = leak(gzip.decompress(base64.b64decode(packed)), secrets)
        except (OSError, ValueError, EOFError, zlib.error):
            continue
        if found:
            return f"compressed: {found}"
    return None


def in_parquet(path, secrets):
    if pyarrow is None:
        return None
    try:
        table = pyarrow.parquet.read_table(path, partitioning=None)
        text = repr(table.to_pylist()) + repr(table.schema.metadata)
    except Exception:
        return None
    return leak(text.encode("utf-8", "replace"), secrets)


class Search:
    """Searches what commands print and write in a directory, except files that existed before."""

    def __init__(self, folder, secrets, fault):
        self.folder, self.secrets, self.fault = Path(folder), secrets, fault
        self.own = {path for path in self.folder.rglob("*") if path.is_file()}
        self.found = set()

    def printed(self, ended):
        shown = " ".join(map(str, ended.command[1:]))
        for stream, data in (("stdout", ended.out), ("stderr", ended.err)):
            self.tell(f"`{shown[:80]}` prints", stream, leak(data, self.secrets))

    def written(self, when):
        for path in sorted(self.folder.rglob("*")):
            if path in self.own or not path.is_file():
                continue
            found = leak(path.read_bytes(), self.secrets)
            found = found or (in_parquet(path, self.secrets) if path.suffix == ".parquet" else None)
            self.tell(when, path.relative_to(self.folder), found)
            self.tell(when, "a file's name", leak(os.fsencode(path.relative_to(self.folder)), self.secrets))

    def tell(self, when, where, found):
        key = (str(where), found and found.split()[0])
        if found and key not in self.found:
            self.found.add(key)
            self.fault(f"{when}: {where}: {found}")


def secret_environment(folder, secrets, **extra):
    values = {secret.name: secret.value for secret in secrets}
    # Temporary files, and variables that a shell would report anyway.
    temporary = os.path.join(folder, "tmp")
    os.makedirs(temporary, exist_ok=True)
    return environment(TMPDIR=temporary, **values, **extra)


def file_lineage(folder):
    return {
        "OPENLINEAGE__TRANSPORT__TYPE": "file",
        "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": os.path.join(folder, "events.jsonl"),
    }


TRACE = ["--log-level", "trace"]
JSON = ["--log-format", "json"]
FEW = [["build", *TRACE, *JSON], ["list", "--output", "json"], ["docs", "generate"]]
EVERY = [
    ["debug"], ["compile"], ["plan"], ["plan", "--output", "json"], ["build"], ["run", "--force"], ["seed"], ["snapshot"], ["test"],
    ["source", "freshness"], ["list"], ["list", "--output", "json"], ["show", "-s", "second"],
    ["show", "--inline", "select * from {{ ref('first') }}", "--output", "json"], ["show", "--inline", "select wrong from {{ ref('first') }}"],
    ["describe", "first"], ["describe", "shop.orders"], ["describe", "first", "--output", "json"], ["lineage", "second.name"],
    ["lineage", "first", "--format", "json"], ["lineage", "first", "--format", "mermaid"], ["lineage", "first", "--format", "dot"],
    ["docs", "generate"], ["docs", "generate", "--split"], ["source", "columns", "shop.orders"], ["source", "options"], ["retry"], ["clean", "--dry-run"], ["clean"],
]  # fmt: skip


def place_cases():
    """Returns (name, files, the file that the finding must name, extra arguments), given a template of the
    expression."""
    start = base()
    cases = []
    for file, content in start.items():
        if isinstance(content, str):
            continue
        for path in leaves(content):
            if file == "project.yml" and "storage_options" in path:
                continue
            cases.append((f"{file}:{'.'.join(map(str, path))}", file, ((file, *path), "{}"), []))
    marks = {
        "models/first.sql": "MODEL", "models/second.sql": "SECOND", "snapshots/block.sql": "BLOCK", "macros/twice.sql": "{# MACRO #}",
        "data-tests/none.sql": "SINGULAR", "data-tests/generic/odd.sql": "GENERIC", "models/words.md": "WORDS",
    }  # fmt: skip
    for file, mark in marks.items():
        quoted = mark in ("MODEL", "SINGULAR")
        cases.append((f"{file}:{mark}", file, (file, mark, "' ~ {} ~ '" if quoted else "{{{{ {} }}}}"), []))
    cases.append(("models/words.md:OVERVIEW", "models/words.md", ("models/words.md", "OVERVIEW", "{{{{ {} }}}}"), []))
    wayward = {
        "concatenated": "{{{{ env_var('{prefix}' ~ '{rest}') }}}}",
        "default": "{{{{ env_var('{name}', 'none') }}}}",
        "set": "{{% set x = env_var('{name}') %}}{{{{ x }}}}",
        "log": "{{{{ log(env_var('{name}'), info=true) }}}}",
        "print": "{{{{ print(env_var('{name}')) }}}}",
        "raise": "{{{{ exceptions.raise_compiler_error(env_var('{name}')) }}}}",
        "warn": "{{{{ exceptions.warn(env_var('{name}')) }}}}",
        "condition": "{{% if env_var('{name}') %}} {{% endif %}}",
        "filter": "{{{{ env_var('{name}') | upper | lower }}}}",
        "config": "{{{{ config(alias=env_var('{name}')) }}}}",
        "var default": "{{{{ var('absent', env_var('{name}')) }}}}",
        "map": "{{{{ ['{name}'] | map('env_var') | list }}}}",
        "alias": "{{% set e = env_var %}}{{{{ e('{name}') }}}}",
        "macro argument": "{{{{ twice(env_var('{name}')) }}}}",
        "source": "{{{{ source('shop', env_var('{name}')) }}}}",
    }
    for name, text in wayward.items():
        cases.append((f"model, {name}", "models/second.sql", ("models/second.sql", "SECOND", text), []))
    cases.append(("--vars", None, None, ["--vars"]))
    cases.append(("HEADWATER_VARS", None, None, ["HEADWATER_VARS"]))
    cases.append(("show --inline", None, None, ["show"]))
    cases.append(("--select", None, None, ["--select"]))
    return cases


def place(trials, number, name, file, how, arguments):
    secret = Secret(number)
    if "URL" in name:
        return
    with trials.trial(f"place {name}", f"--only {shlex.quote(name)}") as (folder, fault):
        project = base()
        call = f"env_var('{secret.name}')"
        if how and how[1] == "{}":
            put(project, how[0], "{{ " + call + " }}")
        elif how:
            target, mark, template = how
            half = len("HEADWATER_ENV_SEC") if secret.name.startswith("HEAD") else len("DBT_ENV_SEC")
            text = template.format(call, name=secret.name, prefix=secret.name[:half], rest=secret.name[half:])
            project[target] = project[target].replace(mark, text)
            if mark == "GENERIC":
                project["models/properties.yml"]["models"][0]["data_tests"].append("odd")
            if mark == "WORDS":
                project["models/properties.yml"]["models"][0]["description"] = "{{ doc('words') }}"
        env = secret_environment(folder, [secret], **file_lineage(folder))
        commands = FEW
        if arguments:
            text = "{{ " + call + " }}"
            if arguments == ["HEADWATER_VARS"]:
                env["HEADWATER_VARS"] = yaml({"least": text})
            elif arguments == ["--vars"]:
                commands = [[*command, "--vars", yaml({"least": text})] for command in FEW]
            elif arguments == ["show"]:
                commands = [["show", "--inline", f"select '{text}' as a"], ["show", "--inline", f"select {text}"]]
            else:
                commands = [["build", "-s", text], ["list", "--exclude", text]]
        write(folder, files_of(project))
        search = Search(folder, [secret], fault)
        codes, texts = [], []
        for command in commands:
            ended = run(trials.binary, *command, cwd=folder, env=env)
            search.printed(ended)
            codes.append(ended.code)
            texts.append(ended.text)
        search.written("written")
        if search.found:
            return
        # Without the variable, a rendered template is an error.
        del env[secret.name]
        write(folder, files_of(project))
        without = run(trials.binary, *commands[0], cwd=folder, env=env)
        if not re.search(r"unknown-env-var|has no variable|secret-in|the secret", without.text):
            return
        if codes[0] != 2:
            fault(f"exit {codes[0]} instead of a finding: {secret.name} was used")
        elif secret.name not in texts[0]:
            fault(f"refused without naming {secret.name}: {texts[0][:300]}")
        elif file and Path(file).name not in texts[0]:
            fault(f"refused without naming {file}: {texts[0][:300]}")


def url_cases():
    """Returns (name, key of the place, text with {} for the secret). The secrets are literal, as people write
    them."""
    urls = {
        "s3 password": "s3://key:{}@bucket/x.csv",
        "s3 signature": "s3://bucket/x.csv?sig={}",
        "https password": "https://user:{}@127.0.0.1:1/x.csv",
        "https signature": "https://127.0.0.1:1/x.csv?X-Amz-Signature={}&x=1",
        "https user only": "https://{}@127.0.0.1:1/x.csv",
        "azure signature": "abfss://c@account.dfs.core.windows.net/x.csv?sv=1&sig={}",
        "gs token": "gs://bucket/x.csv?access_token={}",
        "fragment": "https://127.0.0.1:1/x.csv#token={}",
        "file password": "file://user:{}@localhost/tmp/x.csv",
        "unknown scheme": "postgres://user:{}@db.example.com/shop",
        "not a URL": "https://user:{}@[broken/x.csv",
        "http without slashes": "https:user:{}@127.0.0.1/x.csv",
        "password with @": "s3://key:a@{}@bucket/x.csv",
        "upper case": "S3://key:{}@bucket/X.CSV?SIG={}",
        "password with a space": "https://user:a {}@127.0.0.1:1/x.csv",
        "password with a slash": "s3://AKIA:a/{}@bucket/x.csv",
        "token behind a semicolon": "https://127.0.0.1:1/x.csv;Token={}",
        "shared access key": "sb://host/;SharedAccessKeyName=k;SharedAccessKey={}",
    }
    for name, url in urls.items():
        yield f"location, {name}", "location", url
        # As a root, it is a directory with that name.
        if name != "http without slashes":
            yield f"root, {name}", "root", url
    yield "endpoint, password", "endpoint", "http://user:{}@127.0.0.1:1"
    yield "lineage, password", "lineage", "http://user:{}@127.0.0.1:1"
    yield "lineage, not a URL", "lineage", "http://user:{}@[broken"
    for option in (
        "allow_http",
        "timeout",
        "aws_secret_access_key",
        "aws_region",
        "aws_endpoint",
        "bogus",
        "aws_imdsv1_fallback",
        "aws_checksum_algorithm",
    ):
        yield f"storage option {option} of s3", f"s3:{option}", "{}"
        yield f"storage option {option} of a local lake", f"local:{option}", "{}"
    for call in (
        "exceptions.raise_compiler_error(@)",
        "env_var(env_var(@))",
        "var(@)",
        "doc(@)",
        "ref(@)",
        "source(@, 'x')",
        "fromyaml('[' ~ @)",
        "adapter.dispatch(@)()",
        "nothing[@].x",
        "@ | int + 1",
        "1 if @ == 'x' else nothing.x",
    ):
        yield f"storage option, {call}", f"call:{call}", "{}"
    yield "include in a storage option", "call:include", "{}"
    yield "storage option of azure", "azure:azure_storage_account_key", "{}"
    yield "storage option of gs", "gs:google_service_account_key", "{}"
    yield "storage option of gs, a file", "gs:google_service_account", "/no/such/{}.json"


def url(trials, number, name, key, text):
    secret = Secret(number)
    with trials.trial(name, f"--only {shlex.quote(name)}") as (folder, fault):
        project = base()
        env = secret_environment(folder, [secret])
        url = text.format(secret.value, secret.value) if text.count("{}") == 2 else text.format(secret.value)
        target = project["project.yml"]["targets"]["dev"]
        if key == "location":
            project["sources.yml"]["sources"][0]["tables"][0]["external"]["location"] = url
            env |= file_lineage(folder)
        elif key == "root":
            target["root"] = url
            env |= file_lineage(folder)
        elif key == "endpoint":
            target |= {"root": "s3://bucket/lake", "storage_options": {
                "aws_endpoint": url, "aws_allow_http": "true", "aws_region": "x", "aws_access_key_id": "a", "aws_secret_access_key": "b",
                "max_retries": "0", "retry_timeout": "1s"}}  # fmt: skip
        elif key == "lineage":
            env |= {"OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": secret.value}
        elif key.startswith("call:"):
            call, variable = key.removeprefix("call:"), f"env_var('{secret.name}')"
            text = "{% include " + variable + " %}" if call == "include" else "{{ " + call.replace("@", variable) + " }}"
            target |= {"root": "lake", "storage_options": {"x": text}}
        else:
            kind, option = key.split(":")
            roots = {"s3": "s3://bucket/lake", "local": "lake", "azure": "az://c/lake", "gs": "gs://b/lake"}
            stored = {"aws_endpoint": "http://127.0.0.1:1", "aws_allow_http": "true", "aws_region": "x", "aws_access_key_id": "a",
                      "aws_secret_access_key": "b", "azure_storage_account_name": "n", "max_retries": "0", "retry_timeout": "1s", "timeout": "2s"}  # fmt: skip
            if kind in ("azure", "gs"):
                stored = {"azure_storage_account_name": "n", "max_retries": "0", "retry_timeout": "1s", "timeout": "2s", "azure_endpoint": "http://127.0.0.1:1",
                          "azure_allow_http": "true", "google_base_url": "http://127.0.0.1:1"}  # fmt: skip
            stored[option] = "{{ env_var('" + secret.name + "') }}"
            if option == "google_service_account":
                stored[option] = "/no/such/{{ env_var('" + secret.name + "') }}.json"
            target |= {"root": roots[kind], "storage_options": stored}
        write(folder, files_of(project))
        search = Search(folder, [secret], fault)
        for command in [["build", *TRACE], ["build", *JSON], ["list", "--output", "json"], ["plan"], ["docs", "generate"], ["describe", "shop.orders"],
                        ["source", "freshness"], ["source", "columns", "shop.orders"], ["debug"], ["retry"]]:  # fmt: skip
            ended = run(trials.binary, *command, cwd=folder, env=env, timeout=120)
            search.printed(ended)
            if key.startswith("local") and command[0] == "build" and ended.code != 0:
                fault(f"a local lake isn't built because of a storage option: {ended.why()}")
        search.written("written")


class Service(http.server.BaseHTTPRequestHandler):
    """A lineage service that rejects everything and echoes the request, as some do."""

    requests = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        without = {key: value for key, value in self.headers.items() if key.lower() != "authorization"}
        self.requests.append((self.path, repr(without).encode() + body))
        echo = f"refused: {self.headers.get('Authorization')}".encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(echo)))
        self.end_headers()
        self.wfile.write(echo)

    def log_message(self, *_):
        pass


def whole(trials, number, lineage, broken):
    """Puts secrets everywhere they are allowed, and runs all commands."""
    name = f"whole, lineage to a {lineage}" + (", broken" if broken else "")
    secrets = [Secret(number + at, special=at % 3 == 0) for at in range(14)]
    variables = iter(secrets)
    with trials.trial(name, f"--only {shlex.quote(name)}") as (folder, fault):
        project = base()
        stored = {}
        for option in (
            "aws_secret_access_key",
            "aws_session_token",
            "azure_storage_account_key",
            "google_service_account_key",
            "custom",
        ):
            stored[option] = "{{ env_var('" + next(variables).name + "') }}"
        literal = next(variables)
        stored["aws_access_key_id"] = literal.value
        project["project.yml"]["targets"]["dev"]["storage_options"] = stored
        if broken:
            project["models/third.sql"] = "select cast(name as bigint) as n from {{ ref('first') }}\n"
            project["data-tests/found.sql"] = "select * from {{ ref('first') }}\n"
        env = secret_environment(folder, secrets)
        for variable in (
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "AZURE_STORAGE_SAS_KEY",
        ):
            env[variable] = next(variables).value
        # Headers can't contain every character.
        key = Secret(number + 50)
        secrets.append(key)
        env["OPENLINEAGE_API_KEY" if broken else "OPENLINEAGE__TRANSPORT__AUTH__APIKEY"] = key.value
        server = None
        if lineage == "file":
            env |= file_lineage(folder)
        else:
            Service.requests = []
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            env |= {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__AUTH__TYPE": "api_key",
                    "OPENLINEAGE__TRANSPORT__URL": f"http://127.0.0.1:{server.server_port}"}  # fmt: skip
        write(folder, files_of(project))
        search = Search(folder, secrets, fault)
        try:
            for command in EVERY:
                for more in ([], [*TRACE, *JSON]):
                    if command == ["clean"]:
                        search.written("before clean")
                    ended = run(trials.binary, *command, *more, cwd=folder, env=env, timeout=120)
                    search.printed(ended)
                    wrong_on_purpose = broken or "select wrong" in " ".join(command)
                    if command[0] == "build" and not broken and ended.code != 0:
                        fault(f"exit {ended.code} of a build with secrets in storage_options only: {ended.why()}")
                    elif ended.code != 0 and not wrong_on_purpose:
                        trials.progress(f"{name}: `{' '.join(command)}` exit {ended.code}: {ended.why()[:160]}")
                search.written(f"after `{' '.join(command)[:40]}`")
        finally:
            if server:
                server.shutdown()
                server.server_close()
        if server:
            for path, body in Service.requests:
                search.tell("sent to the lineage service", path, leak(body, secrets))
            if not Service.requests:
                fault("the lineage service was sent nothing")


def main():
    parser = options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter))
    parser.add_argument("--only", metavar="NAME", help="only the try of this name")
    args = parser.parse_args()
    trials = Trials("secrets", args.binary, args, SCRIPT, args.table)

    def wanted(name, number):
        if args.only is not None:
            return args.only == name
        return not args.quick or (number + args.seed) % 3 == 0

    number = 0
    for case in place_cases():
        number += 1
        if wanted(case[0], number):
            place(trials, number, *case)
        if number % 40 == 0:
            trials.progress(f"{number} places, {len(trials.failed)} failures")
    for case in url_cases():
        number += 1
        if wanted(case[0], number):
            url(trials, number, *case)
    trials.progress(f"{number} places and URLs, {len(trials.failed)} failures")
    for lineage in ("file", "service"):
        for broken in (False, True):
            number += 100
            name = f"whole, lineage to a {lineage}" + (", broken" if broken else "")
            if args.only == name or (args.only is None and not (args.quick and lineage == "service" and broken)):
                whole(trials, number, lineage, broken)
    trials.finish(f"{trials.tries} projects, {len(set(trials.failed))} with a leak or a wrong answer")


if __name__ == "__main__":
    main()
