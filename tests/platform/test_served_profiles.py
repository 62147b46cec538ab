"""Each night's recommendations are counted beside those of the nights before, once, and the report reads that."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys_assets.assets.feedback.drift_report import drift_over_nights
from recsys_assets.assets.feedback.recommendation_drift import COUNTED, TABLE
from recsys_assets.assets.serving import served_profiles
from recsys_assets.sql import load_sql
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import Outcome, materialize
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.records.records import Records
from recsys_lineage.sql.sql_text import SqlText
from tests.sql.recommended_nights import FAULTS, PROFILES, profile, quiet_nights

NIGHTS = list(quiet_nights(1, 17, customers=60))


def recommendations(night: int) -> pl.DataFrame:
    return NIGHTS[night][1]


def item_profiles() -> pl.DataFrame:
    return PROFILES


def gate() -> pl.DataFrame:
    return pl.DataFrame(
        {"champion_before": ["ease"] * 2, "challenger": ["lightgcn", "x"], "promoted": [True, False]}
    )


def recommendation_profiles(broken: bool) -> pl.DataFrame:
    """Of sixteen quiet nights and one more."""
    *before, (family, last) = NIGHTS
    last = FAULTS["nobody is known"](last) if broken else last
    return pl.concat([profile(version, night) for version, night in enumerate([*before, (family, last)])])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), Engine(threads=1, memory_limit="500MB"))


def _succeeded(outcome: Outcome) -> Outcome:
    assert outcome.error is None, outcome.error
    return outcome


def test_each_version_is_counted_once_beside_those_before(lake: Lake) -> None:
    for function in (item_profiles, gate):
        _succeeded(materialize(frame_code(function), lake))
    asset = code_of(served_profiles.asset())
    assert asset is not None
    found = [
        _succeeded(materialize(code, lake))
        for night in range(2)
        for code in (frame_code(recommendations, parameters={"night": night}), asset)
    ][-1]
    assert found.record.statistics == {"versions": 2}
    assert list(found.record.column_lineage) == [column.name for column in found.record.schema]
    again = _succeeded(materialize(asset, lake))
    assert again.record.fingerprint == found.record.fingerprint
    frame = lake.scan(lake.version(served_profiles.NAME)).collect()
    assert frame["version"].unique().sort().to_list() == [0, 1] and set(frame["family"]) == {"lightgcn"}
    assert frame["night"].n_unique() == 2
    counted = {word for name in frame["column_name"].unique() for word in name.split()}
    assert {word for word in counted if len(word) > 2} == {*COUNTED}, (
        "the check of the drift may say them all"
    )


def test_an_unusual_night_is_told(lake: Lake) -> None:
    text = SqlText(load_sql("feedback", "recommendation_drift"), "recommendation_drift.sql")
    drift = sql_code(text, name="recommendation_drift", checks=TABLE.checks)
    checks = []
    for broken in (False, True):
        _succeeded(materialize(frame_code(recommendation_profiles, parameters={"broken": broken}), lake))
        record = _succeeded(materialize(drift, lake)).record
        checks += [each for each in record.checks if each.name == "recommendations_look_as_usual"]
    quiet, loud = checks
    assert quiet.passed and "in their normal range" in quiet.found
    assert not loud.passed and "cold (distribution)" in loud.found
    plots = drift_over_nights(Records(lake), "recommendation_drift")
    assert "nights, " in next(iter(plots.values())).value
