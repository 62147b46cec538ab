"""`recommendation_drift`: by how much each night's recommendations differ from those of earlier nights."""

from __future__ import annotations

from functools import partial

import polars as pl

from recsys_assets.assets.feedback.drift_report import drift_over_nights
from recsys_assets.assets.sql_table import SqlTable
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.parts.check_outcome import CheckOutcome

_CHECK = "recommendations_look_as_usual"
COUNTED = ("item", "department", "category", "brand", "score", "rank", "cold", "length")
"""Words of the names of what `recommendation_profiles` counts; a message may contain the constants of its module."""


def recommendations_look_as_usual(inputs: Inputs) -> CheckOutcome:
    """Whether tonight's recommendations are within the usual range of previous nights in every column."""
    found = inputs.query(
        f"""SELECT column_name, measure, value, threshold, alarm FROM {OUTPUT}
        WHERE version = (SELECT max(version) FROM {OUTPUT}) ORDER BY column_name, measure"""
    )
    known = found.filter(pl.col("threshold").is_not_null())
    if known.is_empty():
        return CheckOutcome(
            _CHECK, True, "the normal range is still being learned, which takes two weeks of nights"
        )
    loud = found.filter("alarm")
    counts = {"measures": known.height, "alarms": loud.height}
    if loud.is_empty():
        return CheckOutcome(_CHECK, True, f"{known.height} measures are in their normal range", counts=counts)
    alarms_text = "; ".join(
        f"{column} ({measure})" for column, measure in loud.select("column_name", "measure").iter_rows()
    )
    words = f"tonight's recommendations are unusual: {alarms_text}; recommendation_drift says by how much"
    return CheckOutcome(_CHECK, False, words, counts=counts)


RECOMMENDATIONS_LOOK_AS_USUAL = TableCheck(
    _CHECK,
    "tonight's recommendations resemble those of previous nights: scores by rank, items and their groups, how many",
    function=recommendations_look_as_usual,
)
TABLE = SqlTable(
    "feedback/recommendation_drift.sql",
    checks=(unique("version", "column_name", "measure"), RECOMMENDATIONS_LOOK_AS_USUAL),
    personal="by how much the shares of recommended items moved; no customer is named",
    shown=partial(drift_over_nights, table="recommendation_drift"),
    follows_champion=True,
)
