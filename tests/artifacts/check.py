"""Reads artifacts in dbt's formats with clients built for dbt's own, and checks that the files agree.

    python check.py TARGET_DIR [--sources]

TARGET_DIR contains manifest.json, catalog.json, run_results.json, graph_summary.json and, optionally,
sources.json, which `--sources` requires. Prints a line per check. If a check fails, prints its faults below
its line and ends with exit code 1.

- dbt-core: each file matches the JSON schema of dbt-core's own classes, and its reader accepts the file. When
  dbt-core writes the file again, the keys are the same: none is missing and none is new.
- dbt-artifacts-parser accepts each file as the newest version of its kind.
- dagster-dbt creates assets from the manifest, with the dependencies of parent_map, and selects the ancestors
  of the last one.
- dbt-colibri reads column lineage from the compiled SQL and the catalog; `column_edges` returns its result.
- The files are consistent in themselves and with each other.

No client opens a connection.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from dagster import AssetExecutionContext
from dagster_dbt import DagsterDbtTranslator, build_dbt_asset_selection, dbt_assets
from dbt.artifacts.schemas.base import ArtifactMixin
from dbt.artifacts.schemas.catalog import CatalogArtifact
from dbt.artifacts.schemas.freshness import FreshnessExecutionResultArtifact
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.artifacts.schemas.run import RunResultsArtifact
from dbt.contracts.project import ProjectFlags
from dbt.flags import set_from_args
from dbt_artifacts_parser import parser
from jsonschema.exceptions import ValidationError
from jsonschema.validators import validator_for

os.environ.update(DO_NOT_TRACK="1", DBT_COLIBRI_NO_VERSION_CHECK="1")

SHOWN = 20  # faults listed for each check
WIDTH = 300  # characters of each

Json = dict[str, Any]
Faults = Iterable[str]
Graph = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class Format:
    """A class of dbt-core and a function of dbt-artifacts-parser that read one of dbt's formats."""

    artifact: type[ArtifactMixin]
    parse: Callable[[Json], object]


FORMATS = {
    "manifest": Format(WritableManifest, parser.parse_manifest_v12),
    "catalog": Format(CatalogArtifact, parser.parse_catalog_v1),
    "run_results": Format(RunResultsArtifact, parser.parse_run_results_v6),
    "sources": Format(FreshnessExecutionResultArtifact, parser.parse_sources_v3),
}
REQUIRED = ["manifest", "catalog", "run_results", "graph_summary"]

# The nodes of the manifest's graph: the collections whose entries are in parent_map and child_map.
GRAPH = [
    "nodes",
    "sources",
    "exposures",
    "functions",
    "metrics",
    "semantic_models",
    "saved_queries",
    "unit_tests",
]
COLLECTIONS = [*GRAPH, "macros", "docs", "groups"]


class Target:
    """The artifacts in one directory."""

    def __init__(self, directory: Path, names: list[str]) -> None:
        self.directory = directory
        self.documents: dict[str, Json] = {name: load(self.path(name)) for name in names}

    def path(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    @property
    def manifest(self) -> Json:
        return self.documents["manifest"]


def load(path: Path) -> Any:
    """Loads a JSON file. Raises OSError or ValueError, which name the file."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


# dbt-core


def schema_faults(target: Target, name: str) -> Faults:
    """Returns where a file violates the schema that dbt-core generates from its own class."""
    schema = FORMATS[name].artifact.json_schema()
    for error in validator_for(schema)(schema).iter_errors(target.documents[name]):
        for leaf in leaves(error):
            yield f"{json_path(leaf.absolute_path)}: {leaf.message}"


def leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yields an error, or if no branch of a union fits, the errors of the branch that was most likely
    intended."""
    if not error.context:
        yield error
        return
    branches = defaultdict(list)
    for inner in error.context:
        branches[inner.schema_path[0]].append(inner)
    for inner in min(branches.values(), key=misfit):
        yield from leaves(inner)


def misfit(errors: list[ValidationError]) -> tuple[bool, int]:
    """Ranks how badly a branch fits: first by whether it is another kind of object, then by its number of
    errors."""
    other_kind = any(
        list(error.path) == ["resource_type"] or (not error.path and error.validator == "type") for error in errors
    )
    return other_kind, len(errors)


def json_path(parts: Iterable[str | int]) -> str:
    """Returns a position in a document, such as `$.nodes["model.shop.orders"].fqn[0]`."""
    steps = (f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{json.dumps(part)}]" for part in parts)
    return "$" + "".join(steps)


def read(target: Target, name: str) -> ArtifactMixin:
    """Reads a file with dbt-core. Files of other dbt versions are read according to flags, which dbt's
    commands set."""
    set_from_args(Namespace(), ProjectFlags())
    return FORMATS[name].artifact.read_and_check_versions(str(target.path(name)))


def reader_faults(target: Target, name: str) -> Faults:
    """Returns nothing: dbt-core's reader raises an error for invalid files."""
    read(target, name)
    return []


def key_faults(target: Target, name: str) -> Faults:
    """Returns the keys that only dbt-core or only Headwater writes."""
    rewritten = read(target, name).to_dict(omit_none=False, context={"artifact": True})
    yield from differing_keys(target.documents[name], rewritten)


def differing_keys(ours: Any, dbts: Any, path: tuple[str | int, ...] = ()) -> Faults:
    """Returns the positions at which two equal documents, apart from the notation of values, have different
    keys."""
    if isinstance(ours, dict) and isinstance(dbts, dict):
        yield from (f"{json_path(path)}: {key!r} is missing" for key in dbts if key not in ours)
        yield from (f"{json_path(path)}: dbt writes no {key!r} here" for key in ours if key not in dbts)
        for key in ours:
            yield from differing_keys(ours[key], dbts.get(key), (*path, key))
    elif isinstance(ours, list) and isinstance(dbts, list):
        for position, (our, dbt) in enumerate(zip(ours, dbts)):
            yield from differing_keys(our, dbt, (*path, position))


# dbt-artifacts-parser


def parser_faults(target: Target, name: str) -> Faults:
    """Returns nothing: dbt-artifacts-parser raises an error for invalid files."""
    FORMATS[name].parse(target.documents[name])
    return []


# dagster-dbt


def dagster_faults(target: Target) -> Faults:
    """Returns where dagster-dbt's assets, their dependencies or a selection of them differ from the manifest."""

    @dbt_assets(manifest=target.path("manifest"))
    def assets(context: AssetExecutionContext):
        """Never runs."""

    manifest = target.manifest
    tables = [unique_id for unique_id in manifest["nodes"] if is_asset(manifest, unique_id)]
    if not tables:
        yield "the manifest has no model, seed or snapshot to make an asset of"
        return
    translator = DagsterDbtTranslator()
    keys = {
        unique_id: translator.get_asset_spec(manifest, unique_id, None).key
        for unique_id in [*tables, *manifest["sources"]]
    }
    yield from differences(
        "the dependencies of asset",
        {keys[table]: {keys[parent] for parent in asset_parents(manifest, table)} for table in tables},
        {spec.key: {dependency.asset_key for dependency in spec.deps} for spec in assets.specs},
    )
    last = max(tables, key=lambda table: len(ancestors(manifest["parent_map"], table)))
    upstream = {last} | ancestors(manifest["parent_map"], last)
    selection = f"+{'.'.join(manifest['nodes'][last]['fqn'])}"
    yield from differences(
        "the assets of selection",
        {selection: {keys[table] for table in tables if table in upstream}},
        {selection: build_dbt_asset_selection([assets], dbt_select=selection).resolve([assets])},
    )


def is_asset(manifest: Json, unique_id: str) -> bool:
    """Returns whether Dagster has an asset for a node."""
    node = manifest["nodes"].get(unique_id)
    kinds = {"model", "seed", "snapshot"}
    return bool(node) and node["resource_type"] in kinds and node["config"]["materialized"] != "ephemeral"


def asset_parents(manifest: Json, unique_id: str) -> set[str]:
    """Returns the sources and assets that a node reads. Dagster looks through ephemeral models."""
    found: set[str] = set()
    for parent in manifest["parent_map"][unique_id]:
        seen = parent in manifest["sources"] or is_asset(manifest, parent)
        found |= {parent} if seen else asset_parents(manifest, parent)
    return found


# dbt-colibri


class Refused(Exception):
    """An error from a client."""


class ColumnEdge(NamedTuple):
    """A column and one that is computed from it. Nodes are unique IDs."""

    source: str
    source_column: str
    target: str
    target_column: str


def column_edges(manifest: Path, catalog: Path) -> set[ColumnEdge]:
    """Returns the column lineage that dbt-colibri finds, without columns that only filter or join."""
    return edges_of(colibri_report(load(manifest), load(catalog))[0])


def edges_of(report: Json) -> set[ColumnEdge]:
    """Returns the edges of a report that have a column at both ends."""
    return {
        ColumnEdge(edge["source"], edge["sourceColumn"], edge["target"], edge["targetColumn"])
        for edge in report["lineage"]["edges"]
        if edge["sourceColumn"] and edge["targetColumn"]
    }


def colibri_report(manifest: Json, catalog: Json) -> tuple[Json, list[Json]]:
    """Returns dbt-colibri's report and the nodes whose SQL it couldn't resolve."""
    with TemporaryDirectory() as directory:
        scratch = Path(directory)
        for name, document in (("manifest", manifest), ("catalog", catalog)):
            (scratch / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        colibri = str(Path(sys.executable).with_name("colibri"))
        files = ["--manifest", "manifest.json", "--catalog", "catalog.json", "--output-dir", "."]
        run = subprocess.run([colibri, "generate", "--light", *files], cwd=scratch, capture_output=True, text=True)
        if run.returncode != 0:
            raise Refused(f"exit code {run.returncode}: {(run.stdout + run.stderr)[-WIDTH:]}")
        unresolved = scratch / "colibri-parsing-errors.json"
        return load(scratch / "colibri-manifest.json"), load(unresolved) if unresolved.exists() else []


def colibri_faults(target: Target) -> Faults:
    """Returns nodes whose SQL dbt-colibri can't resolve, and lineage edges that leave the manifest."""
    manifest = target.manifest
    report, unresolved = colibri_report(manifest, target.documents["catalog"])
    for error in unresolved:
        if not reads_itself(manifest["nodes"][error["node_id"]]):
            yield f"{error['node_id']}: {error['error_type']}: {error['error_message']}"
    lineage = edges_of(report)
    if not lineage:
        yield "no column has lineage"
    known = members(manifest)
    for edge in sorted(lineage):
        yield from (f"{end} of {edge} is not in the manifest" for end in (edge.source, edge.target) if end not in known)


def reads_itself(node: Json) -> bool:
    """Returns whether a model's SQL names its own table, whose columns dbt-colibri doesn't look up."""
    return bool(node["relation_name"]) and node["relation_name"] in (node.get("compiled_code") or "")


# Agreement


def members(manifest: Json) -> dict[str, Json]:
    """Returns the nodes of the manifest's graph by unique ID."""
    return {unique_id: entry for collection in GRAPH for unique_id, entry in manifest[collection].items()}


def ancestors(parents: Graph, member: str) -> set[str]:
    """Returns all nodes that can be reached from a member, without the member itself."""
    found, waiting = set(), [*parents.get(member, ())]
    while waiting:
        ancestor = waiting.pop()
        if ancestor not in found:
            found.add(ancestor)
            waiting.extend(parents.get(ancestor, ()))
    return found


def inverse(graph: Graph) -> dict[str, list[str]]:
    """Returns a graph with its edges reversed. Each list is sorted, as in dbt's maps."""
    turned: dict[str, list[str]] = {member: [] for member in graph}
    for member, others in graph.items():
        for other in others:
            turned.setdefault(other, []).append(member)
    return {member: sorted(others) for member, others in turned.items()}


def differences(what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> Faults:
    """Returns the entries in which two maps differ."""
    yield from (f"{what} {key}: missing" for key in expected if key not in found)
    yield from (f"{what} {key}: should not be there" for key in found if key not in expected)
    for key, value in expected.items():
        if key in found and found[key] != value:
            yield f"{what} {key}: {difference(value, found[key])}"


def difference(expected: Any, found: Any) -> str:
    """Describes the difference of two values; for lists and sets, only the items that they don't share."""
    if not isinstance(expected, (list, set)):
        return f"{found}, expected {expected}"
    lost = [str(item) for item in expected if item not in found]
    extra = [str(item) for item in found if item not in expected]
    return f"without {lost}, with {extra}" if lost or extra else f"{found}, expected {expected}"


def manifest_faults(target: Target) -> Faults:
    """Returns the contradictions within the manifest."""
    manifest = target.manifest
    yield from identity_faults(manifest)
    yield from reference_faults(manifest)
    yield from map_faults(manifest)


def identity_faults(manifest: Json) -> Faults:
    """Returns entries whose unique ID isn't their key, or doesn't begin with their kind and package."""
    listed = [item for collection in COLLECTIONS for item in manifest[collection].items()]
    listed += [(unique_id, entry) for unique_id, entries in manifest["disabled"].items() for entry in entries]
    for unique_id, entry in listed:
        beginning = f"{entry['resource_type']}.{entry['package_name']}."
        if entry["unique_id"] != unique_id or not unique_id.startswith(beginning):
            yield f"{unique_id}: its entry calls itself {entry['unique_id']}, of {beginning}"


def reference_faults(manifest: Json) -> Faults:
    """Returns the unique IDs and groups that are referenced but don't exist."""
    known = {unique_id for collection in [*COLLECTIONS, "disabled"] for unique_id in manifest[collection]}
    groups = {group["name"] for group in manifest["groups"].values()}
    for collection in COLLECTIONS:
        for unique_id, entry in manifest[collection].items():
            yield from (f"{unique_id} names {other}: not there" for other in named(entry) if other not in known)
            if entry.get("group") is not None and entry["group"] not in groups:
                yield f"{unique_id} is in group {entry['group']}: not there"


def named(entry: Json) -> Iterator[str]:
    """Yields the unique IDs in an entry, except its own."""
    depends_on = entry.get("depends_on", {})
    yield from depends_on.get("nodes", [])
    yield from depends_on.get("macros", [])
    yield from (cte["id"] for cte in entry.get("extra_ctes", []))
    for described in [entry, *entry.get("columns", {}).values()]:
        yield from described.get("doc_blocks", [])
    if entry.get("attached_node") is not None:
        yield entry["attached_node"]


def map_faults(manifest: Json) -> Faults:
    """Returns where parent_map, child_map and group_map contradict the entries, and dependency cycles."""
    parents = {
        unique_id: sorted(entry.get("depends_on", {}).get("nodes", []))
        for unique_id, entry in members(manifest).items()
    }
    groups: dict[str, list[str]] = {group["name"]: [] for group in manifest["groups"].values()}
    for unique_id, node in manifest["nodes"].items():
        if node["group"] is not None:
            groups.setdefault(node["group"], []).append(unique_id)
    yield from differences("parent_map of", parents, in_order(manifest["parent_map"]))
    yield from differences("child_map of", inverse(parents), in_order(manifest["child_map"]))
    yield from differences("group_map of", in_order(groups), in_order(manifest["group_map"]))
    yield from cycle_faults("parent_map", manifest["parent_map"])


def in_order(graph: Graph) -> dict[str, list[str]]:
    """Returns a graph with each list sorted."""
    return {member: sorted(others) for member, others in graph.items()}


def cycle_faults(what: str, graph: Graph) -> Faults:
    """Returns a dependency cycle in a graph, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"{what} goes in a circle: {' -> '.join(error.args[1])}"


def catalog_faults(target: Target) -> Faults:
    """Returns catalog tables that are missing in the manifest or have another name there, and columns out of
    order."""
    for collection in ("nodes", "sources"):
        for unique_id, table in target.documents["catalog"][collection].items():
            entry = target.manifest[collection].get(unique_id)
            if entry is None:
                yield f"{unique_id} is not among the manifest's {collection}"
                continue
            yield from differences(f"{unique_id}:", expected_table(unique_id, entry), table_names(table))
            yield from column_faults(unique_id, table["columns"])


def expected_table(unique_id: str, entry: Json) -> dict[str, str]:
    """Returns the names that the catalog should have for a node or source of the manifest."""
    name = entry["identifier"] if entry["resource_type"] == "source" else entry["alias"]
    return {"unique_id": unique_id, "schema": entry["schema"].lower(), "name": name.lower()}


def table_names(table: Json) -> dict[str, str]:
    """Returns the catalog's names of a table. dbt compares names case-insensitively."""
    metadata = table["metadata"]
    return {"unique_id": table["unique_id"], "schema": metadata["schema"].lower(), "name": metadata["name"].lower()}


def column_faults(unique_id: str, columns: Json) -> Faults:
    """Returns columns under another column's name, and positions other than 1, 2, 3 …"""
    yield from differences(
        f"{unique_id}: the column",
        {name: (name, place) for place, name in enumerate(columns, start=1)},
        {name: (column["name"], column["index"]) for name, column in columns.items()},
    )


def run_results_faults(target: Target) -> Faults:
    """Returns results that don't belong to a node of the manifest, and duplicates."""
    yield from result_faults(target.documents["run_results"], members(target.manifest))


def sources_faults(target: Target) -> Faults:
    """Returns results that don't belong to a source of the manifest, and duplicates."""
    yield from result_faults(target.documents["sources"], target.manifest["sources"])


def result_faults(document: Json, known: Mapping[str, Json]) -> Faults:
    """Returns results of unknown nodes, and second results of one node."""
    seen = set()
    for result in document["results"]:
        unique_id = result["unique_id"]
        if unique_id not in known:
            yield f"{unique_id} is not in the manifest"
        if unique_id in seen:
            yield f"{unique_id} has two results"
        seen.add(unique_id)


def summary_faults(target: Target) -> Faults:
    """Returns where the graph summary's graph differs from the manifest's, or its tests block the wrong
    nodes."""
    known = members(target.manifest)
    summary = target.documents["graph_summary"]
    linked = children_of(summary["linked"])
    yield from kind_faults("linked", summary["linked"], known)
    yield from differences("linked: the children of", in_order(target.manifest["child_map"]), in_order(linked))
    if "with_test_edges" in summary:
        yield from kind_faults("with_test_edges", summary["with_test_edges"], known)
        yield from gate_faults(target.manifest, linked, children_of(summary["with_test_edges"]))


def children_of(summary: Json) -> dict[str, list[str]]:
    """Returns the graph of a summary, whose nodes are numbered."""
    return {
        node["name"]: [summary[str(number)]["name"] for number in node.get("succ", [])] for node in summary.values()
    }


def kind_faults(what: str, summary: Json, known: Mapping[str, Json]) -> Faults:
    """Returns nodes that aren't in both the summary and the manifest, or have another kind there."""
    yield from differences(
        f"{what}: the type of",
        {unique_id: entry["resource_type"] for unique_id, entry in known.items()},
        {node["name"]: node["type"] for node in summary.values()},
    )


def gate_faults(manifest: Json, linked: Graph, gated: Graph) -> Faults:
    """Returns where the second graph isn't the first plus edges that make nodes wait for tests, as in dbt.

    A node waits for each test that reads only ancestors of the node. Edges that others imply may be left out.
    """
    yield from cycle_faults("with_test_edges", gated)
    gates = {(test, node) for node in manifest["nodes"] for test in tests_before(manifest, node)}
    missing, extra = edges(linked) - edges(gated), edges(gated) - edges(linked) - gates
    yield from (f"with_test_edges: {parent} -> {child} is missing" for parent, child in sorted(missing))
    yield from (f"with_test_edges: no reason for {parent} -> {child}" for parent, child in sorted(extra))
    before = inverse(gated)
    for test, node in sorted(gates):
        if test not in ancestors(before, node):
            yield f"with_test_edges: {node} doesn't wait for {test}"


def edges(graph: Graph) -> set[tuple[str, str]]:
    """Returns the edges of a graph as pairs."""
    return {(member, other) for member, others in graph.items() for other in others}


def tests_before(manifest: Json, unique_id: str) -> list[str]:
    """Returns the tests that a node waits for."""
    nodes = manifest["nodes"]
    if nodes[unique_id]["resource_type"] == "test":
        return []
    upstream = ancestors(manifest["parent_map"], unique_id)
    tests = {child for ancestor in upstream for child in manifest["child_map"][ancestor] if child.startswith("test.")}
    return [test for test in tests if upstream.issuperset(manifest["parent_map"][test])]


# The checks


class Check(NamedTuple):
    """A check of a file and the function that returns its faults."""

    file: str
    title: str
    faults: Callable[[], Faults]


OF_FORMATS: dict[str, Callable[[Target, str], Faults]] = {
    "dbt-core's schema": schema_faults,
    "dbt-core's reader": reader_faults,
    "complete to the key": key_faults,
    "dbt-artifacts-parser": parser_faults,
}
OF_FILES: dict[str, dict[str, Callable[[Target], Faults]]] = {
    "manifest": {"dagster-dbt": dagster_faults, "dbt-colibri": colibri_faults, "agreement": manifest_faults},
    "catalog": {"agreement": catalog_faults},
    "run_results": {"agreement": run_results_faults},
    "graph_summary": {"agreement": summary_faults},
    "sources": {"agreement": sources_faults},
}


def checks(target: Target) -> Iterator[Check]:
    """Yields all checks of the existing files, file by file."""
    for name in target.documents:
        if name in FORMATS:
            yield from (Check(name, title, partial(find, target, name)) for title, find in OF_FORMATS.items())
        yield from (Check(name, title, partial(find, target)) for title, find in OF_FILES[name].items())


def passes(check: Check) -> bool:
    """Runs a check, prints its outcome, and returns whether it passed."""
    try:
        faults = list(check.faults())
    except Exception as error:  # Clients raise many kinds of errors for a file that they can't read.
        faults = [f"{type(error).__name__}: {error}" for error in causes(error)]
    print(f"{check.file}.json: {check.title} … {'FAILED' if faults else 'ok'}", flush=True)
    for fault in faults[:SHOWN]:
        print(f"    {clipped(fault)}")
    if len(faults) > SHOWN:
        print(f"    and {len(faults) - SHOWN} more")
    return not faults


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and, if another one caused it, the first one."""
    yield error
    first = error
    while first.__context__:
        first = first.__context__
    if first is not error:
        yield first


def clipped(text: str) -> str:
    """Returns a text in one line, shortened in the middle: both the start and the end may name the cause."""
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH // 2]} … {line[-WIDTH // 2 :]}"


def main() -> int:
    arguments = ArgumentParser(description="Read dbt's artifacts with independent clients.")
    arguments.add_argument("target", type=Path, metavar="TARGET_DIR")
    arguments.add_argument("--sources", action="store_true", help="sources.json must be there")
    options = arguments.parse_args()
    names = list(REQUIRED)
    if options.sources or (options.target / "sources.json").exists():
        names.append("sources")
    try:
        target = Target(options.target, names)
    except (OSError, ValueError) as error:
        print(f"can't read the artifacts: {error}")
        return 1
    outcomes = [passes(check) for check in checks(target)]
    print(f"{outcomes.count(True)} of {len(outcomes)} checks passed")
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
