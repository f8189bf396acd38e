"""Our own statements: templates over values (`expressions/*.yml`) and queries by theme (`queries/*.sql`).

A file of expressions is a list of tests:

    - over: {x: integer, y: integer}      # sets of `values.yml`; every pair is tried
      try: ["$x + $y", "$x // $y"]
    - try: |                              # without values, one per line
        upper('straße')

Each expression is evaluated twice: as a constant for each choice of values, and over a table of all choices
for which DuckDB has no error, because engines fold constants and evaluate columns with different code.
`only: column` or `only: constant` evaluates it once.
"""

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
PARAMETER = re.compile(r"\$([a-z]\w*)")


@dataclass
class Case:
    theme: str
    sql: str
    tables: bool = False  # reads the tables of `tables.sql`
    form: str = ""  # the template, by which findings are grouped


@dataclass
class Template:
    """An expression and the choices of values to evaluate it with."""

    theme: str
    text: str
    choices: list  # of {parameter: value}
    constant: bool = True
    column: bool = True

    def constants(self):
        for choice in self.choices:
            yield choice, Case(self.theme, f"select {fill(self.text, choice)} as r", form=self.text)

    def over_columns(self, choices):
        """Returns one query for all these choices."""
        names = list(choices[0])
        rows = ", ".join(
            f"(cast({at} as integer), {', '.join(choice[name] for name in names)})"
            for at, choice in enumerate(choices)
        )
        text = fill(self.text, {name: f"t.{name}" for name in names})
        return Case(
            self.theme,
            f"select i, {text} as r from (values {rows}) as t(i, {', '.join(names)}) order by i",
            form=self.text,
        )


def fill(text, choice):
    return PARAMETER.sub(lambda found: choice.get(found[1], found[0]), text)


def value_sets():
    """Returns the values of each set as SQL."""
    made = {}
    for name, spec in load(HERE / "expressions/values.yml").items():
        kind = spec.get("type")
        cast = (lambda text, kind=kind: f"cast({text} as {kind})") if kind else (lambda text: text)
        made[name] = [cast(text) for text in spec["values"]]
    return made


def load(path):
    """Loads YAML with all scalars as text: `1_000` and `null` are SQL here."""
    return yaml.load(path.read_text(), yaml.BaseLoader)


def templates(themes=None):
    sets = value_sets()
    for path in sorted((HERE / "expressions").glob("*.yml")):
        if path.stem == "values" or (themes and path.stem not in themes):
            continue
        for test in load(path):
            over = test.get("over", {})
            # A parameter over several sets: `x: [integer, double]` tries each set separately.
            names = list(over)
            for chosen in itertools.product(
                *(value if isinstance(value, list) else [value] for value in over.values())
            ):
                choices = [
                    dict(zip(names, values)) for values in itertools.product(*(sets[name] for name in chosen))
                ]
                types = test.get("types", [None])
                tried = test["try"]
                tried = tried.splitlines() if isinstance(tried, str) else tried
                for kind, text in itertools.product(types, tried):
                    text = text if kind is None else text.replace("@T", kind)
                    only = test.get("only")
                    yield Template(
                        path.stem, text, choices, only != "column", bool(names) and only != "constant"
                    )


def queries(themes=None):
    for path in sorted((HERE / "queries").glob("*.sql")):
        if themes and path.stem not in themes:
            continue
        for sql in statements(path.read_text()):
            yield Case(path.stem, sql, True)


def statements(text):
    """Returns the statements of a file. Each ends with a semicolon at the end of a line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [sql.strip() for sql in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)) if sql.strip()]
