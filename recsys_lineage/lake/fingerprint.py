"""Fingerprints: an order-independent hash of a table's content.

DuckDB hashes each row to 64 bits. A partition is the sum of its rows' hashes and their count, so the order of rows and
the layout of files do not matter, and duplicates count. A table is the sum of its partitions. Values that are equal in
SQL (0.0 and -0.0) count as equal. Fingerprints detect accidents and honest edits, not an adversary who constructs
collisions. Another version of DuckDB may give other hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import duckdb
from duckdb.sqltypes import DuckDBPyType

from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.sql.names import literal, quote

EMPTY = "0:0"
ALGORITHM = "rows-sum-1"
HASHED_BY = f"{ALGORITHM} duckdb {duckdb.__version__}"
"""The algorithm and the engine of this process's fingerprints."""


def comparable(one: str | None, other: str | None) -> bool:
    """Whether two fingerprints can differ only in content, given their algorithms and engines (None: unknown)."""
    return one is None or other is None or one == other


def children(type_: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Names and types of the parts of a nested type; an array's size is left out."""
    return [(name, child) for name, child in type_.children if isinstance(child, DuckDBPyType)]


def partition_fingerprints(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Sequence[Column],
    partition_column: str | None,
) -> dict[str, str]:
    """`{partition: "rows:sum"}` of a relation; the key is "" for a table without partitions."""
    terms = ", ".join(distinguished(quote(column.name), connection.sqltype(column.type)) for column in schema)
    key = f"CAST({quote(partition_column)} AS VARCHAR)" if partition_column else "''"
    # DuckDB joins the columns' hashes by XOR: two rows that swap values could keep their sum. The outer
    # hash mixes the bits, so that they cannot.
    rows = connection.execute(
        f"SELECT {key}, count(*), coalesce(sum(hash(hash({terms}))), 0) FROM {relation} GROUP BY 1"
    ).fetchall()
    return {key: f"{count}:{int(total):x}" for key, count, total in rows if count}


def add_contents(contents: Iterable[str]) -> str:
    """The "rows:hash sum" of several parts combined."""
    count = total = 0
    for content in contents:
        rows, hashes = content.split(":")
        count += int(rows)
        total += int(hashes, 16)
    return f"{count}:{total:x}"


def table_fingerprint(schema: Sequence[Column], content: str) -> str:
    """The fingerprint of a whole table, from its schema and its "rows:hash sum", as 32 hex digits."""
    text = ";".join(f"{column.name} {column.type}" for column in schema) + f"|{content}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def distinguished(value: str, type_: DuckDBPyType, depth: int = 0) -> str:
    """SQL of a value for which DuckDB's hash distinguishes all values of the type.

    DuckDB's hash alone does not distinguish an empty list or a struct of NULLs from NULL, nor [[1], [2]] from [[1, 2]].
    """
    if type_.id == "list":
        element = children(type_)[0][1]
        if element.id in ("list", "struct", "map"):
            inner = distinguished(f"e{depth}", element, depth + 1)
            elements = f"list_transform({value}, lambda e{depth}: {inner})"
        else:
            elements = value
        return f"hash({elements}, len({value}))"
    if type_.id == "struct":
        fields = [distinguished(f"struct_extract({value}, {literal(name)})", child, depth)
                  for name, child in children(type_)]  # fmt: skip
        return f"hash({value} IS NULL, {', '.join(fields)})"
    if type_.id == "map":
        (_, key), (_, item) = children(type_)
        keys = distinguished(f"map_keys({value})", duckdb.list_type(key), depth)
        items = distinguished(f"map_values({value})", duckdb.list_type(item), depth)
        return f"hash({value} IS NULL, {keys}, {items})"
    return value
