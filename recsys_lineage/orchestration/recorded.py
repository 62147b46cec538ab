"""Records of Dagster objects other than lineage assets: standalone checks, and assets that write no lake table."""

from __future__ import annotations

import inspect
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from types import FrameType
from typing import Literal

import dagster as dg

from recsys_lineage.assets.asset_code import AssetCode, Unchanged
from recsys_lineage.assets.attempts.left_record import leave
from recsys_lineage.assets.reading.guarded_code import guarded
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.assets.vocabulary import Vocabulary
from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.error_text import words_of
from recsys_lineage.interruption import is_interruption, stop_is_requested, without_message
from recsys_lineage.orchestration.dagster_failure import dagster_failure
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.run_of import run_of
from recsys_lineage.progress import Progress, tell
from recsys_lineage.records.materialization import FORMAT, Code, Materialization, Status
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.engine_versions import engine_versions
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Purpose
from recsys_lineage.records.records import Records

_modules_by_name = sys.modules
"""Looked at for names only: nothing of the modules runs."""


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
    started, block = datetime.now(timezone.utc), sys._getframe(2)
    purpose: Purpose = "check" if kind == "check" else "input"

    def leave_one(made: Recording, status: Status = "success", failure: Failure | None = None) -> None:
        one = Materialization(
            id=uuid.uuid4().hex,
            asset=name,
            partitions=(),
            status=status,
            started=started,
            ended=datetime.now(timezone.utc),
            code_version=code_version,
            code=code,
            reads=made.inputs.reads,
            rows=made.rows,
            column_lineage={name: tuple(edges) for name, edges in made.columns.items()},
            checks=_without_cells(made, name, code, tuple(reads), block),
            run=run_of(context, lake.code_location),
            lake=opened.uri,
            engine=engine_versions(),
            git_commit=lake.git_commit or None,
            git_dirty=lake.git_dirty,
            kind=kind,
            format=FORMAT,
            failure=failure,
        )
        for warning in leave(Records(opened), one):
            context.log.warning(warning)

    ended: BaseException | None = None
    with opened.connect(tables={*reads, *(pinned or {})}) as connection:
        inputs = Inputs(opened, connection, name, reads, pinned)
        recording = Recording(inputs)
        try:
            with inputs.reading_for(purpose), guarded(name, folders, inputs=inputs, frame=block):
                yield recording
        except BaseException as error:
            ended = error
        if ended is None:
            leave_one(recording)
            return
        failure = Failure.of(ended, code.text, reads)
        status: Status = "canceled" if is_interruption(ended) or stop_is_requested() else "failed"
        leave_one(recording, status, failure)
    # Without its cause: Dagster would store that too, and its message may quote a row.
    raise _reported(name, ended, failure, status) from None


def _reported(name: str, error: BaseException, failure: Failure, status: Status) -> BaseException:
    """The error that Dagster gets in place of one that ended a block."""
    if status == "canceled":
        return without_message(error)
    tell(Progress(name, "failed", words_of(error)))
    return dagster_failure(name, error, failure)


def _without_cells(
    recording: Recording, name: str, code: Code, reads: tuple[str, ...], block: FrameType
) -> tuple[CheckOutcome, ...]:
    """The results of a block, without what could be a cell of a table."""
    if not recording.checks:
        return ()
    written = replace(code, kind="python", text=_module_of(block))
    asset = AssetCode(name, written, "", reads, lambda _inputs, _request: Unchanged())
    words = Vocabulary(asset, recording.inputs)
    rows = [read.rows for read in recording.inputs.reads if read.rows is not None]
    return tuple(
        replace(words.outcome(check, rows), description=words.plain(check.description))
        for check in recording.checks
    )


def _module_of(block: FrameType) -> str:
    """The source of the module in which a block stands; its results may name the constants in it."""
    try:
        return inspect.getsource(_modules_by_name[block.f_globals["__name__"]])
    except (KeyError, OSError, TypeError):
        return ""
