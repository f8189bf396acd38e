"""OpenLineage's JSON schemas, and validation of events with them.

The specification's site isn't reachable from everywhere, and its packages contain classes generated from the
schemas instead of the schemas. A crate contains them unchanged for its own tests. They are fetched from
there, by the registry's URL and a digest, into a directory outside the checkout.
"""

import hashlib
import io
import json
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

Json = dict[str, Any]

CRATE = "datafusion-openlineage-0.0.7"
ADDRESS = f"https://static.crates.io/crates/datafusion-openlineage/{CRATE}.crate"
DIGEST = "6a76cd49d4134a44d91d0224c9a8a9bbe586900131437680c990a2c7d5c1bf72"
FOLDER = f"{CRATE}/tests/schemas/openlineage/"


def schemas(cache: Path) -> list[Json]:
    """Returns the schemas, and fetches them if they aren't in the cache yet."""
    folder = cache / CRATE
    if not folder.exists():
        with urllib.request.urlopen(ADDRESS, timeout=60) as answer:
            crate = answer.read()
        if hashlib.sha256(crate).hexdigest() != DIGEST:
            raise ValueError(f"{ADDRESS} is not what it was")
        folder.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(crate)) as archive:
            for member in archive.getmembers():
                if member.name.startswith(FOLDER) and member.name.endswith(".json"):
                    (folder / Path(member.name).name).write_bytes(archive.extractfile(member).read())
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


class Schemas:
    """The schema of events, and the schemas of facets by key."""

    def __init__(self, cache: Path) -> None:
        known = schemas(cache)
        registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in known)

        def validator(schema: Json) -> Draft202012Validator:
            return Draft202012Validator(schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)

        events = next(schema["$id"] for schema in known if schema["$id"].endswith("/OpenLineage.json"))
        self.events = validator({"$ref": f"{events}#/$defs/RunEvent"})
        self.facets = {
            key: validator(schema) for schema in known for key in schema.get("properties", {}) if schema["$id"] != events
        }
        self.unknown: set[str] = set()

    def faults(self, event: Json) -> Iterator[str]:
        """Yields the schema violations of an event and its facets."""
        yield from (f"{error.json_path}: {error.message}" for error in self.events.iter_errors(event))
        for facets in facets_of(event):
            for key, facet in facets.items():
                if key in self.facets:
                    yield from (f"{key} {e.json_path}: {e.message}" for e in self.facets[key].iter_errors({key: facet}))
                else:
                    self.unknown.add(key)


def facets_of(event: Json) -> Iterator[Json]:
    """Yields every group of facets of an event."""
    yield event["run"].get("facets", {})
    yield event["job"].get("facets", {})
    for dataset in event.get("inputs", []) + event.get("outputs", []):
        for kind in ("facets", "inputFacets", "outputFacets"):
            yield dataset.get(kind, {})
