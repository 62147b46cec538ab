"""Events told inside `many_events` are as good as any others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from recsys_lineage.orchestration.dagster_internals import events_at_once
from recsys_lineage.orchestration.sqlite_events import many_events


def told(instance: dg.DagsterInstance, asset: str) -> int:
    return len(instance.fetch_materializations(dg.AssetKey(asset), limit=100).records)


def test_events_are_all_there_and_the_journals_are_merged(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        with many_events(), many_events():
            for _ in range(20):
                instance.report_runless_asset_event(dg.AssetMaterialization("shelf"))
            assert told(instance, "shelf") == 20
        assert told(instance, "shelf") == 20
    assert list(tmp_path.rglob("*.db"))
    assert not list(tmp_path.rglob("*.db-wal"))


def test_what_was_told_survives_a_killed_process(tmp_path: Path) -> None:
    code = """
import os, sys
import dagster as dg
from recsys_lineage.orchestration.sqlite_events import many_events
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance, many_events():
    for _ in range(5):
        instance.report_runless_asset_event(dg.AssetMaterialization("shelf"))
    os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert told(instance, "shelf") == 5


def test_afterwards_commits_wait_for_the_disk_again(tmp_path: Path) -> None:
    from sqlalchemy import create_engine, text

    def waits() -> int:
        engine = create_engine(f"sqlite:///{tmp_path / 'some.db'}")
        with engine.connect() as connection:
            found = connection.execute(text("PRAGMA synchronous")).scalar_one()
        engine.dispose()
        return found

    usual = waits()
    with many_events():
        assert waits() == 1
    assert waits() == usual == 2
    assert sqlite3.connect(tmp_path / "some.db").execute("PRAGMA synchronous").fetchone() == (2,)


def test_inside_the_block_a_file_has_one_engine_and_afterwards_dagster_makes_its_own(tmp_path: Path) -> None:
    from sqlalchemy import Engine
    from sqlalchemy.event import listen, remove

    def engines_of_three_events() -> int:
        used: set[int] = set()
        kept: list[object] = []  # an object that is gone could give its id to another

        def note(connection: Any) -> None:
            kept.append(connection.engine)
            used.add(id(connection.engine))

        listen(Engine, "engine_connect", note)
        for _ in range(3):
            instance.report_runless_asset_event(dg.AssetMaterialization("shelf"))
        remove(Engine, "engine_connect", note)
        return len(used)

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        usual = engines_of_three_events()
        with many_events():
            with many_events():
                inside = engines_of_three_events()
            assert engines_of_three_events() == inside < usual
        assert engines_of_three_events() >= inside * 2


def materialized(instance: dg.DagsterInstance, *, at_once: bool) -> dict[str, Any]:
    """What Dagster knows of two assets' partitions that one step tells of, some of them twice."""

    @dg.op
    def step(context) -> None:
        def tell() -> None:
            for number in (1, 2, 3, 2):
                for asset in ("shelf", "till"):
                    event = dg.AssetMaterialization(
                        asset,
                        partition=f"day {number}",
                        metadata={"number": number},
                        tags={"dagster/data_version": f"version {number}", "lineage/version": str(number)},
                    )
                    context.log_event(event)

        if at_once:
            with events_at_once(context.instance), events_at_once(context.instance):
                tell()
                assert not told(context.instance, "shelf")
        else:
            tell()
        assert told(context.instance, "shelf") == 4

    @dg.job
    def night() -> None:
        step()

    run = night.execute_in_process(instance=instance)
    shelf, till = dg.AssetKey("shelf"), dg.AssetKey("till")
    latest = {
        key: event for key in (shelf, till) if (event := instance.get_latest_materialization_event(key))
    }
    records = instance.fetch_materializations(shelf, limit=10).records
    of_run = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        tags = connection.exec_driver_sql("SELECT asset_key, key, value FROM asset_event_tags").fetchall()
    return {
        "partitions": [instance.get_materialized_partitions(key) for key in (shelf, till)],
        "latest": [(key, event.asset_materialization) for key, event in latest.items()],
        "records": [(record.partition_key, record.asset_materialization) for record in records],
        "run": [event.asset_materialization for event in of_run],
        "tags": sorted(map(tuple, tags)),
        "asset": [
            record.asset_entry.last_run_id == run.run_id
            for record in instance.get_asset_records([shelf, till])
        ],
    }


def planned(instance: dg.DagsterInstance, *, at_once: bool) -> dict[str, Any]:
    """What Dagster knows of the plan of a run of two assets with checks, before anything ran."""

    @dg.asset(
        check_specs=[dg.AssetCheckSpec("full", asset="shelf"), dg.AssetCheckSpec("clean", asset="shelf")]
    )
    def shelf(): ...

    @dg.asset(deps=[shelf], partitions_def=dg.StaticPartitionsDefinition(["monday"]))
    def till() -> None: ...

    job = dg.Definitions(assets=[shelf, till]).resolve_implicit_global_asset_job_def()
    with events_at_once(instance) if at_once else nullcontext():
        run = instance.create_run_for_job(job, tags={"dagster/partition": "monday"})
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        checks = connection.exec_driver_sql(
            "SELECT e.asset_key, check_name, execution_status, l.dagster_event_type, e.run_id = l.run_id "
            "FROM asset_check_executions e JOIN event_logs l ON l.id = e.evaluation_event_storage_id"
        ).fetchall()
    keys = [dg.AssetKey("shelf"), dg.AssetKey("till")]

    def of_type(kind: dg.DagsterEventType) -> list[Any]:
        events = instance.all_logs(run.run_id, of_type={kind})
        return [event.get_dagster_event().event_specific_data for event in events]

    return {
        "planned": of_type(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED),
        "planned checks": of_type(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED),
        "checks": sorted(map(tuple, checks)),
        "assets": [
            (record.asset_entry.asset_key, record.asset_entry.last_run_id == run.run_id)
            for record in instance.get_asset_records(keys)
        ],
    }


@pytest.mark.parametrize(
    ("known", "sizes"),
    [
        (materialized, {"records": 4, "run": 8}),
        (planned, {"planned": 2, "planned checks": 2, "checks": 2, "assets": 2}),
    ],
)
def test_what_is_stored_at_once_is_known_as_what_is_stored_event_by_event(
    tmp_path: Path, known: Callable[..., dict[str, Any]], sizes: dict[str, int]
) -> None:
    found = []
    for at_once in (False, True):
        folder = tmp_path / str(at_once)
        folder.mkdir()
        with dg.DagsterInstance.local_temp(str(folder)) as instance:
            found.append(known(instance, at_once=at_once))
    assert found[0] == found[1]
    assert {name: len(found[0][name]) for name in sizes} == sizes
