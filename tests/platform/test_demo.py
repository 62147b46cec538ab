"""`recsys demo`, `status`, `recommend` and `materialize`: what a user does first, and what they are told."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from recsys_assets.assets.clean.reconciliation import CLEAN_OF, reconciled_rows
from recsys_assets.cli.terminal_output import summary_lines
from recsys_lineage.assets import asset_status
from recsys_lineage.records.records import Records
from tests.platform.conftest import Shop, opened
from tests.platform.shop import DAYS, SOURCE, USERS, day_file, day_rows, write_day

FIELDS = {
    "source", "rows_read", "rows_accepted", "rows_rejected", "reasons", "users", "items", "interactions", "seconds",
    "metrics", "champion", "openlineage",
}  # fmt: skip
FAMILIES = {"popularity", "item_neighbours", "lightgcn"}


def first_answer(original: Shop) -> dict:
    return json.loads((original.home.parent / "answer.json").read_text())


def test_the_demos_object_has_what_is_promised(original: Shop) -> None:
    answer = first_answer(original)
    assert answer.keys() == FIELDS
    assert answer["rows_accepted"] + answer["rows_rejected"] == answer["rows_read"]
    assert answer["rows_rejected"] >= 4 * DAYS, "each day has four lines that are no event"
    assert sum(each["rows"] for each in answer["reasons"]) == answer["rows_rejected"]
    assert answer["users"] == USERS
    assert answer["metrics"].keys() >= FAMILIES
    assert answer["champion"] in answer["metrics"]
    for values in answer["metrics"].values():
        assert {"ndcg@20", "recall@20", "hit_rate@20", "map@20", "coverage@20", "novelty@20"} <= values.keys()


def test_many_rejected_rows_are_told_with_the_commonest_reasons_and_few_are_not() -> None:
    reasons = [{"table": "raw_events", "reason": f"reason {n}", "rows": 9 - n} for n in range(6)]
    facts = {"rows_read": 1000, "users": 1, "items": 1, "interactions": 1, "reasons": reasons}
    told = [
        summary_lines({**facts, "rows_rejected": number, "rows_accepted": 1000 - number})
        for number in (10, 39)
    ]
    assert [len(lines) for lines in told] == [2, 6]
    assert told[1][1:3] == ["  9 of raw_events: reason 0", "  8 of raw_events: reason 1"]


def test_models_find_the_tastes_that_were_planted(original: Shop) -> None:
    metrics = first_answer(original)["metrics"]
    assert metrics["item_neighbours"]["ndcg@20"] > 1.5 * metrics["popularity"]["ndcg@20"]
    assert metrics["lightgcn"]["ndcg@20"] > 1.5 * metrics["popularity"]["ndcg@20"]


def test_a_second_demo_says_the_same_and_recomputes_no_table(shop: Shop, original: Shop) -> None:
    before = shop.tables()
    records_before = Records(shop.lake).read()[0]

    again = shop.answer("demo")

    assert shop.tables() == before
    assert Records(shop.lake).read()[0] == records_before
    first = first_answer(original)
    delivered = again.pop("openlineage"), first.pop("openlineage")
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert [(each["destination"], each["state"]) for each in delivered[0]] == [("file", "delivered")]
    assert delivered[0][0]["taken"] == delivered[1][0]["taken"], "nothing happened that was not told before"


def test_the_demo_in_words_shows_the_table_a_customer_and_what_to_do_next(shop: Shop) -> None:
    shown = shop.recsys("demo").stdout
    assert "Nothing changed since the last run" in shown
    assert "lightgcn" in shown and "(champion)" in shown
    assert "Customer u" in shown and "because you bought product" in shown
    assert "recsys ui" in shown


def test_status_says_of_each_asset_version_rows_fingerprint_time_and_staleness(original: Shop) -> None:
    tables = original.tables()
    assert {
        "source_files",
        "raw_events",
        "events",
        "interactions",
        "champion",
        "recommendations",
    } <= tables.keys()
    for name, table in tables.items():
        assert table.keys() >= {"version", "rows", "fingerprint", "materialized", "stale"}, name
        assert table["version"] == 0 and table["rows"] is not None and table["stale"] is False, name


def test_every_table_is_reconciled(original: Shop) -> None:
    for raw in CLEAN_OF:
        counts = reconciled_rows(original.lake, raw)
        assert counts["accepted"] + counts["rejected"] == counts["read"] > 0, raw


def test_recommendations_are_new_to_the_customer_and_say_why(original: Shop) -> None:
    answer = original.answer("recommend", "u7", "-k", "5")
    assert answer["user_id"] == "u7"
    assert [row["rank"] for row in answer["recommendations"]] == [1, 2, 3, 4, 5]
    assert all(row["reason"] for row in answer["recommendations"])
    had = {item for (item,) in original.rows("SELECT item_id FROM {split} WHERE user_id = 'u7'")}
    assert had.isdisjoint(row["item_id"] for row in answer["recommendations"])
    assert {row["item_id"] for row in answer["history"]} <= had


def test_recommendations_in_words(original: Shop) -> None:
    shown = original.recsys("recommend", "u7").stdout
    assert "Customer u7 bought most often:" in shown
    assert "and is recommended:" in shown
    assert "last on 2024-" in shown


def test_no_day_of_purchase_is_claimed_where_the_source_has_none(original: Shop, tmp_path: Path) -> None:
    source = shutil.copytree(SOURCE, tmp_path / "undated_shop")
    with (source / "source.toml").open("a") as settings:
        settings.write("undated = true\n")
    shown = original.recsys("recommend", "u7", RECSYS_SOURCE=str(source)).stdout
    assert "Customer u7 bought most often:" in shown
    assert "last on" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("recommend", "u7000"),
            ["no recommendations for the customer 'u7000'", "240 customers", "such as u"],
        ),
        (("materialize", "evnts"), ["'evnts' names no asset", "Did you mean 'events'"]),
        (("materialize", "group:"), ["group:"]),
        (
            ("materialize", "raw_events", "--partition", "2031-01-01"),
            ["24 days from 2024-01-01 to 2024-01-24"],
        ),
        (("materialize", "raw_events", "--partition", "yesterday"), ["yesterday"]),
    ],
)
def test_a_mistake_is_answered_in_words_and_by_exit_code_1(
    arguments: tuple[str, ...], words: list[str], shop: Shop
) -> None:
    done = shop.recsys(*arguments)
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    for word in words:
        assert word in done.stderr.replace("\n", " "), done.stderr


@pytest.mark.slow
def test_materialize_makes_just_the_selection_again(shop: Shop) -> None:
    before = shop.tables()
    done = shop.recsys("materialize", "group:clean")
    assert done.exit_code == 0, done.output
    after = shop.tables()
    made = {name for name in after if after[name]["version"] != before[name]["version"]}
    assert made == {"events", "users", "items", "promotions", "rejected_rows"}
    assert {name for name in after if after[name]["fingerprint"] != before[name]["fingerprint"]} == set()
    assert not [name for name in after if after[name]["stale"]], "the content is what it was"


def test_materialize_one_day_rewrites_that_day_only(shop: Shop) -> None:
    before = shop.lake.version("raw_events")
    assert shop.recsys("materialize", "raw_events", "--partition", "2024-01-05").exit_code == 0
    after = shop.lake.version("raw_events")
    assert (after.version, after.fingerprint) == (before.version + 1, before.fingerprint)
    assert Records(shop.lake).get("raw_events").partitions == ("2024-01-05",)


def test_a_new_day_of_events_makes_only_what_lies_below_it_stale(shop: Shop) -> None:
    write_day(shop.data / day_file(DAYS), day_rows(DAYS))
    done = shop.recsys("materialize", "key:source_files or key:raw_events")
    assert done.exit_code == 0, done.output
    stale = {name for name, table in shop.tables().items() if table["stale"]}
    assert {"events", "rejected_rows", "interactions", "champion"} <= stale
    assert not stale & {"source_files", "raw_events", "raw_users", "raw_items", "users", "items"}
    alone = shop.recsys("materialize", "key:events")
    assert alone.exit_code == 0, "its rejected rows are not made yet: nothing to compare, and no fault"
    assert "not compared" in (alone.output + alone.stderr).replace("\n", " ")


def test_a_broken_reconciliation_is_refused_by_the_blocking_check(shop: Shop) -> None:
    """A rejected row is taken away behind the platform's back; the check that counts them says so."""
    lake = shop.lake
    rejected = lake.version("rejected_rows")
    record = lake.commit("rejected_rows")["record"]
    rows: pa.Table = lake.arrow(rejected)
    events = [place for place, name in enumerate(rows["table_name"].to_pylist()) if name == "raw_events"]
    lake.write_arrow(
        "rejected_rows", rows.filter(pa.array([i != events[0] for i in range(len(rows))])), record=record
    )

    done = shop.recsys("materialize", "events")

    assert done.exit_code == 1, "events and what is made of it are held back"
    assert "accepted" in done.stderr
    counts = reconciled_rows(lake, "raw_events")
    assert counts["accepted"] + counts["rejected"] == counts["read"] - 1


def test_a_run_of_checks_alone_leaves_a_record_of_each(shop: Shop) -> None:
    before = set(Records(shop.lake).table(columns=["id"])[0]["id"])
    key = dg.AssetCheckKey(dg.AssetKey("events"), "events_accepted_plus_rejected_is_read")
    with opened(shop) as platform:
        alone = dg.Definitions(jobs=[dg.define_asset_job("alone", dg.AssetSelection.checks(key))])
        job = dg.Definitions.merge(platform.definitions, alone).resolve_job_def("alone")
        run = job.execute_in_process(instance=platform.instance)
        platform.recover()
    assert run.success
    assert not run.get_asset_materialization_events()
    records, _ = Records(shop.lake).read()
    (record,) = [each for each in records if each.id not in before]
    assert (record.kind, record.asset, record.run.run_id) == ("check", "events", run.run_id)
    assert {read.purpose for read in record.reads} == {"check"}
    assert {read.name for read in record.reads} == {"raw_events", "events", "rejected_rows"}
    of_events = Records(shop.lake).get("events").read("raw_events")
    of_check = record.read("raw_events", "check")
    assert of_events is not None and of_check is not None and of_check.version == of_events.version
    (found,) = record.checks
    assert found.passed and found.counts["accepted"] + found.counts["rejected"] == found.counts["read"]
    assert run.run_id in {each.id for each in Records(shop.lake).run_records()}


def test_status_says_that_tables_were_made_with_another_library(
    original: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = {**asset_status.engine_versions(), "duckdb": "7.0.0"}
    monkeypatch.setattr(asset_status, "engine_versions", lambda: now)
    said = original.recsys("status").stdout.replace("\n", " ")
    assert f"tables were made with other libraries (duckdb {version('duckdb')} → 7.0.0)" in said
    assert not [name for name, table in original.tables().items() if table["stale"]]


def test_reports_for_analysts_are_written_beside_the_lake(original: Shop) -> None:
    import pandas as pd

    folder = original.home / "reports"
    csv = pd.read_csv(folder / "recommendations_report.csv", dtype={"user_id": str, "item_id": str})
    parquet = pd.read_parquet(folder / "recommendations_report.parquet")
    assert len(csv) == len(parquet) == original.lake.version("recommendations").rows
    metrics = pd.read_csv(folder / "metrics_report.csv")
    assert set(metrics["family"]) >= FAMILIES
    assert set(metrics["level"]) == {"all", "segment", "fairness"}
    assert set(metrics.loc[metrics["level"] == "fairness", "metric"]) == {
        "ndcg_gap", "ndcg_ratio", "ndcg_deviation",
    }  # fmt: skip
    assert metrics.loc[metrics["k"].isna(), "metric"].unique().tolist() == ["edge_accuracy", "auc"]


def test_every_column_says_what_it_holds(original: Shop) -> None:
    silent, without = [], []
    with opened(original) as platform:
        for table in original.tables():
            if table in ("exposures", "feedback", "searches"):
                continue  # divided by day, and there is no day before a service ran
            event = platform.instance.get_latest_materialization_event(dg.AssetKey(table))
            assert event is not None and event.asset_materialization is not None
            schema = event.asset_materialization.metadata.get("dagster/column_schema")
            if schema is None:
                without.append(table)
            else:
                silent += [f"{table}.{c.name}" for c in schema.value.columns if not c.description]
    assert silent == []
    assert without == []
