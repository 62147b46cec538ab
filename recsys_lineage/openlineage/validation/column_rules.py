"""Column rules: constraints that no schema can express on the datasets of one event: columns, lineage and names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from recsys_lineage.openlineage.translation.event_parts import dataset_key, datasets_of, facet_of
from recsys_lineage.openlineage.validation.fault import Fault

_CREDENTIALS = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_Key = tuple[str, str]


def dataset_faults(event: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of the datasets of an event, regardless of its run."""
    inputs = [(place, dataset) for place, dataset in datasets_of(event, "inputs")]
    outputs = [(place, dataset) for place, dataset in datasets_of(event, "outputs")]
    for side in (inputs, outputs):
        yield from _listed_twice(side)
    everything = [*inputs, *outputs]
    if isinstance(event.get("dataset"), Mapping):
        everything.append(("$.dataset", event["dataset"]))
    for place, dataset in everything:
        for part in dataset_key(dataset) or ():
            if _CREDENTIALS.search(part):
                yield Fault("no-credentials", "a user and a password stand in a dataset's name", place)
        yield from _ordinals(facet_of(dataset, "schema").get("fields"), f"{place}.facets.schema.fields")
    readable = _columns_by_name(inputs)
    for place, dataset in outputs:
        yield from _lineage(dataset, f"{place}.facets", readable)


def columns_of(fields: Any, prefix: str = "") -> Iterator[str]:
    """The names of fields, those inside of structs as `struct.field`."""
    for field in fields if isinstance(fields, Sequence) and not isinstance(fields, str) else ():
        if isinstance(field, Mapping) and isinstance(field.get("name"), str):
            yield f"{prefix}{field['name']}"
            yield from columns_of(field.get("fields"), f"{prefix}{field['name']}.")


def names_of(dataset: Mapping[str, Any]) -> Iterator[_Key]:
    """Names of a dataset: its own, and those of its symlinks."""
    for each in (dataset, *_objects(facet_of(dataset, "symlinks").get("identifiers"))):
        key = dataset_key(each)
        if key is not None:
            yield key


def _columns_by_name(datasets: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[_Key, set[str] | None]:
    """The columns of each input by each of its names; None where it has no schema."""
    found: dict[_Key, set[str] | None] = {}
    for _, dataset in datasets:
        schema = facet_of(dataset, "schema")
        columns = set(columns_of(schema.get("fields"))) if schema else None
        found.update(dict.fromkeys(names_of(dataset), columns))
    return found


def _lineage(
    dataset: Mapping[str, Any], place: str, readable: Mapping[_Key, set[str] | None]
) -> Iterator[Fault]:
    lineage = facet_of(dataset, "columnLineage")
    if not lineage:
        return
    schema = facet_of(dataset, "schema")
    written = set(columns_of(schema.get("fields")))
    if not schema:
        yield Fault(
            "lineage-has-schema",
            "expected a schema next to the column lineage, found none",
            f"{place}.columnLineage",
        )
    fields = lineage.get("fields")
    for column, origin in fields.items() if isinstance(fields, Mapping) else ():
        here = f"{place}.columnLineage.fields.{column}"
        if schema and column not in written:
            yield Fault("lineage-column", f"the schema of the output has no column {column!r}", here)
        if isinstance(origin, Mapping):
            yield from _origins(origin.get("inputFields"), f"{here}.inputFields", readable)
    yield from _origins(lineage.get("dataset"), f"{place}.columnLineage.dataset", readable)


def _origins(origins: Any, place: str, readable: Mapping[_Key, set[str] | None]) -> Iterator[Fault]:
    for number, origin in enumerate(_objects(origins)):
        key, column = dataset_key(origin), origin.get("field")
        here = f"{place}[{number}]"
        if key is None:
            continue
        if key not in readable:
            yield Fault("lineage-input", f"no input is called {key[0]} {key[1]}", here)
            continue
        columns = readable[key]
        if columns is None:
            yield Fault("lineage-has-schema", f"the input {key[1]} carries no schema", here)
        elif column not in columns:
            yield Fault("lineage-column", f"the schema of the input {key[1]} has no column {column!r}", here)


def _ordinals(fields: Any, place: str) -> Iterator[Fault]:
    positions = [field.get("ordinal_position") for field in _objects(fields)]
    if any(each is not None for each in positions) and positions != list(range(1, len(positions) + 1)):
        yield Fault("ordinals", f"expected 1 to {len(positions)} in order, found {positions}", place)
    for name, times in Counter(str(field.get("name")) for field in _objects(fields)).items():
        if times > 1:
            yield Fault("column-once", f"the column {name!r} stands there {times} times", place)
    for number, field in enumerate(_objects(fields)):
        if field.get("fields"):
            yield from _ordinals(field["fields"], f"{place}[{number}].fields")


def _listed_twice(datasets: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Fault]:
    seen: set[_Key] = set()
    for place, dataset in datasets:
        key = dataset_key(dataset)
        if key in seen:
            yield Fault("dataset-once", f"{key[1]} is listed twice", place)
        elif key is not None:
            seen.add(key)


def _objects(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, Mapping)] if isinstance(values, list) else []
