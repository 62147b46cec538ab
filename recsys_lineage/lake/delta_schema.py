"""Column types: DuckDB's types and the Delta types that can store them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from duckdb.sqltypes import DuckDBPyType

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.fingerprint import children
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.sql.names import literal, quote

_STORED_UNCHANGED = {
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "VARCHAR", "BLOB", "DATE",
    "TIMESTAMP", "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip

# DuckDB types without a Delta counterpart, and the smallest Delta type that holds their values.
_STORED_AS = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "BIGINT",
    "UHUGEINT": "BIGINT",
    "BIGNUM": "VARCHAR",
    "UUID": "VARCHAR",
    "TIME": "VARCHAR",
    "TIME_NS": "VARCHAR",
    "TIME WITH TIME ZONE": "VARCHAR",
    "INTERVAL": "VARCHAR",
    "BIT": "VARCHAR",
    "JSON": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    "TIMESTAMPTZ_NS": "TIMESTAMP WITH TIME ZONE",
    '"NULL"': "VARCHAR",
}

_FINER = ("TIMESTAMP_NS", "TIMESTAMPTZ_NS")
"""Types with nanoseconds, also nested ones, whose values are stored in microseconds."""


def storable(type_: DuckDBPyType) -> str | None:
    """The Delta-compatible DuckDB type in which a column of `type_` is stored; None if there is none.

    Sums of integers are HUGEINT in DuckDB and are stored as BIGINT; a larger value fails the write. So does a time that
    would lose nanoseconds, because Delta stores microseconds.
    """
    if type_.id in ("list", "array"):
        element = storable(children(type_)[0][1])
        return None if element is None else f"{element}[]"
    if type_.id == "struct":
        fields = [(name, storable(child)) for name, child in children(type_)]
        if not fields or any(stored is None for _, stored in fields):
            return None
        return "STRUCT(" + ", ".join(f"{quote(name)} {stored}" for name, stored in fields) + ")"
    if type_.id == "map":
        key, value = (storable(child) for _, child in children(type_))
        return None if key is None or value is None else f"MAP({key}, {value})"
    if type_.id == "enum":
        return "VARCHAR"
    name = str(type_)
    return name if name in _STORED_UNCHANGED or type_.id == "decimal" else _STORED_AS.get(name)


def columns_of(connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None) -> list[Column]:
    """Names and DuckDB types of a query's columns, without running it."""
    try:
        described = connection.execute(f"DESCRIBE {query}", parameters).fetchall()
    except duckdb.ParserException as error:
        try:  # DuckDB 1.5 describes SUMMARIZE in parentheses only
            described = connection.execute(f"DESCRIBE ({query}\n)", parameters).fetchall()
        except duckdb.Error:
            raise error from None
    return [Column(name, str(type_)) for name, type_, *_ in described]


def stored_select(
    connection: duckdb.DuckDBPyConnection, query: str, columns: Sequence[Column]
) -> tuple[str, tuple[Column, ...]]:
    """The query with every column cast to a type that Delta can store, and the resulting schema.

    Raises:
        LineageError: Delta cannot store a column's type in any form.
    """
    stored: list[Column] = []
    for column in columns:
        try:
            stored_type = storable(connection.sqltype(column.type))
        except (
            duckdb.BinderException,  # two fields of a struct differ by case alone
            duckdb.ParserException,
            duckdb.InvalidInputException,
        ):  # DuckDB 1 cannot name an unnamed struct
            stored_type = None
        if stored_type is None:
            raise LineageError(
                f"Column {column.name!r} cannot be stored.",
                expected="a type that Delta Lake knows, alone or in lists, structs with named fields and maps",
                found=column.type,
                advice=f"cast it in the query, for instance CAST({quote(column.name)} AS VARCHAR)",
            )
        # DuckDB's own spelling, so that a stored column describes itself the same way when it is read.
        stored.append(Column(column.name, str(connection.sqltype(stored_type))))
    if stored == list(columns):
        return query, tuple(stored)
    casts = ", ".join(
        quote(old.name) if old.type == new.type else f"{_lossless_cast(old, new.type)} AS {quote(old.name)}"
        for old, new in zip(columns, stored, strict=True)
    )
    return f"SELECT {casts} FROM ({query})", tuple(stored)


def _lossless_cast(column: Column, type_: str) -> str:
    """SQL that casts a column to a type, and fails where nanoseconds would be lost."""
    name = quote(column.name)
    cast = f"CAST({name} AS {type_})"
    if not any(fine in column.type for fine in _FINER):
        return cast
    fault = literal(f"nanoseconds would be lost when casting from source column {column.name}")
    return f"CASE WHEN CAST({cast} AS {column.type}) IS NOT DISTINCT FROM {name} THEN {cast} ELSE error({fault}) END"
