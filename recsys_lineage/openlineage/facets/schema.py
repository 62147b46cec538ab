"""The schema facet: a dataset's columns, with the fields of structs, lists and maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from openlineage.client.generated.schema_dataset import SchemaDatasetFacet

from recsys_lineage.columns.tags import split_description
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.openlineage.facets.facet import Json, facet, without_nothing
from recsys_lineage.openlineage.translation.shared_values import Same


def schema_facet(columns: tuple[Column, ...]) -> Json:
    """The schema of columns without descriptions; the object is shared, so it must not be changed."""
    return _same_schema(Same(columns))


@lru_cache(maxsize=2048)
def _same_schema(columns: Same) -> Json:
    return _schema(columns.value)


@lru_cache(maxsize=2048)
def _schema(columns: tuple[Column, ...]) -> Json:
    return facet(SchemaDatasetFacet, fields=[_field(place, column) for place, column in _placed(columns)])


def described_schema_facet(columns: tuple[Column, ...], described: Mapping[str, str]) -> Json:
    """The schema of columns with their descriptions."""
    if not described:
        return schema_facet(columns)
    fields = [
        _field(place, column, split_description(described.get(column.name, ""))[0] or None)
        for place, column in _placed(columns)
    ]
    return facet(SchemaDatasetFacet, fields=fields)


def nested_fields(type_: str) -> tuple[str, list[Json] | None]:
    """A DuckDB type in OpenLineage's form: `array`, `map` or `struct` with its fields, or the type unchanged."""
    if type_.endswith("]") and (opening := _opening(type_)) > 0:
        return "array", [_nested("_element", type_[:opening])]
    if not type_.endswith(")"):
        return type_, None
    if type_.startswith("STRUCT("):
        return "struct", [_nested(*_named(part)) for part in _parts(type_[7:-1])]
    if type_.startswith("MAP("):
        parts = _parts(type_[4:-1])
        return "map", [_nested(name, part) for name, part in zip(("key", "value"), parts, strict=False)]
    return type_, None


def _placed(columns: Iterable[Column]) -> Iterable[tuple[int, Column]]:
    return enumerate(columns, start=1)


def _field(place: int, column: Column, description: str | None = None) -> Json:
    type_, fields = nested_fields(column.type)
    return without_nothing(
        name=column.name, type=type_ or None, ordinal_position=place, description=description, fields=fields
    )


def _nested(name: str, type_: str) -> Json:
    kind, fields = nested_fields(type_)
    return without_nothing(name=name, type=kind, fields=fields)


def _opening(type_: str) -> int:
    """Position of the brackets at the end of a list's type; -1 for another type."""
    start = type_.rfind("[")
    return start if type_[start + 1 : -1] in ("", *_digits(type_[start + 1 : -1])) else -1


def _digits(text: str) -> tuple[str, ...]:
    return (text,) if text.isdigit() else ()


def _parts(text: str) -> list[str]:
    """Parts separated by commas outside of brackets and quotes."""
    parts: list[str] = []
    depth = start = 0
    quote: str | None = None
    for place, character in enumerate(text):
        if quote is not None:
            quote = None if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def _named(part: str) -> tuple[str, str]:
    """The name and the type of a struct's field."""
    if not part.startswith('"'):
        name, _, type_ = part.partition(" ")
        return name, type_
    place = 1
    while place < len(part) and (part[place] != '"' or part[place + 1 : place + 2] == '"'):
        place += 2 if part[place] == '"' else 1
    return part[1:place].replace('""', '"'), part[place + 1 :].strip()
