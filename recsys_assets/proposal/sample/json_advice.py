"""Advice on JSON that is no line a record: commands that make a table of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from recsys_lineage.sql.names import quote


def of_one_line(name: str, head: bytes, sampled: int) -> str:
    """The fault of a file whose first line is longer than the sample."""
    if found := re.match(rb"\s*\{\s*\"(\w+)\"\s*:\s*\[\s*\{", head):
        way = unlisted([found[1].decode()], name)
        return f"one line of JSON with a list of records ({found[1].decode()}): make Parquet of these, as by {way}"
    if head.lstrip()[:1] in (b"[", b"{"):
        return f"JSON without a record in each line: make Parquet of it, as by {json_to_parquet(name)}"
    return f"its first line is longer than {sampled >> 20} MiB, so it is no table"


def unlisted(path: Sequence[str], name: str) -> str:
    """A command that writes each record of a list in JSON as a row of Parquet."""
    records = f"unnest({'.'.join(map(quote, path))}, max_depth := 2)"
    return _to_parquet(f"SELECT {records} FROM read_json('{name}', maximum_object_size = 1000000000)", name)


def json_to_parquet(name: str) -> str:
    """A command that converts a file of JSON to Parquet."""
    return _to_parquet(f"FROM read_json('{name}', maximum_object_size = 1000000000)", name)


def _to_parquet(sql: str, name: str) -> str:
    made = f"COPY ({sql}) TO '{name.split('.', 1)[0]}.parquet'".replace('"', '\\\\\\"')
    return f"""python -c "import duckdb; duckdb.sql(\\"{made}\\")\""""
