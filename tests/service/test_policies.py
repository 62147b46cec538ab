"""Candidates are judged on what the service showed by lot; where it showed nothing by lot, that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from recsys_assets.assets.feedback import feedback_files, policies
from recsys_assets.assets.feedback import feedback_tables as feedback
from recsys_assets.service.service_files import ServiceFiles
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import Outcome, materialize
from recsys_lineage.orchestration.dagster_internals import code_of
from tests.service.running import Customer, served
from tests.service.small_shop import ITEMS, USERS, lake_of, train

DRAWN = f"[exploration]\nshare = 0.8\namong = {ITEMS}\n"


def items() -> pl.DataFrame:
    return pl.DataFrame({"item_id": [f"item-{item}" for item in range(ITEMS)]})


def _play(customer: Customer, times: int) -> None:
    """Customers take what lies on the shelf that they buy from, wherever it stands."""
    for turn in range(times):
        for user in range(USERS):
            answer = customer.list_of(f"customer-{user}", k=20).json
            taken = [each["item"] for each in answer["items"] if int(each["item"][5:]) % 6 == user % 6]
            for item in taken:
                told = {
                    "event_id": f"{turn}-{user}-{item}", "action_name": "view", "object_id": item,
                    "query_id": answer["query_id"], "user": f"customer-{user}",
                }  # fmt: skip
                assert customer.tell(told).status == 200


def _report(home: Path, families: list[str]) -> tuple[Outcome, dict[tuple[str, str], dict[str, Any]]]:
    lake = lake_of(home)
    materialize(frame_code(items), lake)
    outcome = None
    files = ServiceFiles(home)
    made = (feedback_files.asset(files, "UTC"), *feedback.assets(files, "UTC"), policies.asset(families))
    for each in made:
        code = code_of(each)
        assert code is not None
        outcome = materialize(code, lake)
        assert outcome.error is None, outcome.error
    assert outcome is not None
    rows = lake.scan(lake.version(policies.NAME)).collect().to_dicts()
    return outcome, {(row["policy"], row["reward"]): row for row in rows}


def test_the_better_candidate_is_known_before_it_is_shown(home: Path) -> None:
    (home / "rules.toml").write_text(DRAWN)
    for family in ("popularity", "item_neighbours"):
        train(home, family, table=f"candidate_{family}")
    train(home, "popularity", night=1)  # what serves knows no shelves
    with served(home) as (customer, _):
        _play(customer, 4)
    outcome, rows = _report(home, ["popularity", "item_neighbours", "ease"])
    assert list(outcome.record.column_lineage) == list(policies.TEXTS)
    assert all(check.passed for check in outcome.record.checks)
    good, same = rows["candidate_item_neighbours", "click"], rows["candidate_popularity", "click"]
    assert good["verdict"] == "better" and good["ips_low"] > good["shown_high"]
    assert same["verdict"] != "better" and good["places"] == same["places"] == 20 * 4 * USERS
    assert rows["champion", "click"]["shown"] == good["shown"] and rows["champion", "click"]["version"] == 1
    assert rows["candidate_item_neighbours", "purchase"]["verdict"] != "better"  # nobody bought
    assert ("candidate_ease", "click") not in rows  # it is not fitted yet


def test_lists_that_are_not_drawn_judge_nobody_and_that_is_said(home: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    _, rows = _report(home, ["popularity"])
    assert rows["candidate_popularity", "click"]["words"] == "Nothing was shown to a named customer."
    with served(home) as (customer, _):
        _play(customer, 1)
    outcome, rows = _report(home, ["popularity"])
    row = rows["candidate_popularity", "click"]
    assert row["verdict"] == "no support" and "exploration.share" in row["words"]
    assert all(check.passed for check in outcome.record.checks)
    assert list(outcome.record.column_lineage) == list(policies.TEXTS)
