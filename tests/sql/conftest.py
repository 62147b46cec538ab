"""One DuckDB connection for each test."""

import duckdb
import pytest


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """An empty database in memory."""
    return duckdb.connect(config={"threads": 2, "memory_limit": "3GB"})
