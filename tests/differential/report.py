"""Counts by theme, the list of differences, and refusals grouped by their message."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import yaml

from compare import STATUSES, Verdict

HERE = Path(__file__).resolve().parent


# Internal terms of the engine that must not be in a message to a user.
INTERNAL = re.compile(
    r"[Ii]nternal error|bug report|Span\(|ScalarValue|Nested\(|OneOf\(|ArraySignature|[Pp]hysical plan|OuterReference|"
    r"\b(Utf8|Utf8View|U?Int(8|16|32|64)|Float(16|32|64)|Decimal(128|256)|Date32|Timestamp\((ns|µs|us|ms|s)|MonthDayNano)\b|"
    r"Some\(|None\b|\bExpr\b|DataFusion|[Aa]rrow error|panicked|BinaryExpr|Field \{|Ident \{|nullable:"
)


@dataclass
class Finding:
    theme: str
    sql: str
    verdict: Verdict
    form: str  # the template of the statement, or the statement
    reason: str = ""  # of a deliberate difference


class Deliberate:
    """Intended differences: `deliberate.yml`, the only exceptions."""

    def __init__(self, path=HERE / "deliberate.yml"):
        self.entries = yaml.safe_load(path.read_text()) or []
        for entry in self.entries:
            entry["used"] = 0

    def reason(self, sql, what):
        for entry in self.entries:
            if re.search(entry.get("sql", ""), sql, re.I | re.S) and re.search(
                entry.get("what", ""), what, re.I | re.S
            ):
                entry["used"] += 1
                return entry["reason"]
        return ""


class Report:
    def __init__(self, out, deliberate=None):
        self.out = Path(out)
        self.deliberate = deliberate or Deliberate()
        self.findings = []
        self.counts = defaultdict(Counter)
        self.internal = defaultdict(list)  # statements by messages that show the engine's internals

    def hear(self, sql, ours):
        """Records one of our messages if a user wouldn't understand it."""
        if ours.status in ("refused", "failed") and INTERNAL.search(ours.message):
            self.internal[shape(ours.message)].append(sql)

    def add(self, theme, sql, verdict, form=""):
        finding = Finding(theme, sql, verdict, form or sql)
        if verdict.status == "different":
            finding.reason = self.deliberate.reason(sql, verdict.what)
        self.counts[theme]["deliberate" if finding.reason else verdict.status] += 1
        if verdict.status != "equal":
            self.findings.append(finding)
        return finding

    def different(self):
        return [found for found in self.findings if found.verdict.status == "different" and not found.reason]

    def summary(self):
        columns = [*STATUSES, "deliberate"]
        width = max([len(theme) for theme in self.counts] + [5])
        lines = [
            " ".join([f"{'theme':<{width}}", *(f"{name:>10}" for name in columns), f"{'refused %':>10}"])
        ]
        total = Counter()
        for theme, counts in sorted(self.counts.items()):
            total += counts
            lines.append(line(theme, counts, columns, width))
        lines.append(line("total", total, columns, width))
        return "\n".join(lines)

    def grouped(self, status):
        """Returns the findings of a status grouped by the shape of their message, most frequent first."""
        groups = defaultdict(list)
        for found in self.findings:
            if found.verdict.status == status and not found.reason:
                groups[group(found)].append(found)
        return sorted(groups.items(), key=lambda group: -len(group[1]))

    def text(self, status, examples=3):
        lines = []
        for message, found in self.grouped(status):
            themes = ", ".join(sorted({one.theme for one in found}))
            lines.append(f"{len(found):6} × {message}  [{themes}]")
            for one in spread(found, examples):
                lines.append(f"           {one_line(one.sql)}")
                if status == "different":
                    lines.append(f"             {one_line(one.verdict.what)}")
        return "\n".join(lines)

    def write(self):
        self.out.mkdir(parents=True, exist_ok=True)
        for status in STATUSES[1:]:
            with open(self.out / f"{status}.txt", "w") as file:
                for found in self.findings:
                    if found.verdict.status == status and not found.reason:
                        file.write(f"[{found.theme}] {one_line(found.sql)}\n    {found.verdict.what}\n")
            (self.out / f"{status}-groups.txt").write_text(self.text(status) + "\n")
        with open(self.out / "internal-messages.txt", "w") as file:
            for message, found in sorted(self.internal.items(), key=lambda group: -len(group[1])):
                file.write(f"{len(found):6} × {message}\n           {one_line(min(found, key=len))}\n")
        (self.out / "summary.txt").write_text(self.summary() + "\n")


def group(found):
    """Returns the key that groups findings: the template for differences, the message for others."""
    what = found.verdict.what
    if found.verdict.status != "different":
        return shape(what)
    for kind in ("crash", "DuckDB has an error", "name of a column", "DuckDB: more than 38 digits"):
        if what.startswith(kind):
            return f"{kind}: {one_line(found.form)}"
    types = re.findall(r"type of column \d+: (.*?), DuckDB (\S+?)[;:]", what)
    said = (
        ", ".join(f"type {mine}, DuckDB {other}" for mine, other in dict.fromkeys(types))
        or what.split(":")[0]
    )
    return f"{said[:120]}: {one_line(found.form)}"


def line(theme, counts, columns, width):
    all_of_them = sum(counts.values()) or 1
    refused = 100 * (counts["refused"] + counts["failed"]) / all_of_them
    return " ".join([f"{theme:<{width}}", *(f"{counts[name]:>10}" for name in columns), f"{refused:>9.1f}%"])


def spread(found, count):
    """Returns some of the findings, the shortest statement first."""
    return sorted(found, key=lambda one: len(one.sql))[:count]


def one_line(sql):
    text = " ".join(sql.split())
    return text if len(text) < 400 else text[:400] + "…"


def shape(message):
    """Returns a message without its values, so that each cause forms one group."""
    message = message.split("; help:")[0].splitlines()[0] if message else ""
    message = re.sub(r"\(values .*", "…", message)
    message = re.sub(r"No function matches the given name.*?'(\w+)\(.*", r"no signature of \1", message)
    message = re.sub(r"(string|from|value) '[^']*'", r"\1 '…'", message)
    message = re.sub(r"\b\d[\d.:_-]*\b", "N", message)
    message = re.sub(r"\"[^\"]{12,}\"|'[^']{24,}'", "'…'", message)
    return message[:160]
