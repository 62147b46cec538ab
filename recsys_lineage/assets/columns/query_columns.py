"""The column lineage of a statement that a run gave to DuckDB, with the names used in its record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from recsys_lineage.assets.asset_code import Query
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.column_lineage import column_lineage
from recsys_lineage.columns.frames.declared import ColumnsFrom

People = Collection[tuple[str, str]]
"""Columns, as (table, column), that identify people."""


def query_columns(
    query: Query, inputs: Inputs, origin: str, people: People = (), result: Sequence[str] | None = None
) -> dict[str, tuple[ColumnEdge, ...]]:
    """Column lineage of a statement: column → the columns of tables and files that it comes from.

    A relation of files is named by its scan. A frame that Python made is replaced by the columns that it was made of.

    Args:
        query: the statement given to DuckDB.
        inputs: the run's inputs, which know the sources of its relations.
        origin: where the statement comes from, for messages.
        people: columns, as (table, column), that identify people.
        result: names of the result's columns, which give the values of a PIVOT without a list.

    Raises:
        ColumnLineageError: the lineage cannot be derived; it says why, and where.
    """
    text = query.text or query.sql
    found = column_lineage(
        text,
        inputs.schemas(),
        origin=origin,
        people=people,
        result=result,
        parameters=query.parameters,
    )
    scans = {name: files.scan for name, files in inputs.relations.items()}
    frames = inputs.frame_columns()
    return {column: _known(edges, scans, frames) for column, edges in found.items()}


def _known(
    edges: Iterable[ColumnEdge], scans: Mapping[str, str], frames: Mapping[str, ColumnsFrom]
) -> tuple[ColumnEdge, ...]:
    def known() -> Iterator[ColumnEdge]:
        for edge in edges:
            if edge.table in frames:
                for table, columns in frames[edge.table].get(edge.column, {}).items():
                    for column in columns:
                        yield _through_python(replace(edge, table=table, column=column))
            else:
                yield replace(edge, table=scans.get(edge.table, edge.table))

    return tuple(sorted(set(known())))


def _through_python(edge: ColumnEdge) -> ColumnEdge:
    """Edges weakened by Python: a value computed by Python is no longer the value itself."""
    return replace(edge, subtype="TRANSFORMATION") if edge.subtype == "IDENTITY" else edge
