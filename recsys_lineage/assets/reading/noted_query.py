"""Noting what a statement that Python code wrote reads: tables that the asset depends on, and relations of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys_lineage.errors import SqlAssetError
from recsys_lineage.sql.sql_text import SqlText

if TYPE_CHECKING:
    from recsys_lineage.assets.reading.inputs import Inputs


def note_query(inputs: Inputs, sql: str, *, keeps_views: bool = False) -> None:
    """Note the tables and columns that a statement reads, and make them readable under their own names.

    Args:
        inputs: the inputs of the code that wrote the statement.
        sql: one SELECT for the run's connection.
        keeps_views: whether views that the code made, maybe of some partitions, are read as they are.

    Raises:
        SqlAssetError: the text is no single SELECT, or reads files by itself.
        UndeclaredRead: it names a table on which the asset does not depend.
    """
    made = {name.lower(): columns for name, columns in inputs._made.items()}
    for place, (relation, columns) in enumerate(sorted(inputs._relations.items(), key=_length, reverse=True)):
        if relation in sql:
            sql = sql.replace(relation, name := f"_relation_{place}")
            made[name] = columns
    text = _text(inputs.asset, sql)
    if text.scans:
        raise SqlAssetError(
            f"A query of {inputs.asset} reads files by itself.",
            expected="tables, and files that were opened by Inputs",
            found=f"{text.scans[0].function}(…)",
            where=text.scans[0].where,
            advice="open the files through Inputs, so that the record names them; inputs.relation(table) gives "
            "those of a table",
        )
    tables = [table for table in text.tables if table not in made]
    if not tables:
        return
    for table in tables:
        inputs.require_declared(table, text.place_of(table))
    read = text.columns_read({t: made.get(t) or inputs.version(t, (), ()).columns for t in text.tables})
    for table in tables:
        if keeps_views and table in inputs._views:
            inputs.version(table, (), read[table])
        else:
            inputs.view(table, columns=read[table])


def _length(relation: tuple[str, object]) -> int:
    return len(relation[0])


def _text(asset: str, sql: str) -> SqlText:
    """The text of a query, with what it reads.

    Raises:
        SqlAssetError: it cannot be used. Python made the text, maybe of a cell of a table, so the error has one as its
            cause, and a record keeps nothing of what was found.
    """
    text = SqlText(sql, f"a query of {asset}")
    try:
        _ = text.scans, text.tables
    except SqlAssetError as error:
        raise SqlAssetError(
            f"A query of {asset} cannot be used.",
            expected=error.expected,
            found=" ".join(filter(None, (error.message, error.found))),
            where=error.where,
            advice=error.advice,
        ) from error
    return text
