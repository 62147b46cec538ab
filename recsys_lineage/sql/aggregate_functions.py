"""The names of DuckDB's aggregate functions."""

from __future__ import annotations

import re
from functools import lru_cache

from recsys_lineage.sql.spare_database import spare_database

_CALLED = re.compile(r'(\w+)"?\(')


@lru_cache(maxsize=1)
def aggregate_functions() -> frozenset[str]:
    """Names of DuckDB's aggregates, and of macros made from them, such as `wavg` and `json_group_array`."""
    with spare_database() as connection:
        aggregates = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
        ).fetchall()
        macros = connection.execute(
            "SELECT function_name, macro_definition FROM duckdb_functions() WHERE function_type = 'macro' AND internal"
        ).fetchall()
    found = {name for (name,) in aggregates}
    of = {name: {each.lower() for each in _CALLED.findall(text)} for name, text in macros}
    while more := {name for name, calls in of.items() if name not in found and calls & found}:
        found |= more
    return frozenset(found)
