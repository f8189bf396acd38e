"""Checks the smart-meter tables down to the last row, without Headwater.

    python verify.py DATA_DIR LAKE_DIR [--as-of 2021-01-01]

DATA_DIR contains `readings/*.json` and `case_study.db`; LAKE_DIR contains `raw/` and `presentation/` as
`headwater build` wrote them. The expected rows are computed here in plain Python, directly from the input,
and compared with the Delta tables as the `deltalake` package reads them; floats may differ by one part in
10^9. Exit code 1 and a list of differences if there are any.

These, and no others, must be rejected and be in `raw/raw_readings_rejected`:
- a file that isn't one complete JSON document with `columns` and `data`: it is empty or cut off. It is
  rejected as a whole, with a null `row`; none of its rows counts;
- a row with fewer or more values than there are columns;
- a row whose `consumption_delta` is neither null nor a number, in quotes or not;
- a row whose `interval_start` is neither null, nor an ISO time, nor milliseconds since 1970.
Rows are numbered from 1 within their file, including rejected ones; `row` is the line on which the row
begins.

From the remaining rows, nulls are removed first; then, for each meter point and half hour, the last row of
the lexicographically last file counts. An agreement is valid from its first day to the day before
`agreement_valid_to`.
"""

import argparse
import math
import re
import sqlite3
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from documents import Broken, rows

TOLERANCE = 1e-9
SHOWN = 10  # differences listed for each table
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")


class Misfit(Exception):
    """A value doesn't fit its declared type."""


def number(value):
    """Returns a float, or None."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return None if value is None else float(value)
    raise Misfit


def micros(value, known={}):
    """Returns microseconds since 1970 in UTC, or None. `known` is a cache, because times repeat in every
    file."""
    try:
        return known[value]
    except KeyError:
        known[value] = parsed = parse_time(value)
        return parsed
    except TypeError:
        raise Misfit from None


def parse_time(value):
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    if not isinstance(value, str) or not TIME.fullmatch(value):
        raise Misfit
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Misfit from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - EPOCH) // timedelta(microseconds=1)


class Readings:
    """The contents of the files: the readings that count, and the rejects."""

    def __init__(self, directory):
        self.by_meter = defaultdict(dict)  # meter point -> {time: kWh}
        self.loaded = 0
        self.rejected = Counter()  # (file, row or None)
        for path in sorted(directory.glob("*.json")):
            try:
                self.load(path)
            except Broken:
                self.rejected[path.name, None] += 1

    def load(self, path):
        """Adds one file's readings, or none of them if the file is cut off."""
        loaded, misfits, measured = 0, [], defaultdict(dict)
        for position, (columns, row) in enumerate(rows(path), start=1):
            try:
                if len(row) != len(columns):
                    raise Misfit
                start = micros(row[columns["interval_start"]])
                value = number(row[columns["consumption_delta"]])
            except Misfit:
                misfits.append(position)
                continue
            loaded += 1
            if value is not None:
                measured[row[columns["meterpoint_id"]]][start] = value
        for meter, values in measured.items():
            self.by_meter[meter].update(values)
        self.loaded += loaded
        self.rejected.update((path.name, position) for position in misfits)


def agreements(database, as_of):
    """Returns the rows of `active_agreements`, and for each meter point its [(from, to, product's name)]."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    products = {key: (name, bool(variable)) for key, name, variable in connection.execute(
        "select product_id, display_name, is_variable from product")}
    active, by_meter = {}, defaultdict(list)
    for agreement, meter, product, start, end in connection.execute(
        "select agreement_id, meterpoint_id, product_id, agreement_valid_from, agreement_valid_to from agreement"):
        if product not in products:
            continue
        name, variable = products[product]
        start, end = date.fromisoformat(start), date.fromisoformat(end) if end else date.max
        by_meter[meter].append((start, end, name))
        if start <= as_of < end:
            active[agreement,] = (meter, name, variable)
    return active, by_meter


def expected(readings, database, as_of):
    """Returns each table as {values of the key columns: values of the other columns}."""
    active, agreed = agreements(database, as_of)
    total = defaultdict(lambda: [0, 0.0])
    per_day = defaultdict(lambda: [0, 0.0])
    by_product = defaultdict(lambda: [0, 0.0])
    days = {}
    for meter, values in readings.by_meter.items():
        seen = set()
        for start, kwh in values.items():
            entry = total[start,]
            entry[0] += 1
            entry[1] += kwh
            day = days.get(start)
            if day is None:
                day = days[start] = (EPOCH + timedelta(microseconds=start)).date()
            for valid_from, valid_to, name in agreed.get(meter, ()):
                if valid_from <= day < valid_to:
                    seen.add((name, day))
                    per_day[name, day][1] += kwh
                    entry = by_product[start, name]
                    entry[0] += 1
                    entry[1] += kwh
        for key in seen:
            per_day[key][0] += 1
    total = {key: tuple(entry) for key, entry in total.items()}
    return {
        "active_agreements": (["agreement_id"], ["meterpoint_id", "display_name", "is_variable"], active),
        "total_consumption_half_hour": (["interval_start"], ["meterpoint_count", "total_kwh"], total),
        "gold_aggregate_per_half_hour": (["interval_start"], ["meterpoint_count", "total_kwh"], total),
        "consumption_per_product_per_day": (
            ["display_name", "date"],
            ["meterpoint_count", "total_kwh"],
            {key: tuple(entry) for key, entry in per_day.items()},
        ),
        "gold_avg_half_hour_by_product": (
            ["interval_start", "display_name"],
            ["avg_kwh"],
            {key: (kwh / count,) for key, (count, kwh) in by_product.items()},
        ),
    }


def stored(path, columns=None):
    """Returns a Delta table's column names and rows, with times as microseconds."""
    # Use Arrow's own file system: with Python's, a thread of Arrow may still hold a file when the interpreter
    # shuts down, which aborts a process without any differences.
    files = SubTreeFileSystem(str(path), LocalFileSystem())
    table = DeltaTable(str(path)).to_pyarrow_table(columns=columns, filesystem=files)
    values = []
    for field, column in zip(table.schema, table.columns):
        if str(field.type).startswith("timestamp"):
            if field.type.tz not in ("UTC", "+00:00"):
                raise SystemExit(f"{path}: {field.name} is {field.type}, not a time in UTC")
            column = column.cast(pyarrow.timestamp("us", "UTC")).cast("int64")
        values.append(column.to_pylist())
    return table.column_names, list(zip(*values))


def equal(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=TOLERANCE)
    return type(ours) is type(theirs) and ours == theirs


def compare(path, keys, others, right):
    """Returns the differences between a stored table and the expected rows, as lines."""
    try:
        names, found = stored(path)
    except TableNotFoundError:
        return ["is missing"]
    if sorted(names) != sorted(keys + others):
        return [f"has columns {', '.join(names)}; expected {', '.join(keys + others)}"]
    order = [names.index(name) for name in keys + others]
    differences, met = [], set()
    for row in found:
        row = tuple(row[at] for at in order)
        key, values = row[: len(keys)], row[len(keys):]
        if key in met:
            differences.append(f"{key}: occurs more than once")
        elif key not in right:
            differences.append(f"{key}: {values} should not be there")
        elif not all(map(equal, values, right[key])):
            differences.append(f"{key}: {values}; expected {right[key]}")
        met.add(key)
    differences += [f"{key}: {right[key]} is missing" for key in right if key not in met]
    return differences


def position(line, reason):
    """Returns the row's number in its file. `row` is the line in an editor; if several rows share it, the
    reason tells which one."""
    numbered = re.match(r"row (\d+): ", reason or "")
    return int(numbered[1]) if numbered else line


def compare_rejected(path, right):
    try:
        names, found = stored(path)
    except TableNotFoundError:
        return ["is missing"] if right else []
    columns = ["source", "file", "row", "offset", "reason", "raw"]
    if names != columns:
        return [f"has columns {', '.join(names)}; expected {', '.join(columns)}"]
    got = Counter((Path(row[1]).name, position(row[2], row[4])) for row in found)
    unexplained = [f"{row[1]}, row {row[2]}: gives no reason" for row in found if not row[4]]
    missing = [f"{file}, row {row}: is missing" for file, row in right - got]
    return unexplained + missing + [f"{file}, row {row}: should not be there" for file, row in got - right]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("lake", type=Path, metavar="LAKE_DIR")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2021, 1, 1), metavar="DATE")
    args = parser.parse_args()

    readings = Readings(args.data / "readings")
    failed = False

    def report(name, count, differences):
        nonlocal failed
        if not differences:
            print(f"ok    {name}: {count} rows")
            return
        failed = True
        print(f"WRONG {name}: {len(differences)} differences")
        for line in differences[:SHOWN]:
            print(f"        {line}")
        if len(differences) > SHOWN:
            print(f"        and {len(differences) - SHOWN} more")

    raw = args.lake / "raw"
    try:
        loaded = len(stored(raw / "raw_readings", ["_source_row"])[1])
        differences = [] if loaded == readings.loaded else [f"has {loaded} rows; expected {readings.loaded}"]
    except TableNotFoundError:
        differences = ["is missing"]
    report("raw.raw_readings", readings.loaded, differences)
    right = readings.rejected
    report("raw.raw_readings_rejected", right.total(), compare_rejected(raw / "raw_readings_rejected", right))
    count = 0
    for name, (keys, others, right) in expected(readings, args.data / "case_study.db", args.as_of).items():
        count += len(right)
        report(f"presentation.{name}", len(right), compare(args.lake / "presentation" / name, keys, others, right))
    if failed:
        sys.exit(1)
    print(f"five tables equal, {count} rows")


if __name__ == "__main__":
    main()
