"""Every run of Dagster leaves one record when it has ended: how it ended, and what became of each step."""

from __future__ import annotations

import dagster as dg

from recsys_lineage.orchestration.recorded_runs import mark_lost, record_runs
from recsys_lineage.records.run_record import RunRecord
from tests.lineage.project import Project, table

SPEND = "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer"


def recorded(project: Project) -> list[RunRecord]:
    record_runs(project.instance, project.lake, "shop")
    return project.records.run_records()


def test_a_run_that_ended_is_recorded_once_whoever_looks(project: Project) -> None:
    result = project.run(
        table("orders"), table("spend", SPEND), tags={"team": "data", "store_password": "hidden"}
    )
    assert record_runs(project.instance, project.lake, "shop") == 1
    assert record_runs(project.instance, project.lake, "shop") == 0
    (record,) = project.records.run_records()
    assert (record.id, record.state, record.run.code_location) == (result.run_id, "success", "shop")
    assert record.tags["team"] == "data" and record.tags["store_password"] == "… (str)"
    assert record.steps == {"orders": "success", "spend": "success"}
    assert set(record.assets) == {"orders", "spend"}
    assert record.started <= record.ended and record.lake == project.lake.uri
    assert RunRecord.from_json(record.to_json()) == record


def test_what_an_earlier_failure_kept_from_starting_is_skipped(project: Project) -> None:
    bad = table("orders", "SELECT 'x'::INTEGER AS amount, 'ann' AS customer")
    project.run(bad, table("spend", SPEND), raises=False)
    (record,) = recorded(project)
    assert (record.state, record.steps) == ("failed", {"orders": "failed", "spend": "skipped"})
    assert record.kept == {"spend": None}, "it had no version yet"


def test_a_skipped_asset_names_the_record_that_it_stayed_at(project: Project) -> None:
    project.run(table("orders"), table("spend", SPEND))
    stayed = project.records.latest("spend")
    bad = table("orders", "SELECT 'x'::INTEGER AS amount, 'ann' AS customer")
    failed = project.run(bad, table("spend", SPEND), raises=False)
    project.run(table("orders"), table("spend", f"{SPEND} HAVING count(*) > 0"))  # before anybody looked
    found = {record.id: record for record in recorded(project)}
    assert stayed is not None and found[failed.run_id].kept == {"spend": stayed.id}
    assert RunRecord.from_json(found[failed.run_id].to_json()) == found[failed.run_id]
    assert [record.kept for record in found.values() if record.id != failed.run_id] == [{}, {}]


def test_a_run_whose_process_was_killed_is_lost(project: Project) -> None:
    run = project.instance.create_run_for_job(
        dg.Definitions(
            assets=[table("orders")], resources={"lake": project.resource}
        ).resolve_implicit_global_asset_job_def()
    )
    assert recorded(project) == [], "it has not ended"
    mark_lost(project.instance, run, "its process is gone")
    (record,) = recorded(project)
    assert (record.id, record.state) == (run.run_id, "lost")


def test_runs_are_no_materializations(project: Project) -> None:
    project.run(table("orders"))
    recorded(project)
    materializations, _ = project.records.read()
    assert [record.asset for record in materializations] == ["orders"]
