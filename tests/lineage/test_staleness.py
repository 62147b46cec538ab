"""Whether an asset is up to date, and if not, why; what is, is kept."""

from __future__ import annotations

import dagster as dg
import polars as pl
import pytest

from recsys_lineage.assets.asset_status import AssetStatus, asset_statuses
from recsys_lineage.assets.checks import TableCheck
from recsys_lineage.assets.columns.people_check import at_least_k_people
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from tests.lineage.project import ORDERS, REUSE, Project, table
from tests.lineage.test_records import CONTENT, daily_asset, some_days

SPEND = "SELECT customer, sum(amount) AS paid FROM orders GROUP BY customer"
TOP = "SELECT max(paid) AS most FROM spend"


def chain(orders: str = ORDERS, spend: str = SPEND) -> list[dg.AssetsDefinition]:
    return [table("orders", orders), table("spend", spend), table("top", TOP)]


def statuses(project: Project, assets: list[dg.AssetsDefinition]) -> dict[str, AssetStatus]:
    return asset_statuses(asset_codes(assets), project.records)


def reasons(project: Project, assets: list[dg.AssetsDefinition]) -> dict[str, str | None]:
    return {name: status.stale for name, status in statuses(project, assets).items()}


def test_what_never_ran_is_stale(project: Project) -> None:
    assert set(reasons(project, chain()).values()) == {"it was never materialized"}


def test_what_was_written_by_hand_is_stale_and_is_made_again(project: Project) -> None:
    project.run(*chain())
    project.lake.write_arrow("spend", pl.DataFrame({"customer": ["x"], "paid": [1.0]}))
    assert reasons(project, chain())["spend"] == "its latest version was written by hand"
    project.run(*chain())
    assert set(reasons(project, chain()).values()) == {None}
    assert project.lake.version("spend").rows == 2


def test_after_a_run_nothing_is_stale(project: Project) -> None:
    project.run(*chain())
    assert reasons(project, chain()) == {"orders": None, "spend": None, "top": None}
    status = statuses(project, chain())["spend"]
    version = project.lake.version("spend")
    assert (status.version, status.rows, status.fingerprint) == (0, 2, version.fingerprint)


def test_unchanged_content_means_that_nothing_downstream_is_stale(project: Project) -> None:
    project.run(*chain())
    reordered = f"SELECT * FROM ({ORDERS}) ORDER BY id DESC"
    project.run(*chain(reordered), only=["orders"])
    assert project.lake.version("orders").version == 1
    assert reasons(project, chain(reordered)) == {"orders": None, "spend": None, "top": None}


def test_changed_content_names_the_input_and_both_versions(project: Project) -> None:
    project.run(*chain())
    changed = ORDERS.replace("10.0", "11.0")
    project.run(*chain(changed), only=["orders"])
    assert reasons(project, chain(changed)) == {
        "orders": None,
        "spend": "orders changed (version 0 was read, the current one is 1)",
        "top": "spend is to be materialized first",
    }


def test_changed_code_is_a_reason_and_its_layout_is_not(project: Project) -> None:
    project.run(*chain())
    assert reasons(project, chain(spend=f"-- better said\n{SPEND.lower()}"))["spend"] is None
    changed = reasons(project, chain(spend=SPEND.replace("sum", "max")))
    assert changed == {
        "orders": None,
        "spend": "its code or settings changed",
        "top": "spend is to be materialized first",
    }


SEEN = ["one"]


def outside() -> pl.DataFrame:
    return pl.DataFrame({"seen": SEEN})


def test_an_asset_that_looks_outside_is_stale_when_it_would_see_something_else(project: Project) -> None:
    asset = frame_asset(outside, observe=lambda: SEEN[0])
    SEEN[:] = ["one"]
    project.run(asset)
    assert reasons(project, [asset]) == {"outside": None}
    SEEN[:] = ["two"]
    assert reasons(project, [asset]) == {"outside": "the source changed"}


def kept(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        found[materialization.asset_key.to_user_string()] = bool(materialization.metadata["reused"].value)
    return found


def test_a_run_with_the_reuse_tag_keeps_what_is_up_to_date(project: Project) -> None:
    project.run(*chain())
    result = project.run(*chain(), tags=REUSE)
    assert kept(result) == {"orders": True, "spend": True, "top": True}
    assert [project.lake.version(name).version for name in ("orders", "spend", "top")] == [0, 0, 0]
    first, second = project.records.read()[0][:3], project.records.read()[0][3:]
    assert {record.kept for record in second} == {record.id for record in first}, (
        "each names the record it keeps"
    )
    assert {record.status for record in second} == {"kept"}


def test_a_run_without_the_tag_makes_everything_again(project: Project) -> None:
    project.run(*chain())
    assert kept(project.run(*chain())) == {"orders": False, "spend": False, "top": False}
    assert project.lake.version("top").version == 1


def test_a_new_input_version_with_the_same_content_is_not_followed(project: Project) -> None:
    project.run(*chain())
    reordered = f"SELECT * FROM ({ORDERS}) ORDER BY id DESC"
    assert kept(project.run(*chain(reordered), tags=REUSE)) == {"orders": False, "spend": True, "top": True}


def test_a_change_is_followed_only_as_far_as_it_makes_a_difference(project: Project) -> None:
    project.run(*chain())
    less = ORDERS.replace("20.0", "15.0")
    assert kept(project.run(*chain(less), tags=REUSE)) == {"orders": False, "spend": False, "top": False}
    # Bob's amount does not touch the largest sum: top was made again and is what it was.
    assert project.lake.version("top", 0).fingerprint == project.lake.version("top", 1).fingerprint


def test_what_is_kept_shows_its_checks_again(project: Project) -> None:
    check = TableCheck("no_bob", "bob is not there", "SELECT * FROM output WHERE customer = 'bob'")
    orders = table("orders", checks=[check])
    project.run(orders)
    result = project.run(orders, tags=REUSE)
    assert kept(result) == {"orders": True}
    _cleared, shown = result.get_asset_check_evaluations()
    assert not shown.passed


def test_a_partition_that_was_not_read_may_change(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = [daily_asset(), frame_asset(some_days, reads=["daily"])]
    project.run(*assets)
    monkeypatch.setitem(CONTENT, "tue", [30])
    project.run(*assets, only=["daily"], partition="tue")
    assert reasons(project, assets)["some_days"] is None
    monkeypatch.setitem(CONTENT, "mon", [10])
    project.run(*assets, only=["daily"], partition="mon")
    assert reasons(project, assets)["some_days"] == "daily changed (version 0 was read, the current one is 2)"


def test_a_table_that_was_asked_for_before_it_was_there_makes_stale_once_it_is(project: Project) -> None:
    def asks(inputs: Inputs) -> pl.DataFrame:
        return pl.DataFrame({"there": [inputs.exists("orders")]})

    assets = [table("orders"), frame_asset(asks, reads=["orders"])]
    project.run(*assets, only=["asks"])
    assert reasons(project, assets)["orders"] == "it was never materialized"
    project.run(*assets, only=["orders"])
    assert reasons(project, assets)["asks"] == "orders was not there"
    project.run(*assets, tags=REUSE)
    assert project.frame("asks")["there"].to_list() == [True]
    assert set(reasons(project, assets).values()) == {None}


NO_BOB = "SELECT * FROM output WHERE customer = 'bob'"
NO_ANN = "SELECT * FROM output WHERE customer = 'ann'"


def _no_bob(inputs: Inputs) -> CheckOutcome:
    return CheckOutcome("no_bob", inputs.query(NO_BOB).height == 0, "looked")


def _no_ann(inputs: Inputs) -> CheckOutcome:
    return CheckOutcome("no_bob", inputs.query(NO_ANN).height == 0, "looked")


BEFORE = [TableCheck("no_bob", "bob is not there", NO_BOB)]
AFTER = {
    "added": [*BEFORE, TableCheck("no_ann", "ann is not there", NO_ANN)],
    "renamed": [TableCheck("bob_is_gone", "bob is not there", NO_BOB)],
    "another rule": [TableCheck("no_bob", "bob is not there", NO_ANN)],
    "a function": [TableCheck("no_bob", "bob is not there", function=_no_bob)],
    "blocking": [TableCheck("no_bob", "bob is not there", NO_BOB, blocking=True)],
}


@pytest.mark.parametrize("after", AFTER)
def test_a_check_that_is_another_is_tried_where_the_table_would_be_kept(project: Project, after: str) -> None:
    project.run(table("orders", checks=BEFORE))
    assert kept(project.run(table("orders", checks=BEFORE), tags=REUSE)) == {"orders": True}
    changed = [table("orders", checks=AFTER[after])]
    assert str(reasons(project, changed)["orders"]).startswith("its checks changed: ")
    done = project.run(*changed, tags=REUSE, raises=False)
    tried = {each.check_name: each.passed for each in done.get_asset_check_evaluations()}
    assert {check.name for check in AFTER[after]} <= tried.keys()
    assert done.success is (after != "blocking"), "bob is there"


def test_a_check_that_is_gone_is_not_told_of_a_kept_table(project: Project) -> None:
    project.run(table("orders", checks=AFTER["added"]))
    done = project.run(table("orders", checks=BEFORE), tags=REUSE)
    assert kept(done) == {"orders": True}
    assert "no_ann" not in {each.check_name for each in done.get_asset_check_evaluations()}


def test_a_checks_version_is_that_of_its_code() -> None:
    one, other = (TableCheck("no_bob", "…", function=function) for function in (_no_bob, _no_ann))
    assert one.version != other.version
    assert one.version == TableCheck("no_bob", "in other words", function=_no_bob).version
    few, many = (at_least_k_people(["n"], "customer", k) for k in (2, 3))
    assert few.version != many.version
