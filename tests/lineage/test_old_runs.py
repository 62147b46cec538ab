"""Dagster's runs and events: the old ones go, what is in progress or newest stays, and the lake's records remain."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from recsys_assets import upkeep
from recsys_assets.settings import load_settings
from recsys_assets.upkeep import keep_up
from recsys_lineage.assets.checks import unique
from recsys_lineage.orchestration.old_runs import OldRuns, delete_runs, old_runs
from recsys_lineage.orchestration.recorded_runs import record_runs
from tests.lineage.project import Project, table

FUTURE = datetime.now(timezone.utc) + timedelta(days=1)


def _files(project: Project) -> dict[str, int]:
    root = Path(project.instance.root_directory)
    return {str(path): path.stat().st_size for path in root.rglob("*") if path.is_file()}


def _delete(instance: dg.DagsterInstance, before: datetime) -> OldRuns:
    return delete_runs(instance, old_runs(instance, before).runs)


@pytest.mark.slow
def test_old_runs_go_and_records_stay(stored_project: Project) -> None:
    project, instance = stored_project, stored_project.instance
    orders = table("orders", checks=[unique("id")])
    other = table("other")
    kept_run = project.run(other).run_id
    runs = [project.run(orders).run_id for _ in range(3)]
    records = [record.to_json() for record in project.records.read()[0]]
    before = _files(project)
    found = old_runs(instance, FUTURE)
    assert set(found.runs) == set(runs[:-1])
    assert _files(project) == before, "looking changed something"
    done = _delete(instance, FUTURE)
    assert set(done.runs) == set(runs[:-1]) and done.freed > 100_000 and not done.busy
    assert {run.run_id for run in instance.get_runs()} == {kept_run, runs[-1]}
    assert not [path for path in _files(project) if any(run in path for run in runs[:-1])]
    assert all(instance.get_latest_materialization_event(dg.AssetKey(name)) for name in ("orders", "other"))
    assert instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION)) != []
    key = dg.AssetCheckKey(dg.AssetKey("orders"), "id_is_unique")
    checks = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    assert {check.run_id for check in checks} <= {runs[-1]}
    assert [record.to_json() for record in project.records.read()[0]] == records
    assert project.run(orders).success and _delete(instance, FUTURE).runs == [runs[-1]]


def test_no_run_goes_before_its_record_is_there(stored_project: Project, tmp_path: Path) -> None:
    project, instance = stored_project, stored_project.instance
    runs = [project.run(table("orders")).run_id for _ in range(2)]
    assert project.records.run_records() == [], "nobody has added them"
    kept = load_settings(home=tmp_path / "home")
    planned = keep_up(project.lake, kept, {}, instance, runs_before=FUTURE, dry_run=True)
    assert planned.runs.runs == runs[:1] and project.records.run_records() == []
    assert keep_up(project.lake, kept, {}, instance, runs_before=FUTURE).runs.runs == runs[:1]
    assert [record.id for record in project.records.run_records()] == runs


def test_a_run_that_ends_while_records_are_added_stays(
    stored_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, instance = stored_project, stored_project.instance
    runs = [project.run(table("orders")).run_id for _ in range(2)]
    late = dg.DagsterRun(job_name="x", status=dg.DagsterRunStatus.STARTED)
    instance.run_storage.add_run(late)

    def recording(*arguments) -> int:
        count = record_runs(*arguments)
        instance.report_run_failed(late)
        return count

    monkeypatch.setattr(upkeep, "record_runs", recording)
    kept = load_settings(home=tmp_path / "home")
    assert keep_up(project.lake, kept, {}, instance, runs_before=FUTURE).runs.runs == runs[:1]
    assert instance.get_run_by_id(late.run_id) is not None


def test_runs_in_progress_and_young_ones_stay(stored_project: Project) -> None:
    project, instance = stored_project, stored_project.instance
    for _ in range(2):
        project.run(table("orders"))
    busy = dg.DagsterRun(job_name="x", status=dg.DagsterRunStatus.STARTED)
    instance.run_storage.add_run(busy)
    assert old_runs(instance, datetime.now(timezone.utc) - timedelta(hours=1)).runs == []
    gone = _delete(instance, FUTURE).runs
    assert len(gone) == 1 and busy.run_id not in gone
    assert instance.get_run_by_id(busy.run_id) is not None


def test_deleting_looks_at_no_file_that_goes(
    stored_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, instance = stored_project, stored_project.instance
    for _ in range(2):
        project.run(table("orders"))
    storage = instance.event_log_storage
    assert isinstance(storage, SqliteEventLogStorage)
    storage._initialized_dbs.clear()  # as in a process that comes later
    looked: list[str] = []
    monkeypatch.setattr(storage, "_initdb", lambda engine, **_: looked.append(str(engine.url)))
    (gone,) = _delete(instance, FUTURE).runs
    assert not any(gone in file for file in looked)
