"""What an opaque Python function says of the columns that it makes, checked against what was there and read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.errors import ColumnLineageError, did_you_mean

ColumnsFrom = Mapping[str, Mapping[str, Collection[str]]]
"""Column → table → the columns of that table that it is made of."""
_ADVICE = "mend columns_from of the asset"


def declared_columns(
    declared: ColumnsFrom, columns: Sequence[str], read: Mapping[str, Sequence[str]], where: str
) -> dict[str, list[ColumnEdge]]:
    """The edges of columns that a function declares; all are DIRECT, by a transformation that nobody can look into.

    Args:
        declared: what it says of each column of its output; nothing stands for a column that is made of no input.
        columns: of its output.
        read: table or file → the columns of it that were read.
        where: the function's place, for messages.

    Raises:
        ColumnLineageError: a column of the output is not declared, or one that is declared is not there; or a table or
            column that it names is not there or was not read.
    """
    for name in declared:
        if name not in columns:
            raise _unknown(f"The asset has no column {name!r}.", name, columns, where)
    for name in columns:
        if name not in declared:
            raise ColumnLineageError(
                f"It is not declared of what the column {name!r} is made.",
                expected=f"each of {', '.join(columns)}",
                found=", ".join(declared) or "nothing",
                where=where,
                advice=f"add it to columns_from; {{{name!r}: {{}}}} where it is made of no column",
            )
    return {
        name: sorted(
            _edge(table, column, read, f"{where}, column {name!r}")
            for table, listed in declared[name].items()
            for column in dict.fromkeys(listed)
        )
        for name in columns
    }


def _edge(table: str, column: str, read: Mapping[str, Sequence[str]], where: str) -> ColumnEdge:
    if table not in read:
        raise _unknown(f"The asset did not read {table!r}.", table, read, where)
    if column not in read[table]:
        raise _unknown(f"The asset read no column {column!r} of {table}.", column, read[table], where)
    return ColumnEdge(table, column, "DIRECT", "TRANSFORMATION")


def _unknown(message: str, name: str, known: Collection[str], where: str) -> ColumnLineageError:
    return ColumnLineageError(
        message,
        expected=f"one of {', '.join(known)}" if known else "a table that it reads",
        found=name,
        where=where,
        advice=" ".join(filter(None, (did_you_mean(name, known), _ADVICE))),
    )
