"""Records for tests: any that hypothesis can think of, plain ones, and those of versions that a lake holds."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import polars as pl
from hypothesis import strategies as st

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import Column, TableVersion
from recsys_lineage.records.materialization import (
    FORMAT,
    Code,
    Materialization,
    Statement,
    TrainingData,
    Written,
    WrittenColumn,
    WrittenPartition,
)
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.run_record import RunRecord

TODAY = datetime(2026, 3, 1, 4, tzinfo=timezone.utc)

texts = st.text(max_size=6)
_counts = st.integers(0, 2**63 - 1)
_maybe_counts = st.none() | _counts
_maybe_texts = st.none() | texts
_moments = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))
_columns = st.lists(
    st.builds(Column, texts, st.sampled_from(["BIGINT", "VARCHAR", "INTEGER[]"])), max_size=3
).map(tuple)
_names = st.lists(texts, max_size=3).map(tuple)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
_reads = st.builds(
    Read, st.sampled_from(["table", "file"]), texts, texts, st.sampled_from(["input", "check", "previous"]),
    _maybe_counts, _columns, st.none() | _names, st.none() | _names, _maybe_counts, _maybe_counts, _maybe_texts,
    _maybe_texts,
)  # fmt: skip
_partitions = st.dictionaries(
    texts, st.builds(WrittenPartition, _counts, _maybe_counts, texts, _counts), max_size=2
)
_written = st.builds(
    Written, _counts, _counts, _maybe_texts, _partitions, st.dictionaries(texts, texts, max_size=1),
    st.dictionaries(texts, st.builds(WrittenColumn, _counts, _maybe_counts, _maybe_counts), max_size=2), _maybe_texts,
)  # fmt: skip
_runs = st.builds(
    Run, run_id=_maybe_texts, job=_maybe_texts, step=_maybe_texts, retry=st.integers(0, 3), code_location=_maybe_texts,
    started=st.none() | _moments, tick=_maybe_texts, parent_run=_maybe_texts,
)  # fmt: skip
_edges = st.sampled_from(
    ["IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW", "CONDITIONAL"]
).flatmap(
    lambda subtype: st.builds(
        ColumnEdge, texts, texts,
        st.just("DIRECT" if subtype in ("IDENTITY", "TRANSFORMATION", "AGGREGATION") else "INDIRECT"),
        st.just(subtype), st.booleans(),
    )
)  # fmt: skip
materializations = st.builds(
    Materialization,
    id=st.uuids().map(lambda made: made.hex),
    asset=texts,
    partitions=_names,
    status=st.sampled_from(["success", "failed", "canceled", "kept"]),
    started=_moments,
    ended=_moments,
    code_version=texts,
    code=st.builds(Code, st.sampled_from(["sql", "python"]), texts, texts, _maybe_texts),
    reads=st.lists(_reads, max_size=3).map(tuple),
    version=_maybe_counts,
    fingerprint=_maybe_texts,
    rows=_maybe_counts,
    schema=_columns,
    parameters=st.dictionaries(texts, st.integers() | texts | _moments | st.dates(), max_size=2),
    statistics=st.dictionaries(texts, _json, max_size=2),
    observed=_maybe_texts,
    takes=_json,
    column_lineage=st.dictionaries(texts, st.lists(_edges, max_size=3).map(tuple), max_size=2),
    continued=st.booleans(),
    trained_on=st.lists(st.builds(TrainingData, texts, _counts, texts, _counts), max_size=1).map(tuple),
    statement=st.none() | st.builds(Statement, texts, st.dictionaries(texts, st.integers(), max_size=1)),
    written=st.none() | _written,
    checks=st.lists(st.builds(CheckOutcome, texts, st.booleans(), texts), max_size=1).map(tuple),
    failure=st.none() | st.builds(Failure, texts, texts, _names),
    kept=_maybe_texts,
    run=_runs,
    lake=_maybe_texts,
    declared=_names | st.lists(st.sampled_from(["orders", "raw_2"]), max_size=2).map(tuple),
    engine=st.dictionaries(texts, texts, max_size=2),
    git_commit=_maybe_texts,
    git_dirty=st.none() | st.booleans(),
    kind=st.sampled_from(["asset", "check"]),
    format=st.just(FORMAT),
)
"""Any Materialization of today's format."""
run_records = st.builds(
    RunRecord,
    id=st.uuids().map(lambda made: made.hex),
    state=st.sampled_from(["success", "failed", "canceled", "lost"]),
    started=_moments,
    ended=_moments,
    run=_runs,
    tags=st.dictionaries(texts, texts, max_size=2),
    assets=_names,
    steps=st.dictionaries(texts, st.sampled_from(["success", "failed", "skipped"]), max_size=2),
    lake=_maybe_texts,
)
"""Any RunRecord."""


def record(asset: str, minute: int = 0, **more: Any) -> Materialization:
    """A plain record of one asset, that started so many minutes after the first."""
    began = TODAY + timedelta(minutes=minute)
    facts: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "asset": asset,
        "partitions": (),
        "status": "failed",
        "started": began,
        "ended": began + timedelta(seconds=30),
        "code_version": "v1",
        "code": Code("sql", f"SELECT * FROM {asset}_source", f"{asset}.sql"),
        "reads": (
            Read("table", f"{asset}_source", "f" * 32, version=minute, schema=(Column("x", "BIGINT"),)),
        ),
        "format": FORMAT,
    }
    return Materialization(**(facts | more))


def run_record(minute: int = 0) -> RunRecord:
    """A plain record of a run."""
    began = TODAY + timedelta(minutes=minute)
    return RunRecord(uuid.uuid4().hex, "success", began, began + timedelta(seconds=50), Run(job="nightly"))


def commit_version(lake: Lake, asset: str, minute: int = 0) -> Materialization:
    """Write a version of an asset's table with its record, and die before the record is a row."""
    made: list[Materialization] = []

    def carried(version: TableVersion) -> dict[str, Any]:
        made.append(record(asset, minute, status="success", version=version.version, rows=version.rows))
        return made[-1].to_json()

    lake.write_arrow(asset, pl.DataFrame({"x": [minute]}), record=carried)
    return made[-1]
