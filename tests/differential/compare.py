"""Compares two answers to one statement: equal, refused, failed or different.

- `equal`: the same rows, types and names, or both sides have an error;
- `refused`: planning rejects a statement that DuckDB answers, or the result has a type that Delta tables
  lack;
- `failed`: it plans, but fails with an error where DuckDB answers;
- `different`: different rows, types or names, rows where DuckDB has an error, or a crash.
"""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass

STATUSES = ("equal", "refused", "failed", "different")
# Sums and functions of floats may differ in the last bits, because of another order of addition or another
# libm.
DOUBLE, FLOAT = 1e-12, 1e-5
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHOWN = 4  # rows of each side in a report


@dataclass
class Verdict:
    status: str
    what: str = ""


def judge(sql, ours, theirs, signed=True):
    """Returns the verdict on our answer to a statement, given DuckDB's (`theirs`). If `signed`, -0.0 differs
    from 0.0."""
    if HASHED.search(sql):
        ours, theirs = unhashed(ours), unhashed(theirs)
    return compare(ours, theirs, is_ordered(sql), signed)


def compare(ours, theirs, ordered, signed=True):
    if ours.status == "crashed" and ours.message.startswith("no answer"):
        return Verdict("failed", ours.message)
    if ours.status == "crashed":
        return Verdict("different", f"crash: {ours.message}")
    if theirs.status in ("unnamed", "broken"):
        return Verdict("equal")  # DuckDB can't store it as a table, or hit a bug of its own
    if theirs.status == "unstorable":
        # Correct, but not representable: a sum that needs 39 digits is an error here.
        ok = ours.status != "ok" or all(kind is None for kind in ours.types)
        return Verdict("equal" if ok else "different", "DuckDB: more than 38 digits" if not ok else "")
    if theirs.status != "ok":
        if ours.status != "ok":
            return Verdict("equal")
        return Verdict("different", f"DuckDB has an error: {first_line(theirs.message)}; ours: {show(ours)}")
    if ours.status == "refused":
        return Verdict("refused", ours.message)
    if ours.status == "failed":
        return Verdict("failed", ours.message)
    return rows(ours if signed else unsigned(ours), theirs if signed else unsigned(theirs), ordered)


# DuckDB returns the items of these in the order of a hash table.
HASHED = re.compile(r"\b(list|array)_(distinct|intersect)\b", re.I)


def unhashed(answer):
    """Returns the answer with the items of its lists sorted."""
    answer.rows = [[sort(cell) for cell in row] for row in answer.rows]
    return answer


def sort(cell):
    return sorted(map(sort, cell), key=json.dumps) if isinstance(cell, list) else cell


def unsigned(answer):
    """Returns the answer without signs of zeros: DuckDB's sorts and groups keep either sign."""
    answer.rows = [[plus(cell) for cell in row] for row in answer.rows]
    return answer


def plus(cell):
    if isinstance(cell, float):
        return cell + 0.0
    if isinstance(cell, list):
        return [plus(part) for part in cell]
    return {key: plus(part) for key, part in cell.items()} if isinstance(cell, dict) else cell


def rows(ours, theirs, ordered):
    if len(ours.types) != len(theirs.types):
        return Verdict(
            "different",
            f"{len(ours.types)} columns, DuckDB {len(theirs.types)}: {show(ours)}, DuckDB {show(theirs)}",
        )
    if [name for name in theirs.types if name] and None in ours.types:
        if any(mine is None and other for mine, other in zip(ours.types, theirs.types)):
            return Verdict("refused", ours.message)
    found = []
    for at, (mine, other) in enumerate(zip(ours.types, theirs.types)):
        if mine != other:
            found.append(
                f"type of column {at + 1}: {mine or ours.native[at]}, DuckDB {other or theirs.native[at]}"
            )
    if ours.count != theirs.count:
        found.append(f"{ours.count} rows, DuckDB {theirs.count}")
    elif not same(ours, theirs, ordered):
        found.append("rows")
    if found:
        return Verdict("different", f"{'; '.join(found)}: {show(ours)}, DuckDB {show(theirs)}")
    wrong = [
        f"`{mine}`, DuckDB `{other}`"
        for mine, other in zip(ours.names, theirs.names)
        if PLAIN.fullmatch(other) and mine != other
    ]
    return Verdict("different", f"name of a column: {', '.join(wrong)}") if wrong else Verdict("equal")


def same(ours, theirs, ordered):
    mine, other = ours.rows, theirs.rows
    if len(mine) < ours.count and not ordered:
        return True  # a sample of unordered rows proves nothing
    if not ordered:
        if Counter(map(json.dumps, mine)) == Counter(map(json.dumps, other)):
            return True
        mine, other = sorted(mine, key=order), sorted(other, key=order)
    widths = [FLOAT if "float" in (kind or "") else DOUBLE for kind in theirs.types]
    return all(near(a, b, width) for row, twin in zip(mine, other) for a, b, width in zip(row, twin, widths))


def order(row):
    """Returns a sort key that gives floats which differ only in the last bits the same position."""
    return json.dumps(row, default=str) if not any(isinstance(cell, float) for cell in row) else json.dumps(
        [f"{cell:.6e}" if isinstance(cell, float) else cell for cell in row]
    )  # fmt: skip


def near(mine, other, width):
    if isinstance(mine, float) and isinstance(other, float):
        if mine == 0 or other == 0:
            return (
                mine == other
                and math.copysign(1, mine) == math.copysign(1, other)
                or abs(mine - other) < 1e-15
                and mine != other
            )
        return math.isclose(mine, other, rel_tol=width)
    if isinstance(mine, list) and isinstance(other, list):
        return len(mine) == len(other) and all(near(a, b, width) for a, b in zip(mine, other))
    if isinstance(mine, dict) and isinstance(other, dict):
        return mine.keys() == other.keys() and all(near(mine[key], other[key], width) for key in mine)
    return mine == other


def show(answer):
    if answer.status != "ok":
        return first_line(answer.message)
    text = json.dumps(answer.rows[:SHOWN], ensure_ascii=False)
    return text[:300] + ("…" if len(text) > 300 or answer.count > SHOWN else "")


def first_line(message):
    return message.strip().splitlines()[0][:200] if message.strip() else ""


def is_ordered(sql):
    """Returns whether the statement's last ORDER BY is at the outermost level."""
    depth, text = 0, re.sub(r"'(?:[^']|'')*'", "''", sql)
    text = re.sub(r"--[^\n]*", "", text).lower()
    for match in re.finditer(r"[()\[\]{}]|\border\s+by\b", text):
        if match.group() in "([{":
            depth += 1
        elif match.group() in ")]}":
            depth -= 1
        elif depth == 0:
            return True
    return False
