"""Assets under key prefixes: a lake has one table of a name, so one asset writes it, and nobody reads another's."""

from __future__ import annotations

from types import ModuleType

import dagster as dg
import pytest

from recsys_lineage.assets.asset_code import REUSE_TAG
from tests.lineage.project import Project, table

DAILY = "SELECT count(*) AS orders FROM orders"


def shop(
    prefix: str | list[str] | None, rows: str = "SELECT 1 AS id", daily: str = DAILY
) -> list[dg.AssetsDefinition]:
    module = ModuleType("shop_assets")
    vars(module).update(orders=table("orders", rows), daily=table("daily", daily))
    loaded = dg.load_assets_from_modules([module], key_prefix=prefix)
    return [each for each in loaded if isinstance(each, dg.AssetsDefinition)]


def messages(result: dg.ExecuteInProcessResult) -> list[str]:
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return [str(f.user_failure_data.description if f.user_failure_data else f.error) for f in failures]


@pytest.mark.parametrize("prefix", [None, "eu", ["eu", "shop"]])
def test_a_prefix_changes_no_table(prefix: str | list[str] | None, project: Project) -> None:
    assert project.run(*shop(prefix)).success
    assert project.frame("daily").rows() == [(1,)]
    record = project.records.latest("daily")
    assert record is not None
    assert record.run.asset_key == "/".join(
        [*([prefix] if isinstance(prefix, str) else prefix or []), "daily"]
    )


def test_a_table_is_not_written_over_by_an_asset_of_another_prefix(project: Project) -> None:
    project.run(*shop("eu"))
    before = project.lake.version("orders")

    result = project.run(*shop("us", "SELECT 2 AS id"), raises=False)

    assert not result.success
    (message,) = messages(result)
    for part in (
        "us/orders would write over",
        "that of us/orders",
        "eu/orders made",
        "name='us_orders'",
        "lineage/renamed",
    ):
        assert part in message
    assert project.lake.version("orders") == before
    records = project.records.read()[0]
    assert [each.asset for each in records if each.status == "failed"] == ["orders"]


def test_a_table_of_another_prefix_is_not_read(project: Project) -> None:
    project.run(*shop("eu"))

    result = project.run(*shop("us"), only=["us/daily"], raises=False)

    (message,) = messages(result)
    assert "daily would read orders of another asset" in message
    assert "materialize us/orders first" in message


@pytest.mark.parametrize("tags", [{}, {REUSE_TAG: "true"}])
def test_an_asset_whose_prefix_changes_goes_on_with_its_table(tags: dict[str, str], project: Project) -> None:
    for version, prefix in enumerate(["eu", ["eu", "shop"], None]):
        assert project.run(*shop(prefix), tags=tags).success
        assert project.lake.version("orders").version == version
    assert project.run(*shop(None, "SELECT 1 AS id UNION ALL SELECT 2"), tags=tags).success
    assert project.frame("daily").rows() == [(2,)]


def test_prefix_and_code_may_change_at_once_where_the_run_says_so(project: Project) -> None:
    project.run(*shop("eu"))
    changed = shop("us", "SELECT 2 AS id", "SELECT sum(id) AS ids FROM orders")
    assert project.run(*changed, tags={"lineage/renamed": "true"}).success
    assert project.frame("daily").rows() == [(2,)]
