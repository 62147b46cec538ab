"""Datasets, jobs and runs are named by the specification, the files of a scan together, and always the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.openlineage.facets.run_facets import nominal_time_facet
from recsys_lineage.openlineage.facets.schema import nested_fields, schema_facet
from recsys_lineage.openlineage.translation.event_options import EventOptions
from recsys_lineage.openlineage.translation.naming import dataset_at, uri_of
from recsys_lineage.openlineage.translation.read_datasets import datasets_read
from recsys_lineage.openlineage.translation.run_ids import (
    asset_run_id,
    orchestrator_run_id,
    root_run_id,
    uuid7,
)
from recsys_lineage.records.materialization import Code, Materialization, ScannedFiles, Statement
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.parts.run import Run
from tests.lineage.records.made_records import record

NOW = datetime(2026, 3, 1, 4, 5, 6, 789_000, tzinfo=timezone.utc)
PLACES = {
    "/srv/lake/orders": ("file", "/srv/lake/orders"),
    "file:///srv/a%20b": ("file", "/srv/a b"),
    "s3://bucket/lake/orders": ("s3://bucket", "lake/orders"),
    "s3a://bucket/lake/": ("s3://bucket", "lake"),
    "s3://key:secret@bucket/lake": ("s3://bucket", "lake"),
    "https://ann:word@shop.example/x.csv?token=abc": ("https://shop.example", "/x.csv"),
    "gs://bucket": ("gs://bucket", "/"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_dataset_is_named_by_where_it_lies_without_credentials(place: str) -> None:
    assert dataset_at(place) == PLACES[place]
    assert "secret" not in uri_of(place) and "word" not in uri_of(place)


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc)),
    st.lists(st.text()),
)
def test_a_run_id_is_a_uuid_of_version_7_that_tells_its_time(moment: datetime, parts: list[str]) -> None:
    made = UUID(uuid7(moment, *parts))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(moment.timestamp() * 1000)
    assert str(made) == uuid7(moment, *parts)


def test_run_ids_differ_by_run_step_asset_and_try_and_without_a_run_by_record() -> None:
    run = Run("r", step="s", started=NOW)
    first = replace(record("orders"), run=run)
    others = [
        replace(first, run=replace(run, run_id="q")),
        replace(first, run=replace(run, step="t")),
        replace(first, asset="spend"),
        replace(first, run=replace(run, retry=1)),
        replace(first, run=Run()),
        replace(first, run=Run(), id="other"),
    ]
    assert len({asset_run_id(each) for each in [first, *others]}) == 7
    assert asset_run_id(first) == asset_run_id(replace(first, id="another", parameters={"x": 1}))
    assert orchestrator_run_id("r", run) not in {asset_run_id(first), root_run_id("r", run)}


def test_all_runs_of_a_backfill_share_its_root() -> None:
    one, two = Run("1", started=NOW, backfill="b"), Run("2", backfill="b")
    assert root_run_id("1", one) == root_run_id("2", two) != root_run_id("3", Run("3", backfill="c"))


def scanned(scan: str, names: list[str], root: str | None = "/data", **more: object) -> Materialization:
    reads = tuple(Read("file", name, name * 3, root=root, bytes=1, rows=1) for name in names)
    relations = {"r": ScannedFiles(scan, root, len(names))} if root else {}
    return replace(record("raw"), reads=reads, statement=Statement("SELECT 1", relations=relations), **more)  # pyright: ignore[reportArgumentType]


SCANS = {
    "read_csv('sales-*.csv')": (["sales-1.csv", "sales-2.csv"], "/data/sales-*.csv"),
    "read_csv('**/sales.csv', delim = ';')": (["a/sales.csv", "a/b/sales.csv"], "/data/**/sales.csv"),
    "read_parquet(['a.parquet', 'it''s.parquet'])": (
        ["a.parquet", "it's.parquet"],
        "/data/{a.parquet,it's.parquet}",
    ),
    "read_csv('one.csv')": (["one.csv"], "/data/one.csv"),
}


@pytest.mark.parametrize("scan", SCANS)
def test_the_files_of_a_scan_are_one_dataset(scan: str) -> None:
    names, dataset = SCANS[scan]
    (found,) = datasets_read(scanned(scan, names), EventOptions())
    assert found.name == ("file", dataset)
    assert found.locations == [f"/data/{name}" for name in names]


def test_many_patterns_have_a_name_that_catalogs_find() -> None:
    names = [f"sales-{number:03}.csv" for number in range(40)]
    (found,) = datasets_read(scanned(f"read_csv({names})", names), EventOptions())
    (turned,) = datasets_read(scanned(f"read_csv({names[::-1]})", names), EventOptions())
    assert found.name.name.startswith("/data/{sales-000.csv,39 more,") and len(found.name.name) < 255
    assert found.name != turned.name and len(found.locations) == 40


def test_files_that_no_scan_names_are_those_of_their_folder_or_themselves() -> None:
    listed = scanned("read_csv('sales-*.csv')", ["sales-1.csv", "other.csv"])
    assert [each.name.name for each in datasets_read(listed, EventOptions())] == [
        "/data/sales-*.csv",
        "/data",
    ]
    alone = replace(scanned("", ["/x/a.csv", "/x/b.csv"], root=None), code=Code("python", "", "f.py"))
    assert [each.name.name for each in datasets_read(alone, EventOptions())] == ["/x/a.csv", "/x/b.csv"]


def test_files_of_a_statement_lie_where_the_statement_that_ran_names_them() -> None:
    code = Code("sql", "SELECT * FROM 'day-*.csv'", "/project/raw.sql", "duckdb")
    made = scanned("", ["day-1.csv"], root=None, code=code)
    beside = replace(made, statement=Statement("SELECT * FROM read_csv_auto(['/elsewhere/day-1.csv'])"))
    assert [each.name.name for each in datasets_read(made, EventOptions())] == ["/project/day-*.csv"]
    assert [each.name.name for each in datasets_read(beside, EventOptions())] == ["/elsewhere/day-*.csv"]


def test_the_version_of_files_changes_with_their_content_alone() -> None:
    made = scanned("read_csv('*.csv')", ["a.csv", "b.csv"])
    turned = replace(made, reads=made.reads[::-1])
    changed = replace(made, reads=(made.reads[0], replace(made.reads[1], fingerprint="new")))
    versions = [datasets_read(each, EventOptions())[0].version for each in (made, turned, changed)]
    assert versions[0] == versions[1] != versions[2]


TYPES = {
    "BIGINT": ("BIGINT", None),
    "DECIMAL(18,2)": ("DECIMAL(18,2)", None),
    "INTEGER[3]": ("array", [{"name": "_element", "type": "INTEGER"}]),
    'STRUCT(a INTEGER, "b, (c" VARCHAR[])': (
        "struct",
        [
            {"name": "a", "type": "INTEGER"},
            {"name": "b, (c", "type": "array", "fields": [{"name": "_element", "type": "VARCHAR"}]},
        ],
    ),
    "MAP(VARCHAR, STRUCT(x DOUBLE))": (
        "map",
        [
            {"name": "key", "type": "VARCHAR"},
            {"name": "value", "type": "struct", "fields": [{"name": "x", "type": "DOUBLE"}]},
        ],
    ),
}


@pytest.mark.parametrize("type_", TYPES)
def test_nested_types_have_their_fields(type_: str) -> None:
    assert nested_fields(type_) == TYPES[type_]
    (field,) = schema_facet((Column("x", type_),))["fields"]
    assert (field["name"], field["ordinal_position"]) == ("x", 1)


PERIODS = {
    ("2026-03-01", "2026-03-03"): ("2026-03-01T00:00:00+00:00", "2026-03-04T00:00:00+00:00"),
    ("2026-12",): ("2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
    ("2026-03-01-05:00",): ("2026-03-01T05:00:00+00:00", "2026-03-01T06:00:00+00:00"),
    ("a|2026-03-01", "b|2026-03-01"): ("2026-03-01T00:00:00+00:00", "2026-03-02T00:00:00+00:00"),
    ("2026-02-31",): None,
    ("north", "south"): None,
}


@pytest.mark.parametrize("partitions", PERIODS)
def test_a_run_is_about_the_periods_of_its_partitions(partitions: tuple[str, ...]) -> None:
    found = nominal_time_facet(partitions, None)
    expected = PERIODS[partitions]
    assert (found and (found["nominalStartTime"], found["nominalEndTime"])) == expected
