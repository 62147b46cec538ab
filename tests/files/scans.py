"""Scans of a folder, opened on a connection."""

from __future__ import annotations

from pathlib import Path

import duckdb

from recsys_lineage.files import FileScan, OpenedScan, list_files, open_scan

CSV = FileScan("read_csv", "*.csv")
PARQUET = FileScan("read_parquet", "*.parquet")


def opened(con: duckdb.DuckDBPyConnection, root: Path, scan: FileScan, *required: str) -> OpenedScan:
    return open_scan(con, root, scan, list_files(root, scan.pattern), "files", required)
