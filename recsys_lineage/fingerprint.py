"""Fingerprints: an order-independent hash of a table's content.

Each row is hashed to 64 bits by DuckDB; a partition is the sum of its rows' hashes and their count, so the
order of rows and the layout of files cannot matter, duplicates do count, and a table is the sum of its
partitions. It tells accidents and honest edits apart, not the work of an adversary who constructs collisions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import duckdb

from recsys_lineage.table_version import Column

EMPTY = "0:0"


def quote(name: str) -> str:
    """A SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def partition_fingerprints(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Sequence[Column],
    partition_column: str | None,
) -> dict[str, str]:
    """`{partition: "rows:sum"}` of a relation; the key is "" for a table without partitions."""
    columns = ", ".join(quote(column.name) for column in schema)
    key = f"CAST({quote(partition_column)} AS VARCHAR)" if partition_column else "''"
    rows = connection.execute(
        f"SELECT {key}, count(*), coalesce(sum(hash({columns})), 0) FROM {relation} GROUP BY 1"
    ).fetchall()
    return {key: f"{count}:{int(total):x}" for key, count, total in rows if count}


def add_contents(contents: Iterable[str]) -> str:
    """The "rows:hash sum" of several parts together."""
    count = total = 0
    for content in contents:
        rows, hashes = content.split(":")
        count += int(rows)
        total += int(hashes, 16)
    return f"{count}:{total:x}"


def table_fingerprint(schema: Sequence[Column], content: str) -> str:
    """The fingerprint of a whole table, of its schema and its "rows:hash sum", as 32 hex digits."""
    text = ";".join(f"{column.name} {column.type}" for column in schema) + f"|{content}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
