"""Column types: what DuckDB computes, and what Delta can keep of it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from recsys_lineage.fingerprint import quote
from recsys_lineage.table_version import Column

# DuckDB types without a Delta counterpart, and the smallest Delta type that holds every value.
_STORED_AS = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "BIGINT",
    "UHUGEINT": "BIGINT",
    "UUID": "VARCHAR",
    "TIME": "VARCHAR",
    "INTERVAL": "VARCHAR",
    "BIT": "VARCHAR",
    "JSON": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    '"NULL"': "VARCHAR",
    "NULL": "VARCHAR",
}


def storable(type_: str) -> str:
    """The Delta-compatible DuckDB type in which a column of `type_` is stored.

    Sums of integers are HUGEINT in DuckDB and are stored as BIGINT; a value beyond it fails the write.
    """
    if type_.startswith("ENUM("):
        return "VARCHAR"
    if type_.endswith("]"):
        element = type_[: type_.rindex("[")]
        return f"{storable(element)}[]"
    return _STORED_AS.get(type_, type_)


def columns_of(connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None) -> list[Column]:
    """Names and DuckDB types of a query's columns, without running it."""
    described = connection.execute(f"DESCRIBE {query}", parameters).fetchall()
    return [Column(name, str(type_)) for name, type_, *_ in described]


def stored_select(query: str, columns: Sequence[Column]) -> tuple[str, tuple[Column, ...]]:
    """The query with every column cast to what Delta can keep, and the resulting schema."""
    stored = tuple(Column(column.name, storable(column.type)) for column in columns)
    if list(stored) == list(columns):
        return query, stored
    casts = ", ".join(
        quote(old.name)
        if old.type == new.type
        else f"CAST({quote(old.name)} AS {new.type}) AS {quote(old.name)}"
        for old, new in zip(columns, stored, strict=True)
    )
    return f"SELECT {casts} FROM ({query})", stored
