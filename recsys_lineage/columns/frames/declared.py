"""Declared column lineage of an opaque Python function, checked against the columns that were read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from recsys_lineage.columns.column_edge import DIRECT, ColumnEdge, Subtype
from recsys_lineage.errors import ColumnLineageError, did_you_mean

Origins = Mapping[str, Collection[str]]
"""Table → columns that are the origins of something; or, as a mapping, column → kind of the edge: `{"user_id":
"IDENTITY"}`.

`"*"` stands for all columns of a table that were read, and for all tables and files that were read.
"""
ColumnsFrom = Mapping[str, Origins]
"""Column → its origins."""
ALL = "*"
_ADVICE = "correct columns_from of the asset"


@dataclass(frozen=True)
class Declared:
    """Declaration of an opaque function about the columns of its result.

    Attributes:
        columns: result column → its origins; empty for a column made from no input. The default kind of an edge is
            TRANSFORMATION.
        rows: the columns that decide which rows there are; the default kind of an edge is FILTER.
        tables: the tables that it may read. A table that this run did not read has no edges.
        where: the function's position, for messages.
    """

    columns: ColumnsFrom
    rows: Origins = field(default_factory=dict)
    tables: Collection[str] = ()
    where: str = ""

    def edges(self, columns: Sequence[str], read: Mapping[str, Sequence[str]]) -> dict[str, list[ColumnEdge]]:
        """The edges of the columns of a result.

        Args:
            columns: the columns of the result.
            read: table or file → its columns that were read.

        Raises:
            ColumnLineageError: a column of the result is not declared, or a declared one does not exist; or a named
                table or column does not exist or was not read.
        """
        for name in self.columns:
            if name not in columns:
                raise _unknown(f"The asset has no column {name!r}.", name, columns, self.where)
        for name in columns:
            if name not in self.columns:
                raise ColumnLineageError(
                    f"The origins of the column {name!r} are not declared.",
                    expected=f"each of {', '.join(columns)}",
                    found=", ".join(self.columns) or "nothing",
                    where=self.where,
                    advice=f"add it to columns_from; {{{name!r}: {{}}}} if it is made from no column",
                )
        rows = {*map(_deciding, self._of(self.rows, "FILTER", read, f"{self.where}, its rows"))}
        return {
            name: sorted(
                rows
                | {*self._of(self.columns[name], "TRANSFORMATION", read, f"{self.where}, column {name!r}")}
            )
            for name in columns
        }

    def _of(
        self, origins: Origins, how: Subtype, read: Mapping[str, Sequence[str]], where: str
    ) -> Iterator[ColumnEdge]:
        if not isinstance(origins, Mapping):
            raise ColumnLineageError(
                "The origins of a column are declared by table.",
                expected='{"table": ["column", …]}',
                found=repr(origins),
                where=where,
                advice=_ADVICE,
            )
        for table, listed in origins.items():
            if table != ALL and table not in read:
                if table not in self.tables:
                    raise _unknown(f"The asset did not read {table!r}.", table, read, where)
                continue
            for name in [listed] if isinstance(listed, str) else listed:
                subtype = listed[name] if isinstance(listed, Mapping) else how
                for one in read if table == ALL else [table]:
                    for column in read[one] if name == ALL else [name]:
                        yield _edge(one, column, subtype, read, where)


def _edge(
    table: str, column: str, subtype: Subtype, read: Mapping[str, Sequence[str]], where: str
) -> ColumnEdge:
    if column not in read[table]:
        raise _unknown(f"The asset read no column {column!r} of {table}.", column, read[table], where)
    if subtype not in get_args(Subtype):
        raise _unknown(
            f"There is no way {subtype!r} to be made of a column.", subtype, get_args(Subtype), where
        )
    return ColumnEdge(table, column, "DIRECT" if subtype in DIRECT else "INDIRECT", subtype)


def _deciding(edge: ColumnEdge) -> ColumnEdge:
    """The edge without DIRECT: a column that decides which rows there are is not in a value by that."""
    return edge if edge.kind == "INDIRECT" else ColumnEdge(edge.table, edge.column, "INDIRECT", "FILTER")


def _unknown(message: str, name: str, known: Collection[str], where: str) -> ColumnLineageError:
    return ColumnLineageError(
        message,
        expected=f"one of {', '.join(known)}" if known else "a table that it reads",
        found=name,
        where=where,
        advice=" ".join(filter(None, (did_you_mean(name, known), _ADVICE))),
    )
