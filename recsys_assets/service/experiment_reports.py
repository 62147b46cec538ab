"""Experiment reports: what is known of each experiment of a home, out of what its service wrote down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import polars as pl

from recsys_assets.experiments.ab_report import AbReport, ab_report
from recsys_assets.experiments.experiment import Experiment, ExperimentError, Experiments
from recsys_assets.experiments.exposed_units import (
    ExposedUnits,
    clicks_by_position,
    exposed_units,
    with_past,
)
from recsys_assets.service.activity import NEEDED
from recsys_assets.service.feedback_log import Found, Stream, read_log
from recsys_lineage.lake.lake import Lake

_EXPOSED = ("query_id", "time", "object_ids")


@dataclass(frozen=True)
class ExperimentReport:
    """What is known of one experiment; `report` is None until somebody was shown one of its arms."""

    experiment: Experiment
    units: ExposedUnits
    report: AbReport | None

    @property
    def decision(self) -> str:
        """What to do now, in words."""
        return self.report.decision if self.report else "Nobody was shown an arm of it yet."

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "experiment": self.experiment.name,
            "decision": self.decision,
            "trustworthy": self.report is None or self.report.trustworthy,
            "sample_ratio_p": self.report.sample_ratio_p if self.report else None,
            "left_out": self.units.in_two_arms,
            "purchases_without_price": self.units.unpriced,
            "items_shown": dict(self.units.items),
            "arms": self.report.table.to_dicts() if self.report else [],
        }


@dataclass(frozen=True)
class Reports:
    """The reports of a home's experiments, and how the places of a list were taken to.

    Attributes:
        reports: one an experiment, in the order of their file.
        positions: of all answers; the table of `clicks_by_position`.
        damaged: lines of the log that cannot be read, by file and line.
    """

    reports: Sequence[ExperimentReport]
    positions: pl.DataFrame
    damaged: Sequence[str] = field(default=())


def experiment_reports(lake: Lake, feedback: Path, file: Path, name: str | None = None) -> Reports:
    """The reports of the experiments in `file`, of one of them where a name is given.

    Args:
        lake: tells prices, and what customers bought before.
        feedback: the folder of the service's log.
        file: `experiments.toml`.

    Raises:
        ExperimentError: the file cannot be used, has no experiment of that name, or one is judged by what is not known.
    """
    experiments = Experiments.load(file)
    wanted = experiments.experiments if name is None else (experiments[name],)
    damaged: set[str] = set()

    def lines(stream: Stream) -> Iterator[dict[str, Any]]:
        found = Found()
        yield from read_log(feedback, stream, found, _EXPOSED if stream == "exposures" else NEEDED)
        damaged.update(found.damaged)

    prices = _prices(lake)
    reports: list[ExperimentReport] = []
    for experiment in wanted:
        units = exposed_units(lines("exposures"), lines("events"), experiment, prices)
        reports.append(ExperimentReport(experiment, units, _report(lake, units, experiment, file)))
    return Reports(reports, clicks_by_position(lines("exposures"), lines("events")), sorted(damaged))


def _report(lake: Lake, units: ExposedUnits, experiment: Experiment, file: Path) -> AbReport | None:
    if units.table.is_empty():
        return None
    table = units.table
    first = datetime.fromtimestamp(min(table["first_shown"].to_list()) / 1e6, timezone.utc)
    past = _past(lake, first.replace(tzinfo=None))
    if past is not None:
        table = with_past(table, past)
    if table["revenue"].sum() == 0:
        table = table.drop(
            "revenue"
        )  # no prices are known: a column of zeros would say that arms do not differ
    try:
        return ab_report(table, experiment)
    except ValueError as error:
        raise ExperimentError(
            f"The experiment {experiment.name!r} cannot be judged yet.",
            expected="what its metric and its guard rails are made of",
            found=str(error),
            where=str(file),
            advice="name another metric, or wait until there is some; revenue needs prices in item_profiles",
        ) from None


def _prices(lake: Lake) -> dict[str, float] | None:
    """The mean price of each item that has one; None where the lake does not know items."""
    if not lake.has("item_profiles"):
        return None
    version = lake.version("item_profiles")
    if not {"item_id", "price_mean"} <= {column.name for column in version.schema}:
        return None
    with lake.reading(), lake.connect() as connection:
        rows = connection.sql(
            f"SELECT item_id, price_mean FROM {lake.relation(version)} WHERE price_mean > 0"
        ).fetchall()
    return dict(rows)


def _past(lake: Lake, before: datetime) -> pl.DataFrame | None:
    """What each customer bought before a moment; None where the lake has no events."""
    if not lake.has("events"):
        return None
    with lake.reading(), lake.connect() as connection:
        past = connection.sql(
            f"""SELECT
                user_id AS user,
                count(DISTINCT coalesce(order_id, event_time::VARCHAR))::DOUBLE AS baskets_before,
                coalesce(sum(amount), 0)::DOUBLE AS spent_before
            FROM {lake.relation(lake.version("events"))}
            WHERE event_time < $before
            GROUP BY user_id""",
            params={"before": before},
        )
        return pl.DataFrame(past.to_arrow_table())
