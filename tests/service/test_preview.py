"""Somebody of the shop looks at a customer's list: the same one, with reasons, and nothing is noted as shown."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import polars as pl

from recsys_assets.assets.feedback.experiment_report import REPORT
from recsys_assets.service.feedback.log_reader import read_log
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from tests.service.running import Customer, served, until
from tests.service.small_shop import lake_of
from tests.service.test_answers import event

DECISION = "Take other: it is better in conversion (+2.0 % to +8.0 %)."


def written(home: Path) -> int:
    """How many lists were noted as shown."""
    return sum(len(path.read_bytes().splitlines()) for path in (home / "feedback").glob("exposures-*.jsonl"))


def report_of(home: Path, decision: str = DECISION) -> None:
    """Make the next version of the night's report of an experiment."""

    def ab_report() -> pl.DataFrame:
        row = {
            "experiment": "first", "arm": "other", "metric": "conversion", "role": "decides", "units": 420,
            "value": 0.25, "relative": 0.05, "relative_low": 0.02, "relative_high": 0.08, "verdict": "better",
            "sample_ratio_p": 0.5, "decision": decision,
        }  # fmt: skip
        return pl.DataFrame([row], schema=REPORT)

    materialize(frame_code(ab_report, parameters={"decision": decision}), lake_of(home))


def test_it_is_the_list_that_the_customer_gets_with_reasons_and_what_they_did(home: Path) -> None:
    with served(home) as (customer, _):
        assert customer.tell(event("view", "item-7", user="customer-3")).status == 200
        shown = customer.list_of("customer-3", k=6, explain=True).json
        before = written(home)
        answer = customer.ask("GET", "/preview/customer-3?k=6")
        assert answer.json["items"] == shown["items"]
        assert all(each["reason"] for each in answer.json["items"])
        assert (answer.json["record"], answer.json["arm"]) == (shown["record"], shown["arm"])
        latest, *_ = answer.json["did"]
        assert (latest["item"], latest["behaviour"], latest["title"]) == ("item-7", "view", "thing 7")
        moments = [each["last"] for each in answer.json["did"]]
        assert moments == sorted(moments, reverse=True) and answer.json["since_the_fit"] == 1
        assert datetime.fromisoformat(latest["last"].replace("Z", "+00:00")) <= datetime.now(timezone.utc)
        stranger = customer.ask("GET", "/preview/nobody%2Fhere").json
        assert stranger["cold"] and stranger["did"] == [] and len(stranger["items"]) == 20
        assert customer.ask("GET", "/preview/customer-3?k=0").status == 422
        assert written(home) == before
        assert customer.ask("GET", "/status").json["arms"][0]["answers"] == 1


def test_the_status_tells_what_the_newest_report_says(home: Path) -> None:
    with served(home) as (customer, _):
        assert customer.ask("GET", "/status").json["reports"] == []
        for decision in (DECISION, "Keep testing other."):
            report_of(home, decision)
            until(lambda: customer.ask("GET", "/status").json["reports"], "the report is read")
            until(
                lambda: customer.ask("GET", "/status").json["reports"][0]["decision"] == decision,  # noqa: B023
                "the newest report is read",
            )
        (told,) = customer.ask("GET", "/status").json["reports"]
        (row,) = told["rows"]
        assert told["name"] == "first" and (row["arm"], row["units"], row["verdict"]) == (
            "other",
            420,
            "better",
        )


def test_a_head_is_a_get_without_a_body_and_shows_nobody_anything(customer: Customer, home: Path) -> None:
    before = written(home)
    for path in ("/", "/health", "/ready", "/version", "/status", "/metrics", "/openapi.json"):
        head, got = customer.ask("HEAD", path), customer.ask("GET", path)
        assert (head.status, head.body, head.headers["content-type"]) == (
            200,
            b"",
            got.headers["content-type"],
        )
    for path in ("/recommendations/customer-1", "/search?q=thing"):
        assert customer.ask("HEAD", path).status == 405
    assert written(home) == before
    assert not [*read_log(home / "feedback", "searches")]
