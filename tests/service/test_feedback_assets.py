"""What the service showed and what customers did becomes tables, and the tables a report of the experiments."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from recsys_assets.assets.feedback import (
    clicks_by_position,
    experiment_report,
    feedback_files,
    search_quality,
)
from recsys_assets.assets.feedback import feedback_tables as feedback
from recsys_assets.assets.serving.search_index import search_index
from recsys_assets.cli.commands import app
from recsys_assets.service.feedback import log_file
from recsys_assets.service.feedback.feedback_log import closed_files
from recsys_assets.service.service_files import ServiceFiles
from recsys_assets.sql import load_sql
from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.columns.expected_columns import expected_columns
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import Outcome, materialize
from recsys_lineage.assets.plot import Plot
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.orchestration.metadata.stored_metadata import stored_metadata
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from tests.service import small_shop
from tests.service.running import served
from tests.service.small_shop import ITEMS, USERS, lake_of

EXPERIMENT = """
[[experiment]]
name = "ranker"
least_effect = 0.5
[[experiment.arms]]
name = "control"
[[experiment.arms]]
name = "again"
[[experiment.guard_rails]]
metric = "click_rate"
may_fall = 0.9
"""


def items() -> pl.DataFrame:
    """All products of the shop but the last."""
    return pl.DataFrame({"item_id": [f"item-{item}" for item in range(ITEMS - 1)]})


def item_profiles() -> pl.DataFrame:
    """Each product costs two."""
    return pl.DataFrame({"item_id": [f"item-{item}" for item in range(ITEMS)], "price_mean": [2.0] * ITEMS})


def events() -> pl.DataFrame:
    """Every second customer bought once, long ago."""
    users = [f"customer-{user}" for user in range(0, USERS, 2)]
    moment = datetime(2026, 1, 1)
    return pl.DataFrame({"user_id": users}).with_columns(
        order_id=pl.lit(None, pl.String), day=pl.lit(moment.date()), event_time=pl.lit(moment),
        amount=pl.lit(4.0), behaviour=pl.lit("purchase"),
    )  # fmt: skip


def codes(home: Path) -> list[AssetCode]:
    """The assets of feedback, in their order."""
    files = ServiceFiles(home)
    made = [
        feedback_files.asset(files, "UTC"),
        *feedback.assets(files, "UTC"),
        experiment_report.asset(files),
    ]
    found = [code for each in made if (code := code_of(each)) is not None]
    reports = [
        sql_code(
            SqlText(load_sql(table.group, table.name), f"{table.name}.sql"),
            name=table.name,
            checks=table.checks,
            cleared={"pii": table.personal} if table.personal else {},
        )
        for table in (clicks_by_position.TABLE, search_quality.TABLE)
    ]
    return [*found[:4], *reports, found[4]]


def made(home: Path) -> dict[str, Outcome]:
    """All of them made in the home's lake."""
    lake = lake_of(home)
    for function in (items, item_profiles, events):
        materialize(frame_code(function, cleared={"pii": "a test"}), lake)
    return {code.name: materialize(code, lake) for code in codes(home)}


def rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    with lake.reading(), lake.connect() as connection:
        return connection.sql(f"FROM {lake.relation(lake.version(table))}").pl().to_dicts()


def told(home: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setenv("RECSYS_HOME", str(home))
    result = CliRunner().invoke(app, ["experiments", "report", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def play(home: Path) -> None:
    """Every customer asks once; of the arm `again` all buy what stands on top, and say so twice."""
    (home / "experiments.toml").write_text(EXPERIMENT)
    with served(home) as (customer, _):
        for user in range(USERS):
            answer = customer.list_of(f"customer-{user}", k=3).json
            if answer["experiments"]["ranker"] == "again":
                event = {
                    "event_id": f"e{user}", "action_name": "purchase", "user": f"customer-{user}",
                    "object_id": answer["items"][0]["item"], "query_id": answer["query_id"], "position": 1,
                }  # fmt: skip
                for _ in range(2):
                    assert customer.tell(event).status == 200
        assert not closed_files(ServiceFiles(home).feedback, "exposures"), "it is being written to"


@pytest.fixture(scope="module")
def original_played(original_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which everybody played, and whose tables were made once; look, do not touch."""
    home = tmp_path_factory.mktemp("played") / "home"
    shutil.copytree(original_home, home)
    play(home)
    shutil.copytree(home, home.with_name("made"))
    assert all(outcome.error is None for outcome in made(home.with_name("made")).values())
    return home


@pytest.fixture
def played(original_played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the home in which everybody played."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(original_played, tmp_path / "home")


@pytest.fixture
def played_and_made(original_played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home with its tables."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(original_played.with_name("made"), tmp_path / "home")


@pytest.mark.slow
def test_searches_become_a_table_and_queries_that_many_ask_are_judged(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(home) as (customer, _):
        for client in range(9):
            query = "Thing  7" if client < 6 else "my secret"
            path = f"/search?q={quote(query)}&client_id=c{client}&k=5"
            answer = customer.ask("GET", path).json
            if client < 3:
                event = {
                    "event_id": f"e{client}",
                    "action_name": "purchase" if client else "view",
                    "client_id": f"c{client}",
                    "object_id": answer["items"][client]["item"],
                    "query_id": answer["query_id"],
                }
                assert customer.tell(event).json["accepted"] == 1
    outcomes = made(home)
    assert {name: outcome.error for name, outcome in outcomes.items() if outcome.error} == {}
    lake = lake_of(home)
    searches = rows(lake, "searches")
    assert len(searches) == 9 and {row["found"] for row in searches if row["query"] == "Thing  7"} == {5}
    for row in searches:
        line = (home / row["_file"]).read_bytes().splitlines()[row["_line"] - 1]
        assert json.loads(line)["query_id"] == row["query_id"]
    materialize(frame_code(small_shop.item_profiles), lake)
    taught = frame_code(
        search_index, reads=("item_profiles", "searches", "feedback"), parameters={"encoder": "none"},
        cleared={"pii": "a test"},
    )  # fmt: skip
    assert materialize(taught, lake).error is None
    (judged,) = rows(lake, "search_quality")
    assert judged == {
        "query": "thing 7", "searches": 6, "people": 6, "without_result": 0.0, "corrected": 0.0, "clicks": 3,
        "click_rate": 0.5, "reciprocal_rank": pytest.approx((1 + 1 / 2 + 1 / 3) / 6), "purchases": 2,
    }  # fmt: skip
    assert all(check.passed for check in outcomes["search_quality"].record.checks)
    assert json.loads(told(home, monkeypatch, "--json"))["searches"] == [judged]
    assert "thing 7" in told(home, monkeypatch)


def test_without_feedback_and_experiments_all_is_legal_and_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no report yet" in told(home, monkeypatch)
    outcomes = made(home)
    assert all(outcome.error is None for outcome in outcomes.values())
    assert all(check.passed for outcome in outcomes.values() for check in outcome.record.checks)
    for outcome in outcomes.values():
        record = outcome.record
        assert list(record.column_lineage) == [column.name for column in record.schema]
    told_before = expected_columns({code.name: code for code in codes(home)}, {}).types
    for table, outcome in outcomes.items():
        found = {column.name: column.type for column in outcome.record.schema}
        assert list(told_before[table]) == list(found)
        assert all(type_ in ("", found[column]) for column, type_ in told_before[table].items()), table
    assert "no experiment" in told(home, monkeypatch)


def test_a_file_that_cannot_be_read_is_left_out_and_named(played_and_made: Path) -> None:
    home = played_and_made
    whole = Records(lake_of(home)).get("feedback").rows
    ServiceFiles(home).feedback.joinpath("events-9999999999999-1.jsonl").write_bytes(b"\x1f\x8b\x08 cut off")
    outcomes = made(home)
    (faulty,) = [row for row in rows(lake_of(home), "feedback_files") if row["status"] == "faulty"]
    assert faulty["path"].endswith("events-9999999999999-1.jsonl") and faulty["fault"]
    assert any(faulty["path"] in each for each in outcomes["feedback_files"].warnings)
    failed = [check.name for check in outcomes["feedback_files"].record.checks if not check.passed]
    assert failed == ["every_line_can_be_read"]
    assert outcomes["feedback"].record.rows == whole


def test_a_table_is_made_again_where_its_own_files_grew_and_only_there(played_and_made: Path) -> None:
    home = played_and_made
    before = Records(lake_of(home)).get("feedback").rows
    again = {code.name: materialize(code, lake_of(home), Request(reuse=True)) for code in codes(home)}
    assert all(outcome.output is None for outcome in again.values()), "nothing is new"
    folder = ServiceFiles(home).feedback
    text = closed_files(folder, "events")[0].read_bytes()
    more = folder / "events-9999999999999-1.jsonl"
    more.write_bytes(text.replace(b'"event_id":"', b'"event_id":"another '))
    again = {code.name: materialize(code, lake_of(home), Request(reuse=True)) for code in codes(home)}
    renewed = {name for name, outcome in again.items() if outcome.output is not None}
    assert {"feedback_files", "feedback"} <= renewed and not renewed & {"exposures", "searches"}
    assert before is not None and again["feedback"].record.rows == before + text.count(b"\n")


def test_with_another_clock_the_files_are_of_other_days(played: Path) -> None:
    home = played
    days = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # 25 hours apart
        code = code_of(feedback_files.asset(ServiceFiles(home), zone))
        assert code is not None
        materialize(code, lake_of(home))
        found = rows(lake_of(home), "feedback_files")
        days.append({day for row in found for day in row["days"]})
    assert days[0] and days[1] and min(days[0]) > max(days[1])


def test_what_was_shown_and_done_becomes_tables_and_a_report(
    played: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = played
    files = ServiceFiles(home)
    done_file = closed_files(files.feedback, "events")[0]
    with done_file.open("ab") as lines:  # the same event again, a damaged line, and one that a kill tore
        lines.write(done_file.read_bytes().splitlines(keepends=True)[0] + b'{"half": 1}\n{"torn')
        lines.write(log_file.PADDING * log_file.ROOM)
    (files.feedback / "events-20260101T000000-1.jsonl").write_bytes(log_file.PADDING * log_file.ROOM)
    outcomes = made(home)
    lake = lake_of(home)
    shown, done = rows(lake, "exposures"), rows(lake, "feedback")
    assert len(shown) == 3 * USERS
    for row in shown[:5]:
        line = json.loads((home / row["_file"]).read_bytes().splitlines()[row["_line"] - 1])
        assert line["query_id"] == row["query_id"]
        assert line["object_ids"][row["position"] - 1] == row["item_id"]
    read = {each.name for each in outcomes["exposures"].record.reads if each.kind == "file"}
    assert read == {row["_file"] for row in shown}
    again = {row["user_id"] for row in shown if json.loads(row["experiments"])["ranker"] == "again"}
    assert {row["user_id"] for row in done} == again and len(done) == len(again)
    assert outcomes["feedback"].record.statistics["duplicates"] == 1
    assert outcomes["feedback_files"].record.statistics["damaged"] == 1
    unknown = sum(row["item_id"] == f"item-{ITEMS - 1}" for row in shown)
    check = next(each for each in outcomes["exposures"].record.checks if each.name == "items_are_known")
    assert check.counts["unknown"] == unknown
    assert check.passed == (unknown == 0)

    report = json.loads(told(home, monkeypatch, "--json"))
    (experiment,) = report["experiments"]
    values = {(row["arm"], row["metric"]): row for row in experiment["rows"]}
    assert values["again", "conversion"]["units"] == len(again)
    assert values["again", "conversion"]["value"] == pytest.approx(1, abs=0.05)
    assert values["control", "conversion"]["value"] == pytest.approx(0, abs=0.05)
    assert values["again", "revenue"]["value"] == pytest.approx(2, abs=0.1)
    assert values["again", "click_rate"]["value"] == pytest.approx(1 / 3)
    assert values["again", "conversion"]["difference"] == pytest.approx(1, abs=0.1)
    by_place = {(row["arm"], row["position"]): row for row in report["positions"]}
    assert by_place["again", 1]["click_rate"] == 1 and by_place["again", 2]["click_rate"] == 0
    assert "ranker: Keep testing again" in told(home, monkeypatch)

    page = outcomes["ab_report"]
    assert page.output is not None
    assert stored_metadata(page.output.metadata["decision"], page.plain) == page.output.metadata["decision"]
    differences = page.output.metadata["differences"]
    assert isinstance(differences, Plot)
    replace(differences, draw=lambda frame: assert_frame_equal(frame, differences.frame)).drawn(page.plain)


def test_customers_columns_are_personal_and_only_cleared_tables_hold_them(home: Path) -> None:
    for code in codes(home)[1:3]:
        tagged = {column for column, tags in code.column_tags.items() if "pii" in {tag.name for tag in tags}}
        assert tagged == {"user_id", "client_id"}
        assert set(code.cleared) == {"pii"}


def test_an_arm_that_loses_units_is_told(played: Path) -> None:
    home = played
    shown = closed_files(ServiceFiles(home).feedback, "exposures")[0]
    kept = [line for line in shown.read_bytes().splitlines(keepends=True) if b'"arm":"again"' in line]
    shown.write_bytes(b"".join(kept))
    check = next(
        each for each in made(home)["ab_report"].record.checks if each.name == "arms_have_their_shares"
    )
    assert not check.passed
