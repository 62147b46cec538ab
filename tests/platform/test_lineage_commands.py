"""`recsys lineage` asks the home's lake, and has the platform make again what is affected."""

from __future__ import annotations

import json

import pytest

from tests.platform.conftest import Shop


def test_recommendations_are_made_of_the_shop_s_files(original: Shop) -> None:
    answer = original.answer("lineage", "upstream", "recommendations")
    read = {node["name"].rpartition("/")[2] for node in answer["nodes"] if node["kind"] == "file"}
    assert {path.name for path in original.data.glob("sales-*.csv")} <= read
    tables = {node["name"] for node in answer["nodes"] if node["kind"] == "version"}
    assert {"raw_events", "events", "champion"} <= tables
    assert "champion@" in original.recsys("lineage", "upstream", "recommendations", "--depth", "1").stdout


def test_a_run_and_the_graph_as_it_was_at_its_end(original: Shop) -> None:
    (run, *_) = original.answer("lineage", "runs")["runs"]
    then = original.answer("lineage", "asof", f"run:{run['run']}")["versions"]
    assert {each["asset"]: each["then"]["version"] for each in then} == {
        name: table["version"] for name, table in original.tables().items()
    }


def test_columns_lead_through_the_shop_s_sql(original: Shop) -> None:
    answer = original.answer("lineage", "columns", "events.user_id", "--direct")
    assert any(each["node"].startswith("raw_events@") for each in answer["direct"])


@pytest.mark.slow
def test_a_row_leads_to_all_lines_that_it_is_made_of(original: Shop) -> None:
    ((customer,),) = original.rows("SELECT min(user_id) FROM {events}")
    ((lines,),) = original.rows(f"SELECT count(*) FROM {{events}} WHERE user_id = '{customer}'")
    answer = original.answer("lineage", "rows", "user_profiles", f"user_id={customer}")
    assert answer["stopped"] == []
    of_events = [each["lines"] for each in answer["files"] if each["table"] == "raw_events"]
    assert sum(map(len, of_events)) >= lines


@pytest.mark.slow
def test_what_a_table_that_will_change_affects_is_made_again_when_asked_to(shop: Shop) -> None:
    before = shop.tables()
    told = shop.answer("lineage", "impact", "item_profiles")
    assert (
        told["rebuild"] == [each["asset"] for each in told["assets"]] and "recommendations" in told["rebuild"]
    )
    assert shop.tables() == before, "a dry run by default"
    done = shop.recsys("lineage", "impact", "item_profiles", "--materialize", "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert made["materialized"] == told["rebuild"] and made["failed"] == []
    after = shop.tables()
    assert {name for name in after if after[name]["version"] != before[name]["version"]} == {*told["rebuild"]}


def test_a_question_about_nothing_is_told(original: Shop) -> None:
    said = original.recsys("lineage", "upstream", "recomendations")
    assert said.exit_code == 2 and "Did you mean 'recommendations'" in said.output
