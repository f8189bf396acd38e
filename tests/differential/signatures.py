"""Calls every function of DuckDB's catalog with arguments for each of its signatures, and runs the catalog's
own examples.

Only values are listed here: names and types come from `duckdb_functions()` at run time.
"""

import re

from apart import APART
from corpus import Case, value_sets

SETS = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "few_integers", "BIGINT": "small_number",
    "HUGEINT": "hugeint", "UTINYINT": "utinyint", "USMALLINT": "usmallint", "UINTEGER": "uinteger", "UBIGINT": "ubigint",
    "FLOAT": "float", "DOUBLE": "double", "DECIMAL": "decimal", "VARCHAR": "text", "BLOB": "blob", "UUID": "uuid", "DATE": "date",
    "TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp_s", "TIMESTAMP_MS": "timestamp_ms", "TIMESTAMP_NS": "timestamp_ns",
    "TIMESTAMP WITH TIME ZONE": "timestamptz", "TIME": "time", "INTERVAL": "interval", "JSON": "json", "ANY": "few_integers",
    "T": "text", "ANY[]": "int_list", "T[]": "text_list", "VARCHAR[]": "text_list", "BIGINT[]": "int_list", "DOUBLE[]": "double_list",
    "BOOLEAN[]": "boolean_list", "INTEGER[]": "int_list", "STRUCT": "struct", "MAP": "map", "K": "text", "MAP(K, V)": "map",
    "JSON[]": "json_list", "ANY[][]": "nested_list", "T[][]": "nested_list",
}  # fmt: skip
# The column of the table `types` (or `nested`) with a type.
COLUMNS = {
    "BOOLEAN": "b", "TINYINT": "t", "SMALLINT": "s", "INTEGER": "i", "BIGINT": "l", "HUGEINT": "h::hugeint", "FLOAT": "f",
    "DOUBLE": "d", "DECIMAL": "n", "VARCHAR": "v", "BLOB": "x", "DATE": "dt", "TIMESTAMP": "ts", "TIMESTAMP WITH TIME ZONE": "tz",
    "INTERVAL": "(ts - timestamp '2000-01-01')", "ANY": "i", "T": "v", "ANY[]": "[i, id]", "TIME": "cast(ts as time)",
}  # fmt: skip
# The second types for arg_max and min_by; aliases and other types run the same code.
PAIRED = ("BIGINT", "DOUBLE", "VARCHAR")
CHOICES = 5  # of arguments for each signature
LEFT_OUT = re.compile(r"^(__.*|icu_.*|st_.*|.*_resize|range|generate_series|array_(cross|distance|inner|neg|dot|cos).*|finalize|combine|.*_to_variant|variant_.*|.*geom.*|sleep_ms|"
                      r"parse_duckdb_log_message|enum_.*|union_.*|bit.*|set_bit|get_bit|timetz.*|normalized_interval|make_type|replace_type|"
                      r"get_type|current_.*|in_search_path|nextval|setseed|is_histogram_other_bin|.*_random_.*|getvariable|unpivot_list|"
                      r"has_.*_privilege|format_.*type|query|json_.*serialize.*|to_binary|stats)$")  # fmt: skip


def scalars(duck):
    """Returns calls of every scalar function."""
    sets = value_sets()
    query = """select distinct function_name, parameter_types, varargs from duckdb_functions()
               where function_type = 'scalar' and function_name similar to '[a-z_0-9]+' order by all"""
    for name, types, varargs in duck.connection.execute(query).fetchall():
        if LEFT_OUT.match(name) or APART.fullmatch(name):
            continue
        types = list(types) + ([varargs] * 2 if varargs else [])
        chosen = [SETS.get(kind) for kind in types]
        if None in chosen:
            continue
        values = [sets[one] for one in chosen]
        form = f"{name}({', '.join(types)})"
        # Arguments step through their sets at different paces, so that NULLs and extremes are combined with
        # others.
        for at in range(CHOICES if values else 1):
            arguments = [options[at * (1 + place) % len(options)] for place, options in enumerate(values)]
            yield Case("signatures", f"select {name}({', '.join(arguments)}) as r", form=form)


def aggregates(duck):
    """Returns calls of every aggregate over the columns of the table of types: with all rows, in groups and
    without rows."""
    query = """select distinct function_name, parameter_types from duckdb_functions()
               where function_type = 'aggregate' and function_name similar to '[a-z_0-9]+' order by all"""
    for name, types in duck.connection.execute(query).fetchall():
        columns = [COLUMNS.get(kind) for kind in types]
        if (
            None in columns
            or LEFT_OUT.match(name)
            or name in ("reservoir_quantile", "approx_quantile", "approx_top_k")
        ):
            continue
        if (
            len(columns) > 1
            and name.startswith(("arg", "m"))
            and (types[1] not in PAIRED or name not in ("arg_max", "min_by"))
        ):
            continue
        if len(columns) > 1 and name.startswith(("quantile", "approx", "percentile")):
            columns[1] = "0.5"
        if len(columns) == 3:
            columns[2] = "2"
        call = f"{name}({', '.join(columns)}{' order by id' if name in ('first', 'last', 'list', 'array_agg', 'string_agg', 'any_value', 'arbitrary', 'group_concat', 'listagg') else ''})"
        form = f"{name}({', '.join(types)})"
        for where in ("id in (4, 5, 6)", "id in (5, 6)", "id = 3", "false", "true"):
            yield Case("aggregate signatures", f"select {call} as r from types where {where}", True, form)
        yield Case(
            "aggregate signatures", f"select b, {call} as r from types where id > 2 group by b", True, form
        )


def documented(duck):
    """Returns the examples that DuckDB's catalog gives for its scalar functions."""
    query = """select distinct function_name, unnest(examples) from duckdb_functions() where function_type = 'scalar' order by all"""
    for name, example in duck.connection.execute(query).fetchall():
        example = example.strip().rstrip(";")
        if LEFT_OUT.match(name) or APART.search(name) or APART.search(example):
            continue
        yield Case("documented", f"select {example} as r", form=example)
