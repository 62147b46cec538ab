"""Almost three hundred SQL statements of a warehouse's weight, the tables that they read, and small data for these."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from tests.statements.data import Maker

FOLDER = Path(__file__).parent
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "retail_parameters": {"channel": "web", "since": "2023-03-01", "rate": "1.125"},
    "retail_masked_customers": {"key": "not a secret"},
    "billing_parameters": {"state": "paid", "since": "2024-01-15", "size": 5, "first": 2},
}


@dataclass(frozen=True)
class Statement:
    """One statement: its name, its text, and values of its parameters."""

    name: str
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@cache
def statements() -> tuple[Statement, ...]:
    """All statements, by name, that this DuckDB knows: those with `(DuckDB 2)` in their comment need it."""
    files = sorted(path for path in FOLDER.glob("*.sql") if path.name != "schemas.sql")
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    is_old = duckdb.__version__.startswith("1.")
    return tuple(
        Statement(name, text, PARAMETERS.get(name, {}))
        for name, text in texts.items()
        if not (is_old and "(DuckDB 2)" in text)
    )


@cache
def schemas() -> Mapping[str, Mapping[str, str]]:
    """Table → column → type, as DuckDB writes it."""
    with duckdb.connect() as connection:
        connection.execute((FOLDER / "schemas.sql").read_text(encoding="utf-8"))
        found: dict[str, dict[str, str]] = {}
        for table, column, type_ in connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_oid, column_index"
        ).fetchall():
            found.setdefault(table, {})[column] = type_
    return found


def tables(seed: int = 1) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table, each in the order of its columns."""
    made = Maker(random.Random(seed))
    return {table: made.rows(table) for table in schemas()}
