"""A run completes the records of what came before it, so that a webserver without a daemon leaves none out."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from tests.lineage.records.made_records import commit_version
from tests.packaging.records_definitions import orders_job


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("LAKE", str(tmp_path / "lake"))
    return Lake(str(tmp_path / "lake"))


def run(instance: dg.DagsterInstance) -> str:
    """Run the job as a code server does, its step in a process of its own."""
    with dg.execute_job(dg.reconstructable(orders_job), instance) as result:
        assert result.success
        return result.run_id


def test_a_run_adds_what_killed_processes_and_ended_runs_left(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        first = run(instance)
        lost = commit_version(lake, "visits")  # its process died before it added the record
        assert Records(lake).run_records() == [], "nobody has looked"
        second = run(instance)
        assert lost.id in {record.id for record in Records(lake).read()[0]}
        assert [record.id for record in Records(lake).run_records()] == [first] != [second]


@pytest.mark.slow
def test_a_run_goes_on_where_the_records_cannot_be_completed(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster").mkdir()
    monkeypatch.setattr(Records, "sync", lambda _: lake.version("nowhere"))
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        said = [entry.user_message for entry in instance.all_logs(run(instance))]
        assert any(
            message.startswith("The records of earlier runs could not be completed: ") for message in said
        )
