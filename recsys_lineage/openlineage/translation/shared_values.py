"""Shared values: schemas and column lineages that many records repeat, parsed once and recognised by identity."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.recorded_columns import read_columns

_REMEMBERED = 4096
_LINEAGE, _SCHEMA, _READS = "column_lineage", "schema", "reads"


class Same:
    """An object as a dictionary key, equal only to itself, so that its content is never compared.

    A stored key keeps the object alive, so no other object can get the same identity.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value


@lru_cache(maxsize=_REMEMBERED)
def shared(text: str) -> Any:
    """The value of a JSON text that records repeat; the same object for the same text."""
    value = json.loads(text)
    if isinstance(value, list):
        return tuple(Column(*each) for each in value)
    if isinstance(value, dict) and value.keys() == {"edges", "columns"}:
        return read_columns(value)
    return value


def shared_materialization(data: dict[str, Any]) -> Materialization:
    """The record of a JSON object made with `shared`; its schemas and column lineage stay these objects.

    The object must not be used elsewhere: these values are moved out of it.
    """
    lineage, schema = data.pop(_LINEAGE, None), data.pop(_SCHEMA, None)
    schemas = [read.pop(_SCHEMA, None) for read in data.get(_READS) or ()]
    record = Materialization.from_json(data)
    # The record was made above and nobody knows it yet; copies of frozen objects take longer than all the rest.
    for read, columns in zip(record.reads, schemas, strict=True):
        if columns is not None:
            object.__setattr__(read, _SCHEMA, _columns(columns))
    if schema is not None:
        object.__setattr__(record, _SCHEMA, _columns(schema))
    if lineage:
        object.__setattr__(record, _LINEAGE, read_columns(lineage) if "edges" in lineage else lineage)
    return record


def _columns(columns: Any) -> tuple[Column, ...]:
    return columns if isinstance(columns, tuple) else tuple(Column(*each) for each in columns)
