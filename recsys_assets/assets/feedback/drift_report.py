"""`drift_report`: drift of a day's events; its plot is also that of `recommendation_drift`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

import dagster as dg

from recsys_assets.assets.sql_table import SqlTable
from recsys_assets.nights_plot import MOST_NIGHTS, Night, nights_plots
from recsys_lineage.assets.checks import OUTPUT, TableCheck, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.records import Records

_MEASURES = ("distribution", "missing", "new values", "volume")
_SHOWN = 4
"""Columns shown in Dagster."""


def nothing_drifted(inputs: Inputs) -> CheckOutcome:
    """Whether the newest day is within the usual range of every column."""
    name = "nothing_drifted"
    newest = inputs.query(
        f"""SELECT column_name, list(measure ORDER BY measure) FILTER (WHERE alarm) AS alarms, count(threshold) AS known
        FROM {OUTPUT} WHERE night = (SELECT max(night) FROM {OUTPUT}) GROUP BY column_name ORDER BY column_name"""
    )
    if newest.is_empty() or not newest["known"].sum():
        return CheckOutcome(
            name, True, "the normal range is still being learned, which takes two weeks of days"
        )
    alarms = [
        (column, ", ".join(measure for measure in _MEASURES if measure in measures))
        for column, measures, _ in newest.iter_rows()
        if measures
    ]
    counts = {"columns": newest.height, "alarms": len(alarms)}
    if not alarms:
        return CheckOutcome(name, True, f"{newest.height} columns are in their normal range", counts=counts)
    alarms_text = "; ".join(f"{column} ({measures})" for column, measures in alarms)
    return CheckOutcome(
        name,
        False,
        f"the newest day is unusual: {alarms_text}; drift_report says by how much",
        counts=counts,
    )


def drift_over_nights(records: Records, table: str = "drift_report") -> Mapping[str, Any]:
    """Plot on the page of a drift report: the columns that moved most, as shares of the alarm threshold, by night."""
    lake = records.lake
    with lake.reading(), lake.connect() as connection:
        rows = connection.sql(
            f"""WITH recent AS (
                SELECT night, column_name, max(value / threshold) AS share
                FROM {lake.relation(lake.version(table))}
                WHERE threshold IS NOT NULL
                GROUP BY night, column_name
                QUALIFY dense_rank() OVER (ORDER BY night DESC) <= {MOST_NIGHTS}
            )
            SELECT night, column_name, share
            FROM recent
            SEMI JOIN (
                SELECT column_name FROM recent GROUP BY column_name ORDER BY max(share) DESC, column_name LIMIT {_SHOWN}
            ) AS most ON recent.column_name = most.column_name
            ORDER BY night, column_name"""
        ).fetchall()
    by_night: dict[Any, dict[str, float]] = {}
    for night, column, share in rows:
        by_night.setdefault(night, {})[column] = float(share)
    nights: list[Night] = [
        (night if isinstance(night, datetime) else datetime.combine(night, time()), values)
        for night, values in by_night.items()
    ]
    plots = nights_plots(nights, of="days" if table == "drift_report" else "nights")
    names = ["what moved most; above 1 alarms", *(f"what moved most, part {n}" for n in range(2, _SHOWN + 2))]
    return {name: dg.MetadataValue.md(text) for name, text in zip(names, plots, strict=False)}


TABLE = SqlTable(
    "feedback/drift_report.sql",
    checks=(
        unique("night", "column_name", "measure"),
        TableCheck(
            "nothing_drifted",
            "events of the newest day look like those of the same weekday before: shares, missing and new values, "
            "volume",
            function=nothing_drifted,
        ),
    ),
    personal="by how much the shares of countries and age groups moved; no customer is named",
    shown=drift_over_nights,
)
