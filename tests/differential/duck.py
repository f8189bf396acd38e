"""DuckDB's answer to a statement in the probe's format: types as stored in Delta tables, values as written by
`cell.rs`."""

import math
import re
import threading
from dataclasses import dataclass, field

import duckdb
import numpy
import pyarrow
import pyarrow.compute

# `STRUCT(INTEGER, VARCHAR)`: fields without names.
UNNAMED = re.compile(r"STRUCT\((?:[A-Z_]+(?:\([^)]*\))?(?:\[\d*\])*)[,)]")
SHOWN = 20_000  # rows compared, as in the probe
HUGE = 10**38  # Delta's decimals have 38 digits
DAY = 86_400_000_000
DAYS_ENDS = {2**31 - 1: "infinity", -(2**31) + 1: "-infinity"}
MICROS_ENDS = {2**63 - 1: "infinity", -(2**63) + 1: "-infinity"}
# Types that Delta tables can't store. Such results are compared by value, not by type.
UNSTORABLE = ("TIME", "INTERVAL", "BIT", "BIGNUM", "VARIANT", "UNION", "LAMBDA", "GEOMETRY", "TYPE")
DELTA = {
    "BOOLEAN": "boolean", "TINYINT": "byte", "SMALLINT": "short", "INTEGER": "integer", "BIGINT": "long",
    "UTINYINT": "short", "USMALLINT": "integer", "UINTEGER": "long", "UBIGINT": "decimal(20,0)",
    "HUGEINT": "decimal(38,0)", "UHUGEINT": "decimal(38,0)", "FLOAT": "float", "DOUBLE": "double",
    "VARCHAR": "string", "JSON": "string", "UUID": "string", "BLOB": "binary", "DATE": "date",
    "TIMESTAMP": "timestamp_ntz", "TIMESTAMP_S": "timestamp_ntz", "TIMESTAMP_MS": "timestamp_ntz",
    "TIMESTAMP_NS": "timestamp_ntz", "TIMESTAMP WITH TIME ZONE": "timestamp", '"NULL"': "integer",
}  # fmt: skip


@dataclass
class Answer:
    """The rows, or the reason why there are none."""

    status: str  # ok, refused (by the binder or parser), failed, crashed
    message: str = ""
    names: list = field(default_factory=list)
    types: list = field(default_factory=list)  # Delta's names; None for types that Delta lacks
    native: list = field(default_factory=list)  # DuckDB's or Arrow's names
    rows: list = field(default_factory=list)
    count: int = 0


def delta_type(kind):
    """Returns the Delta type that stores a DuckDB type, or None."""
    if isinstance(kind, str):  # description's types only print as text
        try:
            kind = duckdb.sqltype(kind)
        except duckdb.Error:  # a struct without names
            return None
    name = kind.id
    if name == "decimal":
        parts = dict(kind.children)
        return f"decimal({parts['precision']},{parts['scale']})"
    if name == "enum":
        return "string"
    if name in ("list", "array"):
        return nested("array<{}>", [kind.children[0][1]])
    if name == "struct":
        names = [name for name, _ in kind.children]
        return nested(
            "struct<" + ",".join(f"{brace(name)}:{{}}" for name in names) + ">",
            [part for _, part in kind.children],
        )
    if name == "map":
        return nested("map<{},{}>", [part for _, part in kind.children])
    return DELTA.get(str(kind))


def brace(name):
    return name.replace("{", "{{").replace("}", "}}")


def nested(form, parts):
    types = [delta_type(part) for part in parts]
    return None if None in types else form.format(*types)


def date(days):
    """Returns a date in the proleptic Gregorian calendar; Python's own dates end at 9999."""
    if days in DAYS_ENDS:
        return DAYS_ENDS[days]
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    day = of_year - (153 * march + 2) // 5 + 1
    month = march + 3 if march < 10 else march - 9
    year += era * 400 + (month <= 2)
    return f"{year:04d}-{month:02d}-{day:02d}" if year >= 0 else f"-{-year:03d}-{month:02d}-{day:02d}"


def time(micros):
    seconds, micros = divmod(micros, 1_000_000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micros:06d}"


def timestamp(micros):
    if micros in MICROS_ENDS:
        return MICROS_ENDS[micros]
    days, micros = divmod(micros, DAY)
    return f"{date(days)} {time(micros)}"


def number(value):
    """Returns a float as JSON represents it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"


def huge(raw):
    return str(int.from_bytes(raw, "little", signed=True))


def interval(value):
    return f"{value.months}m {value.days}d {int(value.nanoseconds / 1000) if value.nanoseconds < 0 else value.nanoseconds // 1000}us"


def hexed(raw):
    return "\\x" + raw.hex()


def cells(array):
    """Returns the values of an Arrow array."""
    if isinstance(array, pyarrow.ChunkedArray):
        return [cell for chunk in array.chunks for cell in cells(chunk)]
    kind = array.type
    types = pyarrow.types
    if isinstance(kind, pyarrow.BaseExtensionType):
        return extension(array, kind)
    if types.is_dictionary(kind):
        return cells(array.dictionary_decode())
    if types.is_null(kind):
        return [None] * len(array)
    if types.is_boolean(kind) or types.is_string(kind) or types.is_large_string(kind):
        return array.to_pylist()
    if types.is_float64(kind):
        return each(array, number)
    if types.is_float32(kind):
        return each(array, lambda value: number(float(str(numpy.float32(value)))))
    if types.is_integer(kind):
        return each(array, str)
    if types.is_decimal(kind):
        return each(array, lambda value: format(value, "f"))
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return each(array, hexed)
    if types.is_date32(kind):
        return each(array.view(pyarrow.int32()), date)
    if types.is_timestamp(kind):
        return each(array.view(pyarrow.int64()), lambda value: timestamp(micros_of(value, kind.unit)))
    if types.is_time64(kind):
        return each(
            array.view(pyarrow.int64()), lambda value: time(value if kind.unit == "us" else value // 1000)
        )
    if types.is_interval(kind):
        return each(array, interval)
    if types.is_map(kind):
        pairs = [[key, value] for key, value in zip(cells(array.keys), cells(array.items))]
        return [None if part is None else {"m": part} for part in parts_of(array, pairs)]
    if types.is_list(kind) or types.is_large_list(kind):
        return parts_of(array, cells(array.values))
    if types.is_fixed_size_list(kind):
        size, values = kind.list_size, cells(array.values)
        start = array.offset
        nulls = array.is_null().to_pylist()
        return [
            None if null else values[(start + at) * size : (start + at + 1) * size]
            for at, null in enumerate(nulls)
        ]
    if types.is_struct(kind):
        columns = [(part.name, cells(column)) for part, column in zip(kind, array.flatten())]
        nulls = array.is_null().to_pylist()
        return [
            None if null else {"s": [[name, column[at]] for name, column in columns]}
            for at, null in enumerate(nulls)
        ]
    return each(array, str)


def parts_of(array, values):
    """Splits the values of a list or map array at its offsets."""
    ends = array.offsets.to_pylist()
    nulls = array.is_null().to_pylist()
    return [None if null else values[ends[at] : ends[at + 1]] for at, null in enumerate(nulls)]


def each(array, form):
    return [None if value is None else form(value) for value in array.to_pylist()]


def micros_of(value, unit):
    if value in MICROS_ENDS:
        return value
    # DuckDB casts nanoseconds by rounding towards 1970.
    nanos = abs(value) // 1000 * (1 if value >= 0 else -1)
    return {"s": value * 1_000_000, "ms": value * 1000, "us": value, "ns": nanos}[unit]


def extension(array, kind):
    name = getattr(kind, "type_name", None) or kind.extension_name
    storage = array.storage
    if name in ("hugeint", "uhugeint"):
        return each(storage, lambda raw: str(int.from_bytes(raw, "little", signed=name == "hugeint")))
    if name == "arrow.uuid":
        return each(array, str)
    if name == "arrow.json":
        return cells(storage)
    if name == "arrow.bool8":
        return each(storage, bool)
    return cells(storage)


def too_long(value):
    """Returns whether an integer in the value has more than 38 digits."""
    if isinstance(value, str):
        return len(value) > 38 and value.lstrip("-").isdigit() and abs(int(value)) >= HUGE
    if isinstance(value, list):
        return any(too_long(part) for part in value)
    return isinstance(value, dict) and any(too_long(part) for part in value.values())


class Duck:
    """One DuckDB database in memory, in UTC."""

    def __init__(self, tables=None, seconds=20):
        self.seconds, self.tables = seconds, tables
        self.connection = duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "autoload_known_extensions": False,
                                                 "autoinstall_known_extensions": False})  # fmt: skip
        self.connection.execute(
            "SET TimeZone = 'UTC'; SET arrow_lossless_conversion = true; SET preserve_insertion_order = true"
        )
        for name, path in (tables or {}).items():
            self.connection.execute(f"CREATE TABLE \"{name}\" AS FROM read_parquet('{path}')")

    def answer_statement(self, sql):
        """Runs any statement; ignores its rows and errors."""
        alarm = threading.Timer(self.seconds, self.connection.interrupt)
        alarm.start()
        try:
            self.connection.execute(sql)
        except (duckdb.Error, RuntimeError):
            pass
        finally:
            alarm.cancel()

    def answer(self, sql):
        """Returns the answer to one SELECT."""
        alarm = threading.Timer(self.seconds, self.connection.interrupt)
        alarm.start()
        try:
            return self.run(sql)
        except duckdb.Error as error:
            if "invalidated" in str(error):  # an earlier statement corrupted the database
                self.__init__(self.tables, self.seconds)
            if "INTERNAL Error" in str(error):
                return Answer("broken", str(error))
            binding = (
                duckdb.BinderException,
                duckdb.ParserException,
                duckdb.CatalogException,
                duckdb.SyntaxException,
            )
            return Answer("refused" if isinstance(error, binding) else "failed", str(error))
        except (pyarrow.ArrowException, RuntimeError) as error:
            return Answer("failed", f"Arrow: {error}")
        except UnicodeDecodeError as error:
            return Answer("failed", f"not UTF-8: {error}")
        finally:
            alarm.cancel()

    def run(self, sql):
        self.connection.execute(sql)
        described = [(part[0], part[1]) for part in self.connection.description or []]
        result = self.connection.to_arrow_table()
        types, native = [], [str(kind) for _, kind in described]
        for text in native:
            types.append(delta_type(text))
        shown = result.slice(0, SHOWN)
        columns = [cells(column) for column in shown.columns]
        if any(
            too_long(cell) for text, column in zip(native, columns) if "HUGEINT" in text for cell in column
        ):
            return Answer("unstorable", "an integer of more than 38 digits", native=native)
        if any(UNNAMED.search(text) for text in native):
            return Answer("unnamed", "a struct without names of fields", native=native)
        rows = [list(row) for row in zip(*columns)] if columns else []
        return Answer("ok", "", [name for name, _ in described], types, native, rows, result.num_rows)
