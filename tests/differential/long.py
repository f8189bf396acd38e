"""Long and deep statements: they must be answered or rejected, and never kill the process."""

from corpus import Case


def shapes(n):
    """Returns statements of a size, by the part of them that grows."""
    numbers = range(n)
    yield "or", "select count(*) as r from people where " + " or ".join(f"id = {at}" for at in numbers)
    yield "and", "select count(*) as r from people where " + " and ".join(f"id <> {at + 9}" for at in numbers)
    yield "plus", "select " + " + ".join("id" for _ in numbers) + " as r from people where id = 1"
    yield "concatenation", "select " + " || ".join("name" for _ in numbers) + " as r from people where id = 1"
    yield "parentheses", "select " + "(" * n + "1" + ")" * n + " as r"
    yield "not", "select " + "not " * n + "true as r"
    yield "functions", "select " + "abs(" * n + "id" + ")" * n + " as r from people where id = 1"
    yield (
        "case",
        "select case "
        + " ".join(f"when id = {at} then {at}" for at in numbers)
        + " end as r from people order by id",
    )
    yield (
        "nested case",
        "select " + "case when id > 1 then 1 else " * n + "0" + " end" * n + " as r from people order by id",
    )
    yield "in", "select count(*) as r from people where id in (" + ", ".join(map(str, numbers)) + ")"
    yield (
        "columns",
        "select " + ", ".join(f"id + {at} as c{at}" for at in numbers) + " from people where id = 1",
    )
    yield (
        "ctes",
        "with c0 as (select 1 as x), "
        + ", ".join(f"c{at + 1} as (select x + 1 as x from c{at})" for at in numbers)
        + f" select x as r from c{n}",
    )
    yield "union", " union all ".join(f"select {at} as r" for at in numbers)
    yield (
        "values",
        "select count(*) as r from (values " + ", ".join(f"({at}, 'x')" for at in numbers) + ") t(a, b)",
    )
    yield "list", "select len([" + ", ".join(map(str, numbers)) + "]) as r"
    yield "text", f"select length('{'x' * n}') as r"


def nested(n):
    """Returns statements that nest queries or values, for which DuckDB's own limits are lower."""
    yield "subqueries", "select * from " + "(select * from " * n + "(select 1 as r)" + ")" * n
    yield "lists", "select " + "[" * n + "1" + "]" * n + " as r"
    yield "structs", "select " + "{'a': " * n + "1" + "}" * n + " as r"
    yield (
        "joins",
        "select count(*) as r from people p0 "
        + " ".join(f"join people p{at + 1} on p{at + 1}.id = p{at}.id" for at in range(n)),
    )
    yield "scalar subqueries", "select " + "(select 1 + " * n + "1" + ")" * n + " as r"
    yield (
        "exists",
        "select count(*) as r from people p where "
        + " and ".join("exists (select 1 from teams t where t.team = p.team)" for _ in range(n)),
    )


def cases():
    """Returns statements to compare, and statements that the probe must only survive."""
    for n, makers in ((90, (shapes,)), (12, (nested,))):
        for make in makers:
            for name, sql in make(n):
                yield Case("long", sql, True, f"{n} × {name}"), False
    for name, sql in [*shapes(3000), *nested(200)]:
        if name != "joins":
            yield Case("long", sql, True, f"many × {name}"), True
