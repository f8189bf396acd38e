"""Checks lineage events against OpenLineage's JSON schemas and against its own client, which parses each into
its classes.

    python events.py EVENTS --schemas CACHE

EVENTS has one event per line; the schemas are cached in CACHE. openlineage-python generates its classes from
the specification, so unknown facets, missing or misspelled keys and values of the wrong type are found. In
addition, each run that starts must end exactly once and have an existing parent run. Prints the number of
events of each type. Exit code 1 if there are faults.
"""

import json
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attr
from openlineage.client import event_v2, facet_v2
from openlineage_schemas import Schemas

Json = dict[str, Any]

# The class of each facet by its location and key.
FACETS: dict[str, dict[str, type]] = {
    "run": {
        "parent": facet_v2.parent_run.ParentRunFacet,
        "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
        "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    },
    "job": {
        "jobType": facet_v2.job_type_job.JobTypeJobFacet,
        "sql": facet_v2.sql_job.SQLJobFacet,
        "documentation": facet_v2.documentation_job.DocumentationJobFacet,
    },
    "dataset": {
        "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
        "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
        "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet,
        "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
        "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    },
    "input": {"dataQualityAssertions": facet_v2.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet},
    "output": {"outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet},
}


def read(cls: type, written: Json, where: str) -> Any:
    """Returns an object of one of the client's classes, made from all written keys and nothing else."""
    known = {field.alias: field for field in attr.fields(cls) if field.init}
    hints = get_type_hints(cls)
    unknown = written.keys() - known.keys() - {"_producer", "_schemaURL", "schemaURL"}
    if unknown:
        raise ValueError(f"{where}: {cls.__name__} has no {', '.join(sorted(unknown))}")
    values = {}
    for key, value in written.items():
        if key in known:
            values[key] = typed(hints.get(known[key].name), value, f"{where}.{key}")
    made = cls(**values)
    for key in ("_schemaURL", "schemaURL"):
        expected = getattr(made, key, None)
        if expected is not None and written.get(key) != expected:
            raise ValueError(f"{where}: {key} is {written.get(key)}, and the client's {expected}")
    return made


def typed(hint: Any, value: Any, where: str) -> Any:
    """Converts a value to the type that a class declares: to objects for classes, also within lists and
    mappings."""
    if get_origin(hint) in (Union, UnionType):
        wanted = [kind for kind in get_args(hint) if kind is not type(None)]
        return value if value is None else typed(wanted[0], value, where)
    if get_origin(hint) is list and isinstance(value, list):
        return [typed(get_args(hint)[0], one, f"{where}[{at}]") for at, one in enumerate(value)]
    if get_origin(hint) is dict and isinstance(value, dict):
        return {key: typed(get_args(hint)[1], one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(hint, type) and attr.has(hint) and isinstance(value, dict):
        return read(hint, value, where)
    if hint in (str, int, bool) and type(value) is not hint:
        raise ValueError(f"{where}: {value!r} is no {hint.__name__}")
    return value


def facets(written: Json, kind: str, where: str) -> Json:
    """Converts facets to the client's objects."""
    unknown = written.keys() - FACETS[kind].keys()
    if unknown:
        raise ValueError(f"{where}: no class is known for {', '.join(sorted(unknown))}")
    return {key: read(FACETS[kind][key], facet, f"{where}.{key}") for key, facet in written.items()}


def event(written: Json) -> event_v2.RunEvent:
    """Converts an event to the client's object. Raises ValueError or TypeError if it is invalid."""
    run, job = written["run"], written["job"]
    return event_v2.RunEvent(
        eventType=event_v2.RunState[written["eventType"]],
        eventTime=written["eventTime"],
        run=event_v2.Run(runId=run["runId"], facets=facets(run["facets"], "run", "run")),
        job=event_v2.Job(job["namespace"], job["name"], facets(job["facets"], "job", "job")),
        producer=written["producer"],
        inputs=[
            event_v2.InputDataset(
                one["namespace"],
                one["name"],
                facets=facets(one["facets"], "dataset", "input"),
                inputFacets=facets(one.get("inputFacets", {}), "input", "input"),
            )
            for one in written["inputs"]
        ],
        outputs=[
            event_v2.OutputDataset(
                one["namespace"],
                one["name"],
                facets=facets(one["facets"], "dataset", "output"),
                outputFacets=facets(one.get("outputFacets", {}), "output", "output"),
            )
            for one in written["outputs"]
        ],
    )


def faults(events: list[Json], schemas: Schemas) -> Iterator[str]:
    """Yields the faults of each event, and of all events together."""
    for number, written in enumerate(events, 1):
        yield from (f"line {number}: {fault}" for fault in schemas.faults(written))
        try:
            made = event(written)
        except (KeyError, TypeError, ValueError) as error:
            yield f"line {number}: {type(error).__name__}: {error}"
            continue
        if written["schemaURL"] != made.schemaURL:
            yield f"line {number}: schemaURL is {written['schemaURL']}, and the client's {made.schemaURL}"
    types = defaultdict(list)
    for written in events:
        types[written["run"]["runId"]].append(written["eventType"])
    for run, told in types.items():
        if told[0] != "START" or told[1:] not in (["COMPLETE"], ["FAIL"]):
            yield f"run {run} is told as {told}"
    parents = {e["run"]["facets"]["parent"]["run"]["runId"] for e in events if "parent" in e["run"]["facets"]}
    # The caller of the command may be the parent of its run.
    if len(parents - types.keys()) > 1:
        yield f"these runs are parents and not told: {', '.join(sorted(parents - types.keys()))}"


def main() -> int:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("events", type=Path)
    arguments.add_argument("--schemas", type=Path, required=True)
    given = arguments.parse_args()
    events = [json.loads(line) for line in given.events.read_text(encoding="utf-8").splitlines()]
    schemas = Schemas(given.schemas)
    found = list(faults(events, schemas))
    counts = Counter(written["eventType"] for written in events)
    if schemas.unknown:
        print(f"checked by the client alone: {', '.join(sorted(schemas.unknown))}")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no events")
    for fault in found:
        print(fault)
    return 1 if found or not events else 0


if __name__ == "__main__":
    sys.exit(main())
