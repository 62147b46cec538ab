"""Blobs: files such as safetensors, JSON and PNG kept as rows of a table, so that models are versioned like data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pyarrow as pa

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion

# DuckDB holds several parts in memory at once; a 1 GB file in parts of 64 MB takes more than 2 GB.
PART_BYTES = 1 << 20
SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("part", pa.int32()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("content", pa.binary()),
    ]
)
COLUMNS = {
    "name": "The file's name.",
    "part": "Number of the part of the file, from 0; a part holds at most 1 MiB.",
    "bytes": "Size of the whole file.",
    "sha256": "Hash of the whole file.",
    "content": "The bytes of the part.",
}
"""Descriptions of the columns of a table of files."""
CONTENT = {"content": "TRANSFORMATION", "name": "JOIN", "part": "SORT"}
"""Columns that the content is made from → the kind of edge; the other columns only serve to verify it."""


def files_from(origins: Mapping[str, Collection[str]]) -> dict[str, Mapping[str, Collection[str]]]:
    """Column lineage of a table of files whose content comes from some columns of other tables.

    Args:
        origins: table → columns, as `frame_asset(columns_from=…)` takes them.
    """
    return {"name": {}, "part": {}} | dict.fromkeys(("bytes", "sha256", "content"), origins)


class BlobError(LineageError):
    """Stored files are incomplete or differ from what was written."""


def blob_table(files: Mapping[str, bytes]) -> pa.Table:
    """The files as rows (name, part, bytes, sha256, content).

    `part` counts from 0; a part holds at most 1 MiB. `bytes` and `sha256` are those of the whole file. The same files
    give the same rows, and so the same fingerprint, in any order.
    """
    rows: list[tuple[str, int, int, str, bytes]] = []
    for name, content in sorted(files.items()):
        digest = hashlib.sha256(content).hexdigest()
        for part, start in enumerate(range(0, max(len(content), 1), PART_BYTES)):
            rows.append((name, part, len(content), digest, content[start : start + PART_BYTES]))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], SCHEMA
    )


def files_of(rows: pa.Table) -> dict[str, bytes]:
    """The files from which `blob_table` made rows; the rows may come in any order.

    Raises:
        BlobError: columns or parts are missing or repeated, or a file's bytes differ from those written.
    """
    if missing := [name for name in SCHEMA.names if name not in rows.column_names]:
        raise BlobError(
            "These rows hold no files.",
            expected=", ".join(SCHEMA.names),
            found=", ".join(rows.column_names),
            advice=f"read a table that holds files; this one lacks {', '.join(missing)}",
        )
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows.select(SCHEMA.names).to_pylist():
        parts.setdefault(row["name"], []).append(row)
    return {name: _joined(name, found) for name, found in sorted(parts.items())}


def write_blobs(
    lake: Lake,
    table: str,
    files: Mapping[str, bytes],
    *,
    record: Mapping[str, Any] | Callable[[TableVersion], Mapping[str, Any]] | None = None,
) -> TableVersion:
    """Write files as the next version of a table, replacing its previous files.

    Raises:
        InsufficientSpace: the disk is full or not writable.
        WriteConflict: other writers kept winning.
    """
    return lake.write_arrow(table, blob_table(files), record=record)


def read_blobs(lake: Lake, version: TableVersion) -> dict[str, bytes]:
    """The files of one version, by name.

    Raises:
        BlobError: rows are missing, or a file's bytes differ from those written.
        LineageError: the table's Parquet files are missing or damaged.
    """
    rows = lake.arrow(version)
    if rows.num_rows != version.rows:
        raise BlobError(
            f"Table {version.table!r} does not hold the rows that were committed.",
            expected=f"{version.rows} rows in version {version.version}",
            found=f"{rows.num_rows} rows",
            where=lake.table_uri(version.table),
            advice=f"materialize {version.table} again",
        )
    return files_of(rows)


def _joined(name: str, found: list[dict[str, Any]]) -> bytes:
    found.sort(key=lambda row: row["part"])
    content = b"".join(row["content"] for row in found)
    size, digest = found[0]["bytes"], hashlib.sha256(content).hexdigest()
    numbers = [row["part"] for row in found]
    if numbers != list(range(len(found))) or len(content) != size or digest != found[0]["sha256"]:
        raise BlobError(
            f"The stored file {name!r} is not what was written.",
            expected=f"{size:,} bytes with sha256 {found[0]['sha256']}",
            found=f"{len(content):,} bytes in parts {numbers} with sha256 {digest}",
            advice="materialize the asset that wrote it again",
        )
    return content
