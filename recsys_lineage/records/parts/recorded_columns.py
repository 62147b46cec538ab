"""RecordedColumns: the column lineage of a record, and its serialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from recsys_lineage.columns.column_edge import DIRECT, ColumnEdge


def read_columns(recorded: Mapping[str, Any]) -> dict[str, tuple[ColumnEdge, ...]]:
    """The edges of each column, parsed from the form of `RecordedColumns`."""
    if not recorded or any(isinstance(edges, tuple) for edges in recorded.values()):
        return dict(recorded)
    edges = [_edge(*each) for each in recorded["edges"]]
    return {column: tuple(edges[place] for place in places) for column, places in recorded["columns"].items()}


def _edge(table: str, column: str, subtype: Any, masking: bool = False) -> ColumnEdge:
    return ColumnEdge(table, column, "DIRECT" if subtype in DIRECT else "INDIRECT", subtype, masking)


def _written(origins: Mapping[str, Sequence[ColumnEdge]]) -> dict[str, Any]:
    if not origins:
        return {}
    places: dict[ColumnEdge, int] = {}
    columns = {
        column: [places.setdefault(edge, len(places)) for edge in edges] for column, edges in origins.items()
    }
    edges = [[edge.table, edge.column, edge.subtype, *([True] if edge.masking else [])] for edge in places]
    return {"edges": edges, "columns": columns}


RecordedColumns = Annotated[
    dict[str, tuple[ColumnEdge, ...]], BeforeValidator(read_columns), PlainSerializer(_written)
]
"""Column → its edges.

Most columns of a table share the edges that decide its rows, so each edge is stored once, in the form `{"edges":
[["table", "column", "SUBTYPE"], …], "columns": {"column": [0, 5, …]}}`; `true` follows where an edge masks.
"""
