"""Compares Headwater's column lineage with that of dbt-colibri, which parses the compiled SQL with sqlglot.

    python lineage.py BINARY PROJECT_DIR TARGET_DIR

TARGET_DIR contains the project's manifest.json and catalog.json. Both tools must find the same source columns
for the same columns, except where dbt-colibri can't know them:

- models for which it finds nothing: it fails on SQL that reads the model's own table, and on a join that
  sqlglot can't resolve (`right semi join`);
- the columns that a snapshot adds, which aren't in the compiled SQL.

Prints the number of edges and the models on which dbt-colibri failed. If there are other differences, prints
the edges that only one tool found and ends with exit code 1.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from check import ColumnEdge, column_edges

SNAPSHOT_COLUMNS = {"dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_is_deleted"}


def run(binary: Path, project: Path, *args: str) -> str:
    """Returns the output of a command."""
    command = [str(binary), *args, "--project-dir", str(project), "--quiet"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def own_edges(binary: Path, project: Path) -> set[ColumnEdge]:
    """Returns the source columns of each column of each model and snapshot."""
    listed = run(binary, project, "ls", "--resource-type", "model", "snapshot", "--output", "name")
    found = set()
    for name in listed.split():
        told: dict[str, Any] = json.loads(run(binary, project, "lineage", name, "--upstream", "--format", "json"))
        for edge in told["edges"]:
            source, target = edge["from"], edge["to"]
            found.add(ColumnEdge(source["node"], source["column"], target["node"], target["column"]))
    return found


def is_added(edge: ColumnEdge) -> bool:
    """Returns whether an edge leads to a column that a snapshot adds."""
    return edge.target.startswith("snapshot.") and edge.target_column in SNAPSHOT_COLUMNS


def main() -> int:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("binary", type=Path)
    arguments.add_argument("project", type=Path)
    arguments.add_argument("target", type=Path)
    asked = arguments.parse_args()
    theirs = column_edges(asked.target / "manifest.json", asked.target / "catalog.json")
    own = own_edges(asked.binary, asked.project)
    given_up = {edge.target for edge in own} - {edge.target for edge in theirs}
    only_own = {edge for edge in own - theirs if not is_added(edge) and edge.target not in given_up}
    only_theirs = theirs - own
    print(f"{len(own & theirs)} edges found by both, {len(own - theirs) - len(only_own)} that dbt-colibri can't know")
    for node in sorted(given_up):
        print(f"dbt-colibri finds nothing of {node}")
    for title, edges in (("only Headwater", only_own), ("only dbt-colibri", only_theirs)):
        for edge in sorted(edges):
            print(f"{title}: {edge}")
    return 1 if only_own or only_theirs or not own & theirs else 0


if __name__ == "__main__":
    sys.exit(main())
