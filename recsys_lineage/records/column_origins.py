"""ColumnOrigins: the column lineage of a record, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from recsys_lineage.columns.column_edge import ColumnEdge

_DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")


def _read(given: Mapping[str, Sequence[Any]]) -> dict[str, tuple[ColumnEdge, ...]]:
    return {
        column: tuple(each if isinstance(each, ColumnEdge) else _edge(*each) for each in edges)
        for column, edges in given.items()
    }


def _edge(table: str, column: str, subtype: Any, masking: bool = False) -> ColumnEdge:
    return ColumnEdge(table, column, "DIRECT" if subtype in _DIRECT else "INDIRECT", subtype, masking)


def _written(origins: Mapping[str, Sequence[ColumnEdge]]) -> dict[str, list[list[Any]]]:
    return {
        column: [[edge.table, edge.column, edge.subtype, *([True] if edge.masking else [])] for edge in edges]
        for column, edges in origins.items()
    }


ColumnOrigins = Annotated[
    dict[str, tuple[ColumnEdge, ...]], BeforeValidator(_read), PlainSerializer(_written)
]
"""Column → the edges that it has, written as `{"column": [["table", "column", "SUBTYPE"], …]}`; `true` follows where
the edge masks."""
