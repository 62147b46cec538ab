"""`recsys lake` and the nightly asset on a built shop."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from recsys_assets.assets.serving import search_index
from recsys_assets.runs import platform as platform_module
from recsys_assets.upkeep import served_versions
from recsys_lineage.errors import InsufficientSpace
from recsys_lineage.records.records import RECORDS_TABLE, Records
from tests.platform.conftest import Shop, opened
from tests.platform.shop import DAYS, day_file, day_rows, write_day

NONE = {"RECSYS_RETENTION": "0/0/0", "RECSYS_RETENTION_GRACE_HOURS": "0"}


def _listing(shop: Shop) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(shop.home)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in (shop.home / "lake").rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_prune_does_what_its_dry_run_says_and_recommendations_stay(shop: Shop) -> None:
    for seed in ("8", "9"):
        assert shop.recsys("materialize", "gate+", RECSYS_SEED=seed).exit_code == 0
    user = shop.rows("SELECT min(user_id) FROM {recommendations}")[0][0]
    answer = shop.answer("recommend", user)
    before = _listing(shop)
    told = shop.recsys("lake", "prune", "--dry-run", "--json", **NONE)
    assert told.exit_code == 0, told.output
    assert _listing(shop) == before
    done = shop.recsys("lake", "prune", "--json", **NONE)
    says, did = (json.loads(out.stdout) for out in (told, done))
    assert (says["recorded"], did["recorded"]) == (False, True)
    for each in (says, did):
        del each["at"], each["dry_run"], each["recorded"], each["dagster"]["bytes"]
    assert says == did and did["bytes"] > 0
    assert shop.answer("recommend", user) == answer
    after = _listing(shop)
    assert len(before.keys() - after.keys()) >= did["files"]
    pruned = {row["table"]: row["versions"] for row in did["tables"] if row["versions"]}
    record = Records(shop.lake).latest("lake_retention")
    assert record is not None and record.statistics["files"] == did["files"]
    noted = shop.rows('SELECT "table", versions FROM {lake_retention} WHERE versions <> []')
    assert {table: versions for table, versions in noted} == pruned
    assert pruned["champion"] == pruned["gate"] == [0, 1]
    refused = shop.recsys("reproduce", "champion@0")
    assert refused.exit_code == 1
    assert (
        "Version 0 of table 'gate' was pruned on" in refused.output and "its record is kept" in refused.output
    )
    assert shop.recsys("reproduce", "champion").exit_code == 0


@pytest.mark.slow
def test_holds_are_placed_shown_and_released(shop: Shop) -> None:
    assert shop.recsys("lake", "hold", "recommendations@0", "--reason", "an audit").exit_code == 0
    held = shop.answer("lake", "holds")["holds"]
    assert [(hold["table"], hold["version"], hold["reason"]) for hold in held] == [
        ("recommendations", 0, "an audit")
    ]
    again = shop.recsys("lake", "hold", "recommendations@0", "--reason", "another")
    assert again.exit_code == 1 and "is held already" in again.output
    assert shop.recsys("materialize", "recommendations", RECSYS_TOP_K="3").exit_code == 0
    assert shop.recsys("lake", "prune", **NONE).exit_code == 0
    assert shop.lake.arrow(shop.lake.version("recommendations", 0)).num_rows > 0
    assert shop.recsys("reproduce", "recommendations@0").exit_code == 0
    assert shop.recsys("lake", "release", "recommendations@0").exit_code == 0
    assert shop.recsys("lake", "prune", **NONE).exit_code == 0
    assert shop.lake.pruned("recommendations").all().keys() == {0}
    gone = shop.recsys("lake", "hold", "recommendations@0", "--reason", "too late")
    assert gone.exit_code == 1 and "was pruned on" in gone.output


def test_a_disk_that_is_full_does_not_keep_it_from_being_emptied(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise InsufficientSpace("The disk is full.")

    monkeypatch.setattr(platform_module, "materialize", full)
    before = len(Records(shop.lake).history("lake_retention", 100))
    done = shop.recsys("lake", "prune")
    assert done.exit_code == 0 and "not on record: The disk is full." in done.output
    assert "0 files" in done.output and len(Records(shop.lake).history("lake_retention", 100)) == before


def _fails(*_: object, **__: object) -> None:
    raise ValueError("no index tonight")


@pytest.mark.slow
def test_a_night_of_which_a_served_table_fails_is_pruned_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_day(shop.data / day_file(DAYS), day_rows(DAYS))
    monkeypatch.setattr(search_index, "blob_table", _fails)
    with opened(shop, **NONE) as platform:
        outcome = platform.run_nightly()
        assert not outcome.success and [*outcome.errors] == ["search_index"]
        assert platform.lake.pruned("events").all().keys() == {0}
        made = [each for each in platform.records.runs("lake_retention") if each.kind == "asset"]
        assert made[-1].status == "success" and made[-1].run.run_id != outcome.run_id


def test_a_failed_night_of_the_daemon_has_its_upkeep_afterwards(shop: Shop) -> None:
    with opened(shop) as platform:
        repository = platform.definitions.get_repository_def()
        sensor = repository.get_sensor_def("upkeep_after_failure")
        night = platform.instance.create_run_for_job(repository.get_job("nightly"))
        platform.instance.report_run_failed(night)
        context = dg.build_run_status_sensor_context(
            "upkeep_after_failure",
            platform.instance.all_logs(night.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)[
                0
            ].get_dagster_event(),
            platform.instance,
            platform.instance.get_run_by_id(night.run_id),
            repository_def=repository,
        )
        asked = sensor(context)
        assert asked.run_key == night.run_id
        assert {
            key.to_user_string() for key in repository.get_job("upkeep").asset_layer.selected_asset_keys
        } == {"lake_retention"}


def test_a_hold_on_a_run_is_on_what_it_wrote_and_on_what_it_kept(shop: Shop) -> None:
    assert shop.recsys("materialize", "items or split", "--reuse").exit_code == 0
    run = shop.answer("runs")["runs"][0]["id"]
    made = Records(shop.lake).of_run(run)
    assert "kept" in {record.status for record in made}
    assert shop.recsys("lake", "hold", f"run:{run}", "--reason", "an audit").exit_code == 0
    held = {(hold["table"], hold["version"]) for hold in shop.answer("lake", "holds")["holds"]}
    assert held == {(name, shop.lake.version(name).version) for name in ("items", "split")}


def test_the_nightly_asset_records_what_went(shop: Shop) -> None:
    with opened(shop, **NONE) as platform:
        roots = served_versions(platform.lake)
        assert roots and roots[-1][0] == "champion"
        assert platform.run(["split"]).success
        assert platform.run(["lake_retention"]).success
        record = platform.records.get("lake_retention")
        assert record.statistics["compacted"][0]["table"] == RECORDS_TABLE
        assert platform.lake.version(RECORDS_TABLE).files < 10
        rows = platform.lake.arrow(platform.lake.version("lake_retention")).to_pylist()
        assert {row["table"] for row in rows} >= {"split", "champion", RECORDS_TABLE}
        nightly = platform.definitions.resolve_job_def("nightly")
        keys = {key.to_user_string() for key in nightly.asset_layer.executable_asset_keys}
        assert "lake_retention" in keys
        graph = platform.definitions.resolve_asset_graph()
        assert graph.get(dg.AssetKey("lake_retention")).child_keys == set()
        assert "lake_retention" not in platform.names()
