"""Source files, read exactly: listing, faults, and every row with its file and line.

This package depends on neither a lake nor Dagster: a folder and a SELECT over files in, DuckDB relations out.
"""

from recsys_lineage.files.failing_rows import FailingRows, failing_rows
from recsys_lineage.files.fault import FileFault
from recsys_lineage.files.scan import FileReport, KnownContent, OpenedScan, open_scan
from recsys_lineage.files.source_file import (
    DuplicateFile,
    SourceFile,
    deduplicate,
    hashed_file,
    is_hidden,
    is_unchanged,
    list_files,
    names_in,
    parsed_pattern,
    unreadable,
)
from recsys_lineage.files.source_query import FileScan, SourceQuery, parse_source_sql

__all__ = [
    "DuplicateFile",
    "FailingRows",
    "FileFault",
    "FileReport",
    "FileScan",
    "KnownContent",
    "OpenedScan",
    "SourceFile",
    "SourceQuery",
    "deduplicate",
    "failing_rows",
    "hashed_file",
    "is_hidden",
    "is_unchanged",
    "list_files",
    "names_in",
    "open_scan",
    "parse_source_sql",
    "parsed_pattern",
    "unreadable",
]
