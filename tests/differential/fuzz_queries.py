"""Random SELECTs over random tables: joins, aggregates, windows, set operations, subqueries, CTEs."""

import dataclasses
from dataclasses import dataclass, field

from fuzz_expressions import LITERALS, TYPES, Expression, Expressions

JOINS = ["join", "left join", "right join", "full join", "join", "left join"]


@dataclass
class Query:
    items: list  # of Expression
    source: str
    joins: list = field(default_factory=list)  # of (kind, table, alias, Expression)
    where: Expression = None
    groups: list = field(default_factory=list)
    having: Expression = None
    qualify: Expression = None
    distinct: bool = False
    limit: str = ""
    ordered: bool = False
    names: list = None
    more: tuple = None  # a set operation and its other query
    wrapped: tuple = None  # of (where, items) around this query as a CTE or a subquery

    def sql(self):
        names = [f"c{at}" for at in range(len(self.items))]
        items = ", ".join(f"{item.sql()} as {name}" for item, name in zip(self.items, names))
        text = f"select {'distinct ' if self.distinct else ''}{items} from {self.source}"
        for kind, table, alias, condition in self.joins:
            text += f" {kind} {table} {alias}" + (f" on {condition.sql()}" if condition else "")
        if self.where:
            text += f" where {self.where.sql()}"
        if self.groups:
            text += " group by " + ", ".join(group.sql() for group in self.groups)
        if self.having:
            text += f" having {self.having.sql()}"
        if self.qualify:
            text += f" qualify {self.qualify.sql()}"
        if self.more:
            text += f" {self.more[0]} {self.more[1].sql()}"
        if self.ordered:
            text += " order by " + ", ".join(str(at + 1) for at in range(len(self.items))) + self.limit
        return text

    def smaller(self):
        """Returns queries with something left out, the largest cuts first."""
        replace = dataclasses.replace
        if self.more:
            yield replace(self, more=None)
            yield replace(self.more[1], more=None)
        if self.limit or self.ordered:
            yield replace(self, limit="", ordered=False)
        for name in ("qualify", "having", "where"):
            if getattr(self, name):
                yield replace(self, **{name: None})
        if self.distinct:
            yield replace(self, distinct=False)
        if len(self.joins) > 0:
            yield replace(self, joins=self.joins[:-1])
        if len(self.items) > 1 and not self.more:
            for at in range(len(self.items)):
                yield replace(self, items=[item for place, item in enumerate(self.items) if place != at])
        for name in ("where", "having", "qualify"):
            if getattr(self, name):
                for less in getattr(self, name).smaller():
                    yield replace(self, **{name: less})
        for at, item in enumerate(self.items):
            for less in item.smaller():
                if not self.groups or less.sql() != item.sql():
                    yield replace(self, items=[*self.items[:at], less, *self.items[at + 1 :]])
        for at, (kind, table, alias, condition) in enumerate(self.joins):
            if condition:
                for less in condition.smaller():
                    yield replace(
                        self, joins=[*self.joins[:at], (kind, table, alias, less), *self.joins[at + 1 :]]
                    )


class Queries:
    """Generates queries over tables: {name: {column: type}}."""

    def __init__(self, rng, tables):
        self.rng, self.tables = rng, tables
        self.expressions = Expressions(rng)

    def scope(self, table, alias):
        made = {}
        for column, kind in self.tables[table].items():
            made.setdefault(kind, []).append(f"{alias}.{column}")
        return made

    def make(self, types=None):
        rng, make = self.rng, self.expressions.make
        table = rng.choice(sorted(self.tables))
        scope, ids = self.scope(table, "a"), ["a.id"]
        query = Query([], f"{table} a")
        for alias in "bc"[: rng.choice([0, 0, 1, 1, 2])]:
            other = rng.choice(sorted(self.tables))
            more = self.scope(other, alias)
            scope = {kind: scope.get(kind, []) + more.get(kind, []) for kind in {*scope, *more}}
            scope = dict(sorted(scope.items()))
            query.joins.append((rng.choice(JOINS), other, alias, self.condition(scope, ids[0], alias)))
            ids.append(f"{alias}.id")
        depth = rng.choice([1, 2, 2, 3])
        if rng.random() < 0.6:
            query.where = self.predicate(scope, depth, ids)
        shape = rng.random()
        if types:
            query.items = [make(kind, scope, depth) for kind in types]
        elif shape < 0.3:
            self.aggregate(query, scope, depth, ids)
        elif shape < 0.5:
            query.items = [Expression("integer", one) for one in ids]
            query.items += [
                self.expressions.window(scope, depth, ", ".join(ids)) for _ in range(rng.choice([1, 1, 2]))
            ]
            if rng.random() < 0.2:
                query.qualify = Expression(
                    "boolean",
                    f"row_number() over (partition by {{}} order by {', '.join(ids)}) <= 2",
                    [make(rng.choice(TYPES), scope, 1)],
                )
        else:
            kinds = [rng.choice(TYPES) for _ in range(rng.choice([1, 2, 3]))]
            query.items = [self.item(kind, scope, depth, ids) for kind in kinds]
            query.distinct = rng.random() < 0.2
            if rng.random() < 0.2:
                other = self.make([item.kind for item in query.items])
                query.more = (
                    rng.choice(
                        [
                            "union",
                            "union all",
                            "intersect",
                            "except",
                            "union all",
                            "intersect all",
                            "except all",
                        ]
                    ),
                    dataclasses.replace(other, ordered=False, limit=""),
                )
        if rng.random() < 0.4:
            query.ordered = True
            query.limit = rng.choice(["", "", " limit 3", " limit 5 offset 1"])
        return query

    def condition(self, scope, first, alias):
        rng = self.rng
        column = rng.choice([f"{first} = {alias}.id", f"{first} < {alias}.id", "", ""])
        more = self.expressions.make("boolean", scope, 1)
        if column:
            return (
                Expression("boolean", f"{column} and {{}}", [more])
                if rng.random() < 0.3
                else Expression("boolean", column)
            )
        kind = rng.choice([kind for kind in TYPES if kind != "boolean"])
        return Expression(
            "boolean",
            "({} = {})",
            [self.expressions.make(kind, scope, 1), self.expressions.make(kind, scope, 1)],
        )

    def predicate(self, scope, depth, ids):
        rng = self.rng
        made = self.expressions.make("boolean", scope, depth)
        if rng.random() < 0.25:
            table = rng.choice(sorted(self.tables))
            kind = rng.choice(["integer", "varchar", "date", "double"])
            inner = self.scope(table, "s")
            column = self.expressions.leaf(kind, inner)
            outer = self.expressions.make(kind, scope, 1)
            forms = [
                f"{{}} in (select {{}} from {table} s)", f"{{}} not in (select {{}} from {table} s where s.id > 2)", f"{{}} = (select max({{}}) from {table} s)",
                f"exists (select 1 from {table} s where s.id = {ids[0]} and {{}} = {{}})", f"not exists (select 1 from {table} s where s.id = {ids[0]} and {{}} < {{}})",
                f"{{}} <= (select min({{}}) from {table} s where s.id = {ids[0]})",
            ]  # fmt: skip
            return Expression(
                "boolean", f"({rng.choice(forms)} {rng.choice(['and', 'or'])} {{}})", [outer, column, made]
            )
        return made

    def item(self, kind, scope, depth, ids):
        rng = self.rng
        if rng.random() < 0.1:
            table = rng.choice(sorted(self.tables))
            inner = self.scope(table, "s")
            part = self.expressions.make(kind, inner, 1)
            return Expression(
                kind,
                f"(select {rng.choice(['max', 'min'])}({{}}) from {table} s where s.id {rng.choice(['=', '<', '<>'])} {ids[0]})",
                [part],
            )
        return self.expressions.make(kind, scope, depth)

    def aggregate(self, query, scope, depth, ids):
        rng = self.rng
        inner = {kind: columns for kind, columns in scope.items()}
        query.groups = [
            self.expressions.make(rng.choice(TYPES), scope, 1) for _ in range(rng.choice([0, 1, 1, 2]))
        ]
        query.groups = [group for group in query.groups if "." in group.sql()]
        aggregates = [self.expressions.aggregate(inner, depth) for _ in range(rng.choice([1, 2, 2]))]
        for one in aggregates:
            one.form = one.form.replace("order by id", f"order by {', '.join(ids)}").replace(
                "max_by(id,", f"max_by({ids[0]},"
            )
        query.items = [*query.groups, *aggregates]
        if rng.random() < 0.25:
            query.having = Expression(
                "boolean",
                rng.choice(["count(*) > 1", "count({}) >= 1", "max({}) is not null"]).replace(
                    "{}", rng.choice(ids)
                ),
            )


def tables(rng):
    """Returns random tables: {name: ({column: type}, [row as SQL])}."""
    made = {}
    for name in ("t0", "t1", "t2"):
        kinds = rng.sample(TYPES, rng.randint(3, 6))
        columns = {"id": "integer", **{f"{kind[0]}{at}": kind for at, kind in enumerate(kinds)}}
        count = rng.choice([0, 1, 5, 12, 30])
        rows = [[str(at)] + [rng.choice(LITERALS[kind]) for kind in kinds] for at in range(count)]
        made[name] = (columns, rows)
    return made
