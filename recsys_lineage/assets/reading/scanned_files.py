"""Files of a source opened on a run's connection; each is noted as a read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from recsys_lineage import files
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import SqlFailed
from recsys_lineage.files import (
    FailingRows,
    FileScan,
    KnownContent,
    OpenedScan,
    SourceFile,
    SourceQuery,
)
from recsys_lineage.files.scan import MALFORMED_SCHEMA
from recsys_lineage.files.source_query import TRACED_COLUMNS
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.records.materialization import ScannedFiles
from recsys_lineage.sql.written_sql import WrittenSql


def open_scan(
    inputs: Inputs,
    root: Path,
    scan: FileScan,
    listed: Sequence[SourceFile],
    relation: str,
    required_columns: Sequence[str] = (),
    *,
    decode: bool = False,
    known: Mapping[tuple[str, str], KnownContent] | None = None,
    named_at: Mapping[str, str] | None = None,
) -> OpenedScan:
    """Open files on the run's connection, see `recsys_lineage.files.open_scan`; notes each as a Read.

    A file whose content is `known` is noted too, with its hash.

    It is not part of `Inputs`, so that an asset that reads only tables does not depend on the readers of files.
    """
    opened = files.open_scan(
        inputs._connection,
        root,
        scan,
        listed,
        relation,
        required_columns=required_columns,
        decode=decode,
        known=known,
        named_at=named_at,
    )
    types = {name.casefold(): type_ for name, type_ in opened.schema}
    # files are many, and their columns mostly the same
    schemas: dict[tuple[str, ...], list[Column]] = {}
    for report in opened.reports:
        file = report.file
        if file.sha256:
            schema = schemas.get(report.columns)
            if schema is None:
                schema = [
                    Column(name, types[name.casefold()])
                    for name in report.columns
                    if name.casefold() in types
                ]
                schemas[report.columns] = schema
            inputs.file(
                file.path,
                bytes=file.bytes,
                sha256=file.sha256,
                root=str(root),
                rows=report.rows,
                schema=schema,
                seen=(root / file.path, file),
            )
    meaning = ScannedFiles(scan.described(), str(root), len(listed))
    inputs.relation_of_files(opened.relation, meaning, [*opened.columns, *TRACED_COLUMNS])
    inputs.relation_of_files(opened.malformed, meaning, MALFORMED_SCHEMA.names)
    return opened


def failing_rows(
    inputs: Inputs,
    query: SourceQuery,
    relations: Mapping[FileScan, str],
    own: Collection[FileScan],
    error: Exception,
) -> FailingRows:
    """The rows at which a source's SQL fails on the run's connection, see `recsys_lineage.files.failing_rows`."""
    return files.failing_rows(inputs._connection, query, relations, own, error)


def sql_failed(inputs: Inputs, written: WrittenSql, error: Exception) -> SqlFailed | None:
    """The error of a source's SQL with its scans open on the run's connection, from DuckDB's error."""
    return written.failed(error, inputs._connection)
