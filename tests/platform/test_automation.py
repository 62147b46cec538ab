"""What follows what once `follow_inputs` is on: tables their inputs, served tables the champion, and no model."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from recsys_assets.jobs import EVERYTHING, INGEST, NIGHTLY
from recsys_assets.launcher import EXECUTOR
from tests.platform.test_graph import definitions

JOBS = {EVERYTHING, INGEST, NIGHTLY}
BY_DAY = {"raw_events", "exposures", "feedback", "searches"}
RAW = {"raw_users", "raw_items", "raw_promotions", "feedback_files", "feedback_days", *BY_DAY}
MODELS = ("candidate_", "tuning_")
MADE_BY_NIGHT = {"source_files", "split", "evaluation", "gate", "champion", "lake_retention", *RAW}


class Shop:
    """A Dagster instance in which every asset was materialized once, and the sensor's look at it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.graph = definitions().resolve_asset_graph()
        instance.add_dynamic_partitions("event_days", ["2024-01-01", "2024-01-02"])
        for key in self.graph.toposorted_asset_keys:
            self.made(key.to_user_string())
        self._cursor = None
        self.requested()

    def made(self, name: str) -> None:
        """The asset is materialized, and its checks pass."""
        partition = "2024-01-01" if name in BY_DAY else None
        self.instance.report_runless_asset_event(dg.AssetMaterialization(name, partition=partition))
        for check in self.graph.get(dg.AssetKey(name)).check_keys:
            self.checked(name, check.name, passed=True)

    def checked(self, name: str, check: str, *, passed: bool) -> None:
        """A check of the asset passes or fails."""
        self.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=dg.AssetKey(name), check_name=check, passed=passed)
        )

    def requested(self) -> set[str]:
        """What the sensor asks for at its next tick."""
        tick = dg.evaluate_automation_conditions(definitions(), self.instance, cursor=self._cursor)
        self._cursor = tick.cursor
        return {
            result.key.to_user_string()
            for result in tick.results
            if isinstance(result.key, dg.AssetKey) and not result.true_subset.is_empty
        }

    def below(self, name: str) -> set[str]:
        """Everything that is made of an asset."""
        return {
            key.to_user_string()
            for key in dg.AssetSelection.assets(name).downstream(include_self=False).resolve(self.graph)
        }


@pytest.fixture
def shop() -> Iterator[Shop]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Shop(instance)


def follows(name: str) -> bool:
    return definitions().resolve_asset_graph().get(dg.AssetKey(name)).automation_condition is not None


def test_every_asset_follows_or_is_made_by_the_nightly_job_or_on_request() -> None:
    names = {key.to_user_string() for key in definitions().resolve_asset_graph().toposorted_asset_keys}
    assert {name for name in names if not follows(name)} == {
        name for name in names if name in MADE_BY_NIGHT or name.startswith(MODELS) or name == "lineage_proof"
    }


def test_nothing_is_asked_for_where_nothing_was_updated(shop: Shop) -> None:
    assert shop.requested() == set()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("updated", ["raw_events", "raw_promotions", "items", "item_relations"])
def test_an_update_is_followed_by_all_that_is_made_of_it_up_to_the_models(updated: str, shop: Shop) -> None:
    shop.made(updated)
    models = shop.below("split") | {"split"}
    served = shop.below("champion")
    if "exposures" in shop.below(updated):
        models -= {"off_policy_report"}  # made of models, but also of what was shown
    assert shop.requested() == {name for name in shop.below(updated) if follows(name)} - models - served
    assert shop.requested() == set(), "it was asked for already"


def test_a_new_champion_is_followed_by_what_is_served(shop: Shop) -> None:
    shop.made("champion")
    assert (
        shop.requested() == {name for name in shop.below("champion") if follows(name)} >= {"recommendations"}
    )
    shop.made("evaluation")
    assert shop.requested() == {"metrics_report"}


def test_a_table_that_fails_a_blocking_check_is_not_followed_until_it_passes(shop: Shop) -> None:
    shop.made("events")
    shop.checked("events", "events_accepted_plus_rejected_is_read", passed=False)
    asked = shop.requested()
    assert "interactions" in shop.below("events") and "interactions" not in asked
    shop.checked("events", "events_accepted_plus_rejected_is_read", passed=True)
    assert "interactions" in shop.requested()


@pytest.mark.parametrize("left", [None, {dg.AssetKey("lake_retention")}], ids=["all of it", "its end"])
def test_a_night_at_work_is_not_joined_and_what_it_left_follows_afterwards(
    left: set[dg.AssetKey] | None, shop: Shop
) -> None:
    job = definitions().resolve_job_def(NIGHTLY).get_subset(asset_selection=left)
    run = shop.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    shop.made("items")
    assert shop.requested() == set()
    shop.instance.report_run_canceled(run)
    assert "item_profiles" in shop.requested()


def test_runs_that_the_sensor_starts_let_a_command_finish_first_as_all_runs_do() -> None:
    found = definitions()
    jobs = [found.resolve_implicit_global_asset_job_def(), *map(found.resolve_job_def, sorted(JOBS))]
    assert {job.executor_def.name for job in jobs} == {EXECUTOR}
