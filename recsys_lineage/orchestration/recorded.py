"""Records of Dagster objects other than lineage assets: standalone checks, and assets that write no lake table."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import Literal

import dagster as dg

from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.dagster_failure import dagster_failure
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.run_of import run_of
from recsys_lineage.progress import Progress, tell
from recsys_lineage.records.materialization import FORMAT, Code, Materialization
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.engine_versions import engine_versions
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Purpose
from recsys_lineage.records.records import Records


class Recording:
    """Inputs of a `recorded` block, and its report of results."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.checks: list[CheckOutcome] = []
        self.rows: int | None = None
        self.columns: Mapping[str, Sequence[ColumnEdge]] = {}
        """Origins of the columns of the block's result."""


@contextmanager
def recorded(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    lake: LakeResource,
    name: str,
    code: Code,
    code_version: str,
    reads: Sequence[str],
    *,
    kind: Literal["asset", "check"] = "asset",
    pinned: Mapping[str, int] | None = None,
    folders: Iterable[str | os.PathLike[str]] = (),
) -> Iterator[Recording]:
    """Write one record of the block's reads and results, even if it fails.

    Like an asset's code, the block may open only what the record names.

    Args:
        name: the asset, or the asset of a check.
        code: the code of the block.
        code_version: its version.
        reads: the tables that the block may read.
        kind: asset or check; a check's reads are noted with that purpose.
        pinned: table → the version to read instead of the latest.
        folders: folders into which the block writes.
    """
    opened = lake.lake()
    records = Records(opened)
    commit, dirty = lake.git()
    started, block = datetime.now(timezone.utc), sys._getframe(2)
    purpose: Purpose = "check" if kind == "check" else "input"

    def record(recording: Recording) -> Materialization:
        return Materialization(
            id=uuid.uuid4().hex,
            asset=name,
            partitions=(),
            status="success",
            started=started,
            ended=datetime.now(timezone.utc),
            code_version=code_version,
            code=code,
            reads=recording.inputs.reads,
            rows=recording.rows,
            column_lineage={name: tuple(edges) for name, edges in recording.columns.items()},
            checks=tuple(recording.checks),
            run=run_of(context, lake.code_location),
            lake=opened.uri,
            engine=engine_versions(),
            git_commit=commit,
            git_dirty=dirty,
            kind=kind,
            format=FORMAT,
        )

    def append(one: Materialization) -> None:
        if fault := _not_added(records, one):
            context.log.warning(f"What {name} read could not be recorded: {fault}")

    with opened.connect(tables={*reads, *(pinned or {})}) as connection:
        inputs = Inputs(opened, connection, name, reads, pinned)
        recording = Recording(inputs)
        try:
            with inputs.reading_for(purpose), guarded(name, folders, inputs=inputs, frame=block):
                yield recording
        except BaseException as error:
            failure = Failure.of(error, code.text, reads)
            status = "failed" if isinstance(error, Exception) else "canceled"
            append(replace(record(recording), status=status, failure=failure))
            if not isinstance(error, Exception):
                raise
            tell(Progress(name, "failed", str(error) or type(error).__name__))
            raise dagster_failure(name, error, failure) from None
        append(record(recording))


def _not_added(records: Records, one: Materialization) -> str | None:
    """Reason why a record could not be added to the table of records."""
    try:
        records.append([one])
    except Exception as error:
        return error.message if isinstance(error, LineageError) else type(error).__name__
    return None
