"""`feedback_days`: the days of `feedback`, each with its content's fingerprint; `raw_events` follows it."""

from __future__ import annotations

import dagster as dg
import polars as pl

from recsys_assets.assets.looks import look
from recsys_assets.assets.schema import texts_of, types_of
from recsys_lineage.assets.checks import unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.orchestration.frame_asset import frame_asset

NAME, FEEDBACK = "feedback_days", "feedback"


class FeedbackDaysColumns:
    """Columns of `feedback_days`, one row a day."""

    day = pl.Date
    """The day, by the shop's clock."""
    events = pl.Int64
    """Number of its events that the service has received."""
    content = pl.String
    """Hash of these events."""


def feedback_days(inputs: Inputs) -> pl.DataFrame:
    """The days on which the service has events, with their number and a hash; a table without partitions.

    In a run without a partition, Dagster fails where one partitioned asset depends on another.
    """
    stored = inputs.version(FEEDBACK, None, ("day",))
    rows = [(day, held.rows, held.fingerprint) for day, held in sorted(stored.partitions.items())]
    names = types_of(FeedbackDaysColumns)
    frame = pl.DataFrame(rows, schema={**names, "day": pl.String}, orient="row")
    return frame.with_columns(pl.col("day").str.to_date())


def asset() -> dg.AssetsDefinition:
    """`feedback_days`."""
    return frame_asset(
        feedback_days,
        reads=(FEEDBACK,),
        checks=(unique("day"),),
        columns=texts_of(FeedbackDaysColumns),
        columns_from={name: {FEEDBACK: ("day",)} for name in types_of(FeedbackDaysColumns)},
        keys={FEEDBACK: {"day": "day"}},
        look=look("raw", personal="how many events a day has; no customer is named"),
    )
