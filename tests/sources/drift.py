"""Builds deliveries of hostile files and compares the tables with what Python's own readers get.

    python tests/sources/drift.py BINARY [--seed N] [--rounds N]

Each round is a separate project with one source (CSV, JSON or SQLite) and a model that reads it. This script
writes every delivery, so it knows the rows. After each build

    rows in the table + rows in the table of rejects = rows that were delivered

must hold exactly, and each good row must be there with its values. Then the columns drift from delivery to
delivery: one is added, removed, renamed, or changes case, and the build must report it as described in
`docs/sources-drift.md`.

Needs only Python. Seeds are printed, so that a failure can be repeated.
"""

import argparse
import csv
import io
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile

SOURCES = """version: 2
sources:
  - name: files
    tables:
      - name: t
        external: {{location: {location}, format: {format}{options}}}
        max_rejected: 100%
        columns:
          - {{name: id, data_type: bigint}}
          - {{name: amount, data_type: double}}
          - {{name: note, data_type: varchar}}
          - {{name: _source_file, data_type: varchar}}
"""

NOTES = ["", "plain", 'say "hi"', "a,b", "line\nbreak", "semi;colon", "tab\there", "é😀", "\\back", "{}", "NULL", "0"]
BAD = ["n/a", "1.2.3", "--", "x"]


class Failure(Exception):
    """A build didn't do what it should."""


class Project:
    """A project in its own directory."""

    def __init__(self, binary, kind, incremental):
        self.binary, self.kind = binary, kind
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        (self.root / "models").mkdir()
        (self.root / "in").mkdir()
        location = "in/a.db" if kind == "sqlite" else "in"
        options = {"split": ", orient: split", "records": ", orient: records"}.get(kind, "")
        format = {"csv": "csv", "lines": "ndjson", "sqlite": "sqlite"}.get(kind, "json")
        text = SOURCES.format(location=location, format=format, options=options)
        (self.root / "sources.yml").write_text(text)
        (self.root / "project.yml").write_text(
            "name: p\nmodel-paths: [models]\ntargets: {dev: {root: lake}}\n"
        )
        config = "{{ config(materialized='incremental') }}\n" if incremental else ""
        (self.root / "models" / "m.sql").write_text(f"{config}select * from {{{{ source('files', 't') }}}}")
        (self.root / "models" / "sources.yml").write_text(text)
        (self.root / "sources.yml").unlink()

    def build(self):
        done = subprocess.run(
            [self.binary, "build"], cwd=self.root, capture_output=True, text=True, check=False, timeout=300
        )
        return done.returncode, done.stdout + done.stderr

    def rows(self, sql):
        done = subprocess.run(
            [self.binary, "show", "--inline", sql, "--output", "json", "--limit", "-1", "-q"],
            cwd=self.root, capture_output=True, text=True, check=False, timeout=300,
        )
        if done.returncode:
            raise Failure(f"{sql}: {done.stderr}")
        text = done.stdout.strip()
        return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]

    def deliver(self, name, columns, rows):
        """Writes a file with these columns; each row is (id, amount, note, good)."""
        values = [[row[key] for key in ("id", "amount", "note", "extra") if key in columns] for row in rows]
        names = [columns[key] for key in ("id", "amount", "note", "extra") if key in columns]
        if self.kind == "csv":
            out = io.StringIO()
            writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(values)
            (self.root / "in" / f"{name}.csv").write_text(out.getvalue(), newline="")
        elif self.kind == "split":
            text = json.dumps({"columns": names, "data": values})
            (self.root / "in" / f"{name}.json").write_text(text)
        elif self.kind in ("records", "lines"):
            objects = [dict(zip(names, row)) for row in values]
            lines = "\n".join(json.dumps(one) for one in objects) + "\n"
            text = lines if self.kind == "lines" else json.dumps(objects)
            (self.root / "in" / f"{name}.json").write_text(text)
        else:
            database = sqlite3.connect(self.root / "in" / "a.db")
            database.execute("drop table if exists t")
            quoted = ", ".join(f'"{name}"' for name in names)
            database.execute(f"create table t ({quoted})")
            marks = ", ".join("?" for _ in names)
            database.executemany(f"insert into t values ({marks})", values)
            database.commit()
            database.close()


def rows(random_, count, start):
    made = []
    for number in range(start, start + count):
        good = random_.random() < 0.8
        amount = round(random_.uniform(-1e6, 1e6), 3) if good else random_.choice(BAD)
        made.append({"id": number, "amount": amount, "note": random_.choice(NOTES), "extra": "e", "good": good})
    return made


def compare(project, delivered):
    found = {row["id"]: row for row in project.rows("select id, amount, note from {{ ref('m') }}")}
    rejected = project.rows("select count(*) as n from main.m_rejected")[0]["n"]
    good = [row for row in delivered if row["good"]]
    if len(found) + rejected != len(delivered):
        raise Failure(f"{len(delivered)} rows in, {len(found)} out and {rejected} rejected")
    for row in good:
        seen = found.get(row["id"])
        if seen is None or abs(seen.get("amount", 1e99) - row["amount"]) > 1e-9:
            raise Failure(f"row {row} came out as {seen}")
        if "note" in row and (seen.get("note") or "") != row["note"]:
            raise Failure(f"note of {row} came out as {seen}")


def expect(code, output, well, word):
    if (code == 0) != well:
        raise Failure(f"the build ended with {code}:\n{output}")
    if word and word not in output:
        raise Failure(f"the build doesn't say `{word}`:\n{output}")


def round_(binary, seed):
    random_ = random.Random(seed)
    kind = random_.choice(["csv", "split", "records", "lines", "sqlite"])
    incremental = kind != "sqlite" and random_.random() < 0.5
    project = Project(binary, kind, incremental)
    plain = {"id": "id", "amount": "amount", "note": "note"}
    first = rows(random_, random_.randint(2, 30), 0)
    first[0].update(good=True, amount=1.5)
    project.deliver("a", plain, first)
    expect(*project.build(), True, None)
    compare(project, first)
    second = rows(random_, random_.randint(2, 30), 1000)
    second[0].update(good=True, amount=2.5)
    drift = random_.choice(["case", "added", "removed", "renamed", "none"])
    columns = dict(plain)
    if drift == "case":
        columns = {key: random_.choice([str.upper, str.title])(name) for key, name in plain.items()}
    elif drift == "added":
        columns["extra"] = "extra"
    elif drift == "removed":
        del columns["note"]
    elif drift == "renamed":
        columns["amount"] = "amount_eur"
    project.deliver("b", columns, second)
    code, output = project.build()
    one_file = kind == "sqlite"
    delivered = second if one_file else first + second
    if drift == "renamed":
        expect(code, output, False, "amount_eur")
        compare(project, first)
    elif drift == "removed" and one_file:
        expect(code, output, False, "lacks the declared column `note`")
        compare(project, first)
    else:
        said = {"added": None if one_file else "`extra` isn't declared", "removed": "`note` is NULL in"}.get(drift)
        expect(code, output, True, said)
        if drift == "removed":
            for row in second:
                row["note"] = ""
        compare(project, delivered)
    return kind, incremental, drift


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    failures = 0
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        try:
            print(seed, *round_(arguments.binary, seed), flush=True)
        except Failure as failure:
            failures += 1
            print(f"{seed} FAILED: {failure}", flush=True)
    print(f"{arguments.rounds - failures} of {arguments.rounds} rounds passed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
