"""The report of lists that two arms share: on customers whose taste is known."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from recsys_assets.experiments.experiment import Experiment
from recsys_assets.experiments.interleaving import team_draft
from recsys_assets.experiments.interleaving_report import interleaving_report

NAMES = {"a": "control", "b": "new"}
SCHEMA = {
    "query_id": pl.String, "item_id": pl.String, "position": pl.Int64, "credit": pl.String, "experiments": pl.String,
    "user_id": pl.String, "client_id": pl.String, "time": pl.Datetime,
}  # fmt: skip


def _experiment(**more) -> Experiment:
    arms = [{"name": "control"}, {"name": "new", "family": "popularity"}]
    return Experiment.model_validate(
        {"name": "e", "kind": "interleaving", "arms": arms, "planned_units": 500, **more}
    )


def _log(seed: int, lists: int, liked: float, clicks: float = 0.2) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lists of random rankings; customers look less far down, and click what `new` picked `liked` times as readily."""
    generator = np.random.default_rng(seed)
    shown, done = [], []
    for number in range(lists):
        one, other = ([f"i{each}" for each in generator.permutation(30)[:20]] for _ in range(2))
        for position, pick in enumerate(team_draft(one, other, 8, f"{seed}-{number}"), 1):
            row = {"query_id": f"q{number}", "item_id": pick.item, "user_id": f"u{number % (lists // 3)}"}
            shown.append(
                {
                    **row, "position": position, "credit": NAMES[pick.team], "experiments": '{"e": "interleaved:e"}',
                    "client_id": None, "time": datetime(2026, 1, 1),
                }
            )  # fmt: skip
            if generator.random() < clicks / position * (liked if pick.team == "b" else 1.0):
                done.append({**row, "action": "view", "day": datetime(2026, 1, 1).date()})
    return pl.DataFrame(shown, schema=SCHEMA), pl.DataFrame(done)


def _row(report, arm: str, metric: str = "wins") -> dict:
    return report.table.row(by_predicate=(pl.col("arm") == arm) & (pl.col("metric") == metric), named=True)


@pytest.mark.parametrize(
    ("liked", "verdict", "words"), [(2.0, "better", "prefer new"), (0.4, "worse", "Stop new")]
)
def test_the_arm_that_customers_like_wins(liked: float, verdict: str, words: str) -> None:
    report = interleaving_report(*_log(0, 1_200, liked), _experiment())
    assert report is not None and report.trustworthy and words in report.decision
    row, control = _row(report, "new"), _row(report, "control")
    assert row["verdict"] == verdict
    assert row["value"] + control["value"] == pytest.approx(1)
    assert row["difference"] == pytest.approx(row["value"] - control["value"])
    rate = _row(report, "new", "click_rate")
    assert rate["verdict"] == verdict and rate["value_low"] < rate["value"] < rate["value_high"]


def test_nobody_wins_where_both_are_liked_alike() -> None:
    decided = [interleaving_report(*_log(seed, 300, 1.0), _experiment()) for seed in range(1, 21)]
    assert sum(_row(report, "new")["verdict"] in ("better", "worse") for report in decided) <= 1
    assert all(
        report is not None and report.trustworthy and "Keep testing" in report.decision for report in decided
    )


def test_lists_that_go_missing_are_noticed_before_anything_else() -> None:
    exposures, feedback = _log(2, 900, 1.0)
    began = exposures.filter(pl.col("position") == 1)
    lost = began.filter(pl.col("credit") == "new").head(200)
    report = interleaving_report(exposures.join(lost, on="query_id", how="anti"), feedback, _experiment())
    assert report is not None and not report.trustworthy and report.decision.startswith("Do not trust")


def test_only_shared_lists_and_what_counts_in_them_are_counted() -> None:
    exposures, feedback = _log(3, 300, 1.0)
    other = exposures.with_columns(experiments=pl.lit('{"e": "control"}'))
    nobody = exposures.with_columns(credit=pl.lit(None, pl.String))
    for each in (other, nobody, exposures.clear()):
        assert interleaving_report(each, feedback, _experiment()) is None
    silent = interleaving_report(exposures, feedback.clear(), _experiment())
    assert silent is not None and _row(silent, "new")["verdict"] == "open" and "too few" in silent.decision


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"arms": [{"name": each} for each in "abc"]}, "two arms"),
        ({"arms": [{"name": "a", "share": 2}, {"name": "b"}]}, "leave out share"),
        ({"arms": [{"name": "a"}, {"name": "b", "rules": "b.toml"}]}, "leave out rules"),
        ({"metric": "revenue"}, "leave out metric"),
        ({"guard_rails": [{"metric": "revenue", "may_fall": 0.1}]}, "leave out metric and guard_rails"),
    ],
)
def test_what_cannot_be_interleaved_is_refused(wrong: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _experiment(**wrong)
