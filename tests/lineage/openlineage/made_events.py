"""Records as assets really leave them, for laws of events, and events as objects of the client's classes."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Literal

import attr
from hypothesis import strategies as st
from openlineage.client import event_v2, facet_v2
from openlineage.client.generated import base

from recsys_lineage.columns.column_edge import ColumnEdge
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.openlineage.translation.asset_description import AssetDescription
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.events import events
from recsys_lineage.records.materialization import (
    FORMAT,
    Code,
    Materialization,
    ScannedFiles,
    Statement,
    Status,
    TrainingData,
    Written,
    WrittenColumn,
    WrittenPartition,
)
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.failure import Failure
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run

NAMES = ("orders", "customers", "spend", "candidate_a", "champion")
TYPES = (
    "BIGINT",
    "VARCHAR",
    "DOUBLE[]",
    "STRUCT(a INTEGER, b VARCHAR[])",
    "MAP(VARCHAR, BIGINT)",
    "DECIMAL(18,2)",
)
LAKE, DATA = "/srv/shop/lake", "/srv/shop/data"
BEGAN = datetime(2026, 3, 1, 2, tzinfo=timezone.utc)
_SUBTYPES = ("IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "GROUP_BY", "FILTER")
described = EventOptions(
    repository="https://github.com/shop/data",
    checkout="/srv/shop/code",
    lake=LAKE,
    assets={
        name: AssetDescription(
            f"All {name}.",
            ("team:data", "ann@shop.example"),
            {"layer": "clean"},
            {"a": "the first [pii]", "b": "b"},
        )
        for name in NAMES[:3]
    },
)
_schemas = st.lists(
    st.builds(Column, st.sampled_from("abcde"), st.sampled_from(TYPES)),
    min_size=1,
    unique_by=lambda column: column.name,
).map(tuple)
_days = st.lists(st.integers(1, 28).map(lambda day: f"2026-02-{day:02}"), max_size=3, unique=True).map(tuple)
_moments = st.integers(0, 10_000).map(lambda seconds: BEGAN + timedelta(seconds=seconds))
_checks = st.builds(
    CheckOutcome, st.sampled_from(["unique_a", "not_empty"]), st.booleans(), st.just("3 rows break the rule"),
    st.booleans(), st.sampled_from(["", "no two rows share a"]), st.sampled_from(["error", "warn"]),
    st.sampled_from([(), ("a",), ("a", "b")]), st.sampled_from([{}, {"rows": 3}]),
    st.sampled_from([(), ("orders.csv:7",)]),
)  # fmt: skip


@st.composite
def _materializations(draw: st.DrawFn) -> Materialization:
    asset = draw(st.sampled_from(NAMES))
    tables = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    reads = [
        Read(
            "table", name, "f" * 32, draw(st.sampled_from(["input", "check"])), draw(st.integers(0, 9)), draw(_schemas),
            partitions=draw(st.none() | _days), rows=draw(st.none() | st.integers(0, 99)),
            bytes=draw(st.none() | st.just(5)),
        )
        for name in tables
    ]  # fmt: skip
    relations: dict[str, ScannedFiles] = {}
    if draw(st.booleans()):
        schema, days = draw(_schemas), draw(_days)
        scan = draw(st.sampled_from(["read_csv('sales-*.csv')", "read_csv('sales-*.csv', delim = ';')"]))
        relations["files_sales"] = ScannedFiles(scan, DATA, len(days))
        reads += [
            Read("file", f"sales-{day}.csv", day * 5, schema=schema, rows=3, bytes=40, root=DATA)
            for day in days
        ]
    sources = {read.name: read.schema for read in reads if read.kind == "table"}
    sources |= {scan.scan: (Column("_file", "VARCHAR"),) for scan in relations.values()}
    schema = draw(_schemas)
    lineage: dict[str, tuple[ColumnEdge, ...]] = {}
    if sources and draw(st.booleans()):
        edges = st.sampled_from(sorted(sources)).flatmap(
            lambda table: st.builds(_edge, st.just(table), st.sampled_from([c.name for c in sources[table]]),
                                    st.sampled_from(_SUBTYPES), st.booleans())
        )  # fmt: skip
        lineage = {c.name: tuple(draw(st.lists(edges, max_size=4, unique=True))) for c in schema}
    statuses: list[Status] = ["success", "success", "failed", "canceled", "kept"]
    status = draw(st.sampled_from(statuses))
    kinds: list[Literal["asset", "check"]] = ["asset", "asset", "check"]
    kind = draw(st.sampled_from(kinds))
    began, days = draw(_moments), draw(_days)
    wrote = status == "success" and kind == "asset"
    written = Written(
        500, 2, "day" if days else None, {day: WrittenPartition(3, 50, "f", 1) for day in days}, {},
        {
            column.name: WrittenColumn(10, draw(st.none() | st.integers(0, 3)), draw(st.none() | st.just(2)))
            for column in schema
        },
    )  # fmt: skip
    run = Run(
        "run-1", "nightly", asset if kind == "asset" else f"{asset}_check", started=BEGAN, schedule="night"
    )
    return Materialization(
        id=draw(st.uuids()).hex,
        asset=asset,
        partitions=days,
        status=status,
        started=began,
        ended=began + timedelta(seconds=3),
        code_version="v1",
        code=draw(
            st.sampled_from(
                [
                    Code("sql", "SELECT 1", "/srv/shop/code/spend.sql:1", "duckdb"),
                    Code("python", "def f(): ...", "f.py"),
                ]
            )
        ),
        reads=() if status == "kept" else tuple(reads),
        version=draw(st.integers(0, 9)) if wrote else None,
        rows=9 if wrote else None,
        schema=schema if wrote else (),
        parameters=draw(st.sampled_from([{}, {"days": 30, "until": BEGAN, "names": ["x"]}])),
        statistics={"family": "lightgcn", "seed": 7, "params": {"layers": 3}, "validation ndcg@20": 0.16},
        observed=draw(st.none() | st.just("seen")),
        trained_on=(TrainingData("split", 3, "subset = 'train'", 100),) if "a" in asset[-1] else (),
        statement=Statement("SELECT 1", relations=relations),
        written=written if wrote else None,
        column_lineage=lineage if wrote else {},
        column_tags={"a": ("pii", "health+indirect")} if wrote else {},
        checks=tuple(draw(st.lists(_checks, max_size=2))),
        failure=Failure("ValueError", "no such day", ("f.py:3 in f",)) if status == "failed" else None,
        kept="0" * 32 if status == "kept" else None,
        run=draw(st.sampled_from([Run(), run])),
        lake=LAKE,
        declared=("orders", "split"),
        engine={"duckdb": "2.0.0", "python": "3.11.7"},
        git_commit="c0ffee",
        git_dirty=draw(st.none() | st.booleans()),
        kind=kind,
        format=FORMAT,
    )


def _edge(table: str, column: str, subtype: Any, masking: bool) -> ColumnEdge:
    kind = "DIRECT" if subtype in _SUBTYPES[:3] else "INDIRECT"
    return ColumnEdge(table, column, kind, subtype, masking)


orderly_materializations = _materializations()
"""Records as assets leave them: what their column lineage names was read, and has these columns."""
any_events = [
    orderly_materializations.flatmap(lambda record: st.sampled_from(events(record, described) or [_start()]))
]
"""One event of such a record."""


def _start() -> dict[str, Any]:
    record = Materialization(
        "0", "orders", (), "failed", BEGAN, BEGAN, "v", Code("sql", "SELECT 1", "o.sql"), ()
    )
    return events(replace(record))[0]


def as_client_object(event: Mapping[str, Any]) -> Any:
    """An event as an object of the client's classes; what these have no field for is refused."""
    if "run" in event:
        return _made(event_v2.RunEvent, event)
    return _made(event_v2.DatasetEvent if "dataset" in event else event_v2.JobEvent, event)


@cache
def _facet_classes() -> dict[str, type[Any]]:
    """By the address of their schema."""
    assert facet_v2.schema_dataset is not None, "importing it makes all classes known"
    return {each._get_schema(): each for each in _below(base.BaseFacet)}


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _made(kind: Any, value: Any) -> Any:
    """A JSON value as an object of a class, or of what its fields are typed as."""
    if isinstance(value, Mapping) and "_schemaURL" in value:
        kind = _facet_classes()[value["_schemaURL"]]
    if attr.has(kind) and isinstance(value, Mapping):
        hints = typing.get_type_hints(kind)
        given = {
            name.lstrip("_"): _made(hints.get(name, Any), inner)
            for name, inner in value.items()
            if name not in ("_schemaURL", "schemaURL")
        }
        fields = {field.alias: field for field in attr.fields(kind)}
        assert set(given) <= set(fields), (kind, set(given) - set(fields))
        absent = {
            name: None
            for name, field in fields.items()
            if field.init and name not in given and field.default is not attr.NOTHING
        }
        return kind(**(absent | given))
    arguments = typing.get_args(kind)
    if isinstance(value, list):
        return [_made(_inner(arguments), each) for each in value]
    if isinstance(value, Mapping):
        return {name: _made(_inner(arguments, -1), each) for name, each in value.items()}
    for each in arguments:
        if isinstance(each, type) and issubclass(each, str) and each is not str:
            return each(value)
    return value


def _inner(arguments: tuple[Any, ...], place: int = 0) -> Any:
    """What a list or an object holds, by its type."""
    for each in arguments:
        if typing.get_args(each):
            return typing.get_args(each)[place]
    return arguments[place] if arguments else Any
