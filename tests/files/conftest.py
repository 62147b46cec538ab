"""A connection on which scans are opened."""

from __future__ import annotations

import duckdb
import pytest


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})
