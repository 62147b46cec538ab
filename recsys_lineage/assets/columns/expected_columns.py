"""Expected columns: assets' columns and their lineage, as far as the code determines them before the first run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.assets.columns.tagged_columns import output_tags
from recsys_lineage.columns.binding.empty_tables import empty_tables
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.columns.column_lineage import column_lineage
from recsys_lineage.columns.frames.declared import ALL, Declared, Origins
from recsys_lineage.columns.tags import PERSON, Tags
from recsys_lineage.errors import LineageError
from recsys_lineage.sql.sql_text import SqlText

_log = logging.getLogger(__name__)
_UNKNOWN = '"NULL"'
"""The type of a column of unknown type: that of NULL, which DuckDB accepts nearly everywhere."""
Schema = Mapping[str, str]


@dataclass(frozen=True)
class ExpectedColumns:
    """Columns and column lineage of assets that have no version yet.

    Attributes:
        lineage: asset → column → its edges.
        types: asset → column → DuckDB's type, empty where it is unknown.
        tags: asset → column → its tags: its own, and where its edges are known, those that it will inherit. A check of
            the first run may still mask some.
    """

    lineage: Mapping[str, Mapping[str, Sequence[ColumnEdge]]]
    types: Mapping[str, Schema]
    tags: Mapping[str, Tags]


def expected_columns(
    codes: Mapping[str, AssetCode], known: Mapping[str, Schema], known_tags: Mapping[str, Tags] | None = None
) -> ExpectedColumns:
    """Columns and their edges for each asset without a version: derived from a SELECT over tables, or as declared.

    No code runs and no file is opened. Nothing is known before the first run for a SELECT over files, for Python code
    without declarations, and for a SELECT over tables whose columns are unknown.

    Args:
        codes: the assets by name, upstream first.
        known: table → column → type, for existing tables; the records have their lineage.
        known_tags: table → column → tags, for existing tables.
    """
    schemas: dict[str, Schema] = dict(known)
    tags: dict[str, Tags] = dict(known_tags or {})
    found: dict[str, Mapping[str, Sequence[ColumnEdge]]] = {}
    for name, code in codes.items():
        if name in known:
            continue
        if code.columns_from is not None:
            schemas[name] = code.column_types or dict.fromkeys(code.columns_from, _UNKNOWN)
            found[name] = _declared(code, schemas)
        elif code.code.kind == "sql" and all(table in schemas for table in code.upstream):
            try:
                text = SqlText(code.code.text, code.code.origin)
                if set(text.tables) == set(code.upstream) and not text.scans:
                    found[name] = column_lineage(
                        text.text, schemas, origin=code.code.origin, people=_people(code, tags)
                    )
                    schemas[name] = _columns_of(text, schemas)
            except (LineageError, duckdb.Error) as error:  # its first run reports it
                _log.info("The column lineage of %s is not known before it is made: %s", name, error)
        if name not in schemas and code.column_types:
            schemas[name] = code.column_types
        read = {table: tags.get(table, {}) for table in code.upstream if name in found}
        tags[name] = output_tags(
            [*schemas.get(name, code.column_tags)], code.column_tags, found.get(name, {}), read
        )
    types = {
        name: {column: "" if type_ == _UNKNOWN else type_ for column, type_ in schema.items()}
        for name, schema in schemas.items()
        if name not in known
    }
    return ExpectedColumns(found, types, {name: tags[name] for name in codes if name not in known})


def _people(code: AssetCode, tags: Mapping[str, Tags]) -> list[tuple[str, str]]:
    """The columns of an asset's inputs that identify people."""
    return [
        (table, column)
        for table in code.upstream
        for column, each in tags.get(table, {}).items()
        if any(tag.name == PERSON for tag in each)
    ]


def _columns_of(text: SqlText, schemas: Mapping[str, Schema]) -> dict[str, str]:
    tables = {table: tuple(schemas[table].items()) for table in text.tables}
    return dict(empty_tables().described(text.text, tables, text.parameters))


def _declared(code: AssetCode, schemas: Mapping[str, Schema]) -> dict[str, list[ColumnEdge]]:
    """Declared columns of an asset; `*` stands for all known columns of a table."""
    assert code.columns_from is not None
    read: dict[str, dict[str, Any]] = {table: dict(schemas.get(table, {})) for table in code.upstream}
    for origins in (*code.columns_from.values(), code.rows_from):
        _add_named(read, origins)
    read.pop(code.name, None)  # there is no version before
    declared = Declared(code.columns_from, code.rows_from, {code.name, *code.upstream}, code.code.origin)
    return declared.edges(list(code.columns_from), {table: list(columns) for table, columns in read.items()})


def _add_named(read: dict[str, dict[str, Any]], origins: Origins) -> None:
    for table, columns in origins.items():
        if table != ALL:
            named = [columns] if isinstance(columns, str) else columns
            read.setdefault(table, {}).update(dict.fromkeys(column for column in named if column != ALL))
