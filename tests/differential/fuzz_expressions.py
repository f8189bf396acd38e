"""Random typed expressions: trees that know their SQL and their type, so that a difference can be shrunk."""

from dataclasses import dataclass, field

TYPES = ["integer", "bigint", "double", "decimal(12,2)", "varchar", "boolean", "date", "timestamp"]
LITERALS = {
    "integer": ["0", "1", "-1", "2", "7", "100", "-13", "null::integer"],
    "bigint": ["0::bigint", "5::bigint", "-9::bigint", "4000000000", "null::bigint"],
    "double": [
        "0.5::double",
        "-2.25::double",
        "0::double",
        "1e3::double",
        "'nan'::double",
        "'inf'::double",
        "null::double",
    ],
    "decimal(12,2)": [
        "1.25::decimal(12,2)",
        "-0.50::decimal(12,2)",
        "99.99::decimal(12,2)",
        "0::decimal(12,2)",
        "null::decimal(12,2)",
    ],
    "varchar": ["'a'", "''", "'Zed'", "'x y'", "'42'", "'é🦆'", "'a%_b'", "null::varchar"],
    "boolean": ["true", "false", "null::boolean"],
    "date": ["date '2024-02-29'", "date '1970-01-01'", "date '1999-12-31'", "null::date"],
    "timestamp": ["timestamp '2024-02-29 23:59:59.5'", "timestamp '1970-01-01 00:00:00'", "null::timestamp"],
}
I, B, D, N, S, L, DT, TS = TYPES
NUMBERS = (I, B, D, N)
# Result type → (form, operand types). `*` is any type, the same for all operands marked with it.
RULES = {
    I: [
        ("({} + {})", (I, I)), ("({} - {})", (I, I)), ("({} * {})", (I, I)), ("({} % {})", (I, I)), ("({} // {})", (I, I)), ("(- {})", (I,)),
        ("abs({})", (I,)), ("cast({} as integer)", (L,)), ("try_cast({} as integer)", (S,)), ("try_cast({} as integer)", (D,)),
        ("cast({} as integer)", (N,)), ("ascii({})", (S,)), ("greatest({}, {})", (I, I)), ("least({}, {})", (I, I)), ("({} & {})", (I, I)),
    ],
    B: [
        ("({} + {})", (B, I)), ("({} * {})", (B, I)), ("({} - {})", (B, B)), ("({} // {})", (B, I)), ("({} % {})", (B, I)), ("length({})", (S,)),
        ("year({})", (DT,)), ("month({})", (TS,)), ("date_diff('day', {}, {})", (DT, DT)), ("date_diff('month', {}, {})", (TS, TS)),
        ("dayofweek({})", (DT,)), ("extract(hour from {})", (TS,)), ("({} - {})", (DT, DT)), ("strpos({}, {})", (S, S)), ("cast({} as bigint)", (I,)),
        ("week({})", (DT,)), ("quarter({})", (DT,)), ("sign({})::bigint", (I,)), ("date_sub('month', {}, {})", (DT, DT)), ("isodow({})", (TS,)),
    ],
    D: [
        ("({} / {})", (I, I)), ("({} / {})", (D, D)), ("({} + {})", (D, D)), ("({} * {})", (D, D)), ("({} - {})", (D, I)), ("({} / {})", (N, I)),
        ("({} + {})", (D, N)), ("round({}, 1)", (D,)), ("floor({})", (D,)), ("ceil({})", (D,)), ("sqrt(abs({}))", (D,)), ("cast({} as double)", (I,)),
        ("cast({} as double)", (N,)), ("try_cast({} as double)", (S,)), ("abs({})", (D,)), ("({} % {})", (D, D)), ("(- {})", (D,)), ("({} ^ 2)", (D,)),
        ("trunc({})", (D,)), ("({} // {})", (D, D)), ("greatest({}, {})", (D, D)), ("epoch({})", (TS,)), ("round({})", (D,)), ("exp(least({}, 5))", (D,)),
    ],
    N: [
        ("cast(({} + {}) as decimal(12,2))", (N, N)), ("cast({} as decimal(12,2))", (I,)), ("abs({})", (N,)), ("(- {})", (N,)), ("greatest({}, {})", (N, N)),
        ("try_cast({} as decimal(12,2))", (D,)), ("try_cast({} as decimal(12,2))", (S,)), ("cast({} - {} as decimal(12,2))", (N, I)), ("cast(round({}, 1) as decimal(12,2))", (N,)),
    ],
    S: [
        ("({} || {})", (S, S)), ("upper({})", (S,)), ("lower({})", (S,)), ("trim({})", (S,)), ("substr({}, {})", (S, I)), ("substr({}, 1, {})", (S, I)),
        ("left({}, {})", (S, I)), ("right({}, 2)", (S,)), ("replace({}, {}, 'q')", (S, S)), ("concat({}, {})", (S, "*")), ("cast({} as varchar)", ("*",)),
        ("reverse({})", (S,)), ("coalesce({}, {})", (S, S)), ("strftime({}, '%Y-%m')", (DT,)), ("concat_ws('-', {}, {})", (S, S)), ("split_part({}, ' ', 1)", (S,)),
        ("lpad({}, 5, '*')", (S,)), ("repeat({}, 2)", (S,)), ("regexp_replace({}, '[aeiou]', '#', 'g')", (S,)), ("monthname({})", (DT,)), ("{}[1:2]", (S,)),
        ("regexp_extract({}, '[a-z]+')", (S,)), ("dayname({})", (TS,)), ("nullif({}, {})", (S, S)), ("translate({}, 'ab', 'ba')", (S,)),
    ],
    L: [
        ("({} and {})", (L, L)), ("({} or {})", (L, L)), ("(not {})", (L,)), ("({} = {})", ("*", "*")), ("({} <> {})", ("*", "*")), ("({} < {})", ("*", "*")),
        ("({} >= {})", ("*", "*")), ("({} is null)", ("*",)), ("({} is not null)", ("*",)), ("({} is distinct from {})", ("*", "*")),
        ("({} between {} and {})", ("*", "*", "*")), ("({} in ({}, {}))", ("*", "*", "*")), ("({} not in ({}, {}))", ("*", "*", "*")), ("({} like '%a%')", (S,)),
        ("({} ilike {})", (S, S)), ("({} is true)", (L,)), ("({} is not false)", (L,)), ("contains({}, {})", (S, S)), ("starts_with({}, 'a')", (S,)),
        ("({} < {})", (I, D)), ("({} = {})", (I, N)), ("({} > {})", (N, D)), ("({} < {})", (DT, TS)), ("regexp_matches({}, '^[a-z]')", (S,)), ("isnan({})", (D,)),
    ],
    DT: [
        ("({} + {})", (DT, I)), ("({} - {})", (DT, I)), ("cast({} as date)", (TS,)), ("last_day({})", (DT,)), ("greatest({}, {})", (DT, DT)),
        ("cast(date_trunc('month', {}) as date)", (DT,)), ("try_cast({} as date)", (S,)), ("cast({} + interval 1 month as date)", (DT,)),
    ],
    TS: [
        ("({} + interval 1 month)", (TS,)), ("({} - interval '36 hours')", (TS,)), ("cast({} as timestamp)", (DT,)), ("date_trunc('hour', {})", (TS,)),
        ("({} + interval 1 day)", (DT,)), ("date_trunc('week', {})", (TS,)), ("time_bucket(interval '2 days', {})", (TS,)), ("({} + to_days({}))", (TS, I)),
    ],
}  # fmt: skip
EVERYWHERE = [
    ("case when {} then {} else {} end", (L, "=", "=")), ("coalesce({}, {})", ("=", "=")), ("case when {} then {} end", (L, "=")),
    ("if({}, {}, {})", (L, "=", "=")), ("nullif({}, {})", ("=", "=")), ("ifnull({}, {})", ("=", "=")),
]  # fmt: skip
AGGREGATES = [
    ("count(*)", (), B), ("count({})", ("*",), B), ("count(distinct {})", ("*",), B), ("sum({})", (I,), "hugeint"), ("sum({})", (N,), "decimal(38,2)"), ("sum({})", (D,), D),
    ("avg({})", (I,), D), ("avg({})", (N,), D), ("avg({})", (D,), D), ("min({})", ("*",), "="), ("max({})", ("*",), "="), ("bool_and({})", (L,), L), ("bool_or({})", (L,), L),
    ("median({})", (D,), D), ("stddev_pop({})", (I,), D), ("var_samp({})", (I,), D), ("count_if({})", (L,), "hugeint"), ("sum({}) filter (where {})", (I, L), "hugeint"),
    ("string_agg({}, ',' order by id)", (S,), S), ("list({} order by id)", (I,), "integer[]"), ("quantile_disc({}, 0.5)", (I,), I), ("bit_xor({})", (I,), I),
    ("sum(distinct {})", (I,), "hugeint"),
]  # fmt: skip
WINDOWS = [
    ("row_number()", ()), ("rank()", ()), ("dense_rank()", ()), ("lag({})", ("*",)), ("lead({}, 2)", ("*",)), ("lag({}, 1, {})", ("*", "*")), ("first_value({})", ("*",)),
    ("last_value({})", ("*",)), ("sum({})", (I,)), ("count({})", ("*",)), ("min({})", ("*",)), ("max({})", ("*",)), ("avg({})", (I,)), ("ntile(3)", ()), ("cume_dist()", ()),
    ("nth_value({}, 2)", ("*",)), ("percent_rank()", ()), ("sum({})", (N,)), ("count(*)", ()), ("bool_or({})", (L,)),
]  # fmt: skip
FRAMES = [
    "",
    "",
    "rows between 1 preceding and 1 following",
    "rows 2 preceding",
    "rows between unbounded preceding and unbounded following",
    "rows between current row and unbounded following",
]


@dataclass
class Expression:
    """A tree: its SQL is `form` filled with the SQL of its operands."""

    kind: str
    form: str
    parts: list = field(default_factory=list)

    def sql(self):
        return self.form.format(*(part.sql() for part in self.parts)) if self.parts else self.form

    def smaller(self):
        """Returns trees of the same type with something left out, the smallest first."""
        if not self.parts:
            return
        yield Expression(self.kind, f"null::{self.kind}")
        if self.kind in LITERALS:
            yield Expression(self.kind, LITERALS[self.kind][1])
        for part in self.parts:
            if part.kind == self.kind:
                yield part
        for at, part in enumerate(self.parts):
            for less in part.smaller():
                yield Expression(self.kind, self.form, [*self.parts[:at], less, *self.parts[at + 1 :]])


class Expressions:
    """Generates expressions over the columns in scope: {type: [SQL of a column]}."""

    def __init__(self, rng):
        self.rng = rng

    def make(self, kind, scope, depth):
        rng = self.rng
        if depth <= 0 or rng.random() < 0.15:
            return self.leaf(kind, scope)
        form, wanted = rng.choice(RULES[kind] if rng.random() < 0.8 else EVERYWHERE)
        return Expression(kind, form, self.parts(wanted, kind, scope, depth))

    def parts(self, wanted, kind, scope, depth):
        free = self.rng.choice(TYPES)
        types = [free if part == "*" else kind if part == "=" else part for part in wanted]
        return [self.make(part, scope, depth - 1) for part in types]

    def leaf(self, kind, scope):
        columns = scope.get(kind, [])
        if columns and self.rng.random() < 0.75:
            return Expression(kind, self.rng.choice(columns))
        return Expression(kind, self.rng.choice(LITERALS[kind]))

    def aggregate(self, scope, depth):
        form, wanted, result = self.rng.choice(AGGREGATES)
        free = self.rng.choice(TYPES)
        types = [free if part == "*" else part for part in wanted]
        kind = types[0] if result == "=" else result
        return Expression(kind, form, [self.make(part, scope, depth - 1) for part in types])

    def window(self, scope, depth, ids):
        """Returns a window function with a total order, so that its rows are deterministic."""
        form, wanted = self.rng.choice(WINDOWS)
        free = self.rng.choice(TYPES)
        parts = [self.make(free if part == "*" else part, scope, depth - 1) for part in wanted]
        partition = self.rng.choice(["", "partition by {} "])
        if partition:
            parts.append(self.make(self.rng.choice(TYPES), scope, 1))
        parts.append(self.make(self.rng.choice(TYPES), scope, 1))
        direction = self.rng.choice(["", " desc", " nulls first", " desc nulls last"])
        frame = (
            self.rng.choice(FRAMES)
            if form.startswith(("sum", "min", "max", "count", "avg", "first", "last", "nth", "bool"))
            else ""
        )
        over = f"{form} over ({partition}order by {{}}{direction}, {ids} {frame})"
        return Expression("any", over, parts)
