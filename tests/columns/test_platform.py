"""Every SQL of the shop is analysed: all its columns, under DuckDB's names, and only columns that are there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import duckdb
import pytest

import recsys_assets
from recsys_assets.sql import load_sql
from recsys_lineage import ColumnEdge, column_lineage
from tests.sql.shop import GROUPS, make_shop

TABLES = [(group, table) for group, tables in GROUPS.items() for table in tables]
SOURCES = sorted((Path(recsys_assets.__file__).parent / "sources").glob("*/*.sql"))


@cache
def schemas() -> Mapping[str, Mapping[str, str]]:
    with duckdb.connect() as connection:
        make_shop(connection)
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
        ).fetchall():
            found.setdefault(table, {})[column] = kind
    return found


@pytest.mark.parametrize(("group", "table"), TABLES)
def test_tables(group: str, table: str) -> None:
    found = column_lineage(load_sql(group, table), schemas())
    assert list(found) == list(schemas()[table])
    for edges in found.values():
        assert all(edge.column in schemas()[edge.table] for edge in edges)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_sources(path: Path) -> None:
    from recsys_lineage.files.source_query import parse_source_sql

    query = parse_source_sql(path.read_text(encoding="utf-8"), path.name)
    known = {scan.pattern: dict.fromkeys((*columns, "_file"), "VARCHAR") | {"_line": "BIGINT"}
             for scan, columns in query.required_columns.items()}  # fmt: skip
    found = column_lineage(query.sql, known, origin=path.name)
    assert list(found) == list(query.columns)
    read = {(edge.table, edge.column) for edges in found.values() for edge in edges}
    needed = {(scan.pattern, name) for scan, names in query.required_columns.items() for name in names}
    assert needed - {(table, name) for table, name in needed if name in ("_file", "_line")} <= read


def test_item_profiles_counts_the_events_of_an_item() -> None:
    found = column_lineage(load_sql("features", "item_profiles"), schemas())
    assert {(edge.table, edge.column, edge.subtype) for edge in found["title"] if edge.kind == "DIRECT"} == {
        ("items", "title", "IDENTITY"), ("events", "item_id", "TRANSFORMATION"),
    }  # fmt: skip
    direct = {(edge.table, edge.column, edge.subtype) for edge in found["price_max"] if edge.kind == "DIRECT"}
    assert direct == {("events", "unit_price", "AGGREGATION")}
    assert ColumnEdge("promotions", "display", "DIRECT", "AGGREGATION") in found["display_share"]
    assert not any(edge.table == "promotions" for edge in found["revenue"])
