"""The report of an interleaving experiment: whose items customers click in lists that two arms share."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.experiments.ab_report import SCHEMA, AbReport, Verdict
from recsys_assets.experiments.adjustment import linearised
from recsys_assets.experiments.experiment import Experiment
from recsys_assets.experiments.interval import Interval, mean_interval
from recsys_assets.experiments.sample_ratio import ALARM, sample_ratio_p
from recsys_assets.experiments.sample_size import units_needed
from recsys_assets.experiments.units import CLICKS

WINS, CLICK_RATE = "wins", "click_rate"


def interleaving_report(
    exposures: pl.DataFrame, feedback: pl.DataFrame, experiment: Experiment
) -> AbReport | None:
    """Results of the two arms of an interleaving experiment; None while no list was shared.

    The arm with more clicks on its items wins a list; without clicks or with equally many, nobody does. `wins` is an
    arm's share of the lists that somebody won. Lists of one unit are not independent (`linearised`), and intervals are
    valid at any time. Equal arms each win half of them, wherever customers click (`team_draft`).

    The sample ratio compares the numbers of lists in which each arm has the first item that counts, which a coin
    decides.

    Args:
        exposures: of the asset `exposures`.
        feedback: of the asset `feedback`.
        experiment: which lists are counted.
    """
    names = [arm.name for arm in experiment.arms]
    places = _places(exposures, feedback, experiment)
    if places.is_empty():
        return None
    first = places.group_by("query_id").agg(pl.col("credit").sort_by("position").first())["credit"]
    p = sample_ratio_p([int((first == name).sum()) for name in names], [0.5, 0.5])
    units = _units(places, names)
    decided = units.filter(pl.col("won_0") + pl.col("won_1") > 0)
    rows = [
        *_rows(experiment, WINS, "decides", decided, ("won_0", "won_1"), ("lists", "lists")),
        *_rows(
            experiment, CLICK_RATE, "described", units, ("clicked_0", "clicked_1"), ("shown_0", "shown_1")
        ),
    ]
    table = pl.DataFrame(rows, schema=SCHEMA)
    return AbReport(table, p, _decision(table, p, experiment, int(decided["lists"].sum())))


def _places(exposures: pl.DataFrame, feedback: pl.DataFrame, experiment: Experiment) -> pl.DataFrame:
    """The places that count in lists that both arms shared, and whether they were clicked."""
    person = [pl.format("user:{}", "user_id"), pl.format("client:{}", "client_id")]
    if experiment.unit == "session":
        person.reverse()
    shared = exposures.with_columns(
        lists_of=pl.col("experiments").str.json_path_match(f"$.{experiment.name}"),
        unit=pl.coalesce(*person, pl.format("answer:{}", "query_id")),
    ).filter(
        pl.col("lists_of") == experiment.both_arms,
        pl.col("credit").is_in([arm.name for arm in experiment.arms]),
    )
    done = feedback.filter(pl.col("action").is_in(CLICKS))
    if experiment.last_day is not None:
        done = done.filter(pl.col("day") <= experiment.last_day)
    clicked = done.select("query_id", "item_id", clicked=pl.lit(True)).unique()
    return shared.select("unit", "query_id", "item_id", "position", "credit").join(
        clicked, on=["query_id", "item_id"], how="left"
    )


def _units(places: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """One row per unit: lists with a winner (`lists`), and for each arm the lists won, items shown, and items
    clicked."""
    of_arm = {number: pl.col("credit") == name for number, name in enumerate(names)}
    lists = places.group_by("unit", "query_id").agg(
        *((pl.col("clicked") & mine).sum().alias(f"clicked_{n}") for n, mine in of_arm.items()),
        *(mine.sum().alias(f"shown_{n}") for n, mine in of_arm.items()),
    )
    sums = [pl.col(f"{what}_{n}").sum() for what in ("clicked", "shown") for n in of_arm]
    return (
        lists.with_columns(
            won_0=pl.col("clicked_0") > pl.col("clicked_1"), won_1=pl.col("clicked_1") > pl.col("clicked_0")
        )
        .group_by("unit")
        .agg(*sums, pl.col("won_0", "won_1").sum())
        .with_columns(lists=pl.col("won_0") + pl.col("won_1"))
        .sort("unit")
    )


def _rows(
    experiment: Experiment,
    metric: str,
    role: str,
    units: pl.DataFrame,
    numerators: tuple[str, str],
    denominators: tuple[str, str],
) -> list[dict[str, object]]:
    """The rows of a ratio that every unit has for both arms."""
    limits = {"alpha": experiment.alpha, "planned": experiment.planned_units}
    one = np.zeros(units.height, np.int64)
    control, other = (
        linearised(units[numerator].to_numpy(), units[denominator].to_numpy(), one)
        for numerator, denominator in zip(numerators, denominators, strict=True)
    )
    rows: list[dict[str, object]] = []
    for arm, values in zip(experiment.arms, (control, other), strict=True):
        value = _interval(values, **limits)
        rows.append(
            {
                "experiment": experiment.name, "arm": arm.name, "metric": metric, "role": role,
                "units": units.height, "value": _finite(value.estimate), "value_low": _finite(value.low),
                "value_high": _finite(value.high), "verdict": "control",
            }
        )  # fmt: skip
    gain = _interval(other - control, **limits)
    rows[1] |= {
        "difference": _finite(gain.estimate),
        "difference_low": _finite(gain.low),
        "difference_high": _finite(gain.high),
        "units_needed": _needed(other - control, experiment) if role == "decides" else None,
        "verdict": _verdict(gain, experiment.least_effect if role == "decides" else 0.0),
    }
    return rows


def _interval(values: NDArray[np.float64], *, alpha: float, planned: float) -> Interval:
    known = values.size and np.isfinite(values).all()
    return mean_interval(values if known else values[:0], alpha=alpha, planned=planned)


def _needed(values: NDArray[np.float64], experiment: Experiment) -> int | None:
    """Number of units with a won list that is needed to detect the smallest effect that matters."""
    deviation = float(values.std(ddof=1)) if values.size > 1 and np.isfinite(values).all() else 0.0
    if not deviation:
        return None
    # of one sample, not of two halves of it
    return units_needed(
        experiment.least_effect,
        deviation / 2,
        (0.5, 0.5),
        alpha=experiment.alpha,
        planned=experiment.planned_units,
    )


def _verdict(gain: Interval, least_effect: float) -> Verdict:
    if gain.excludes_zero:
        return "better" if gain.low > 0 else "worse"
    return "no difference that matters" if max(-gain.low, gain.high) < least_effect else "open"


def _decision(table: pl.DataFrame, p: float, experiment: Experiment, lists: int) -> str:
    """Recommended action, in words."""
    control, other = (arm.name for arm in experiment.arms)
    if p < ALARM:
        return (
            "Do not trust this experiment: in lists that a coin began, one arm began far more often than the other, as"
            f" happens once in {1 / max(p, 1e-300):,.0f} experiments. Find out where lists are lost."
        )
    if not lists:
        return f"Keep testing {other}: too few lists were clicked to say anything."
    row = table.row(by_predicate=(pl.col("arm") == other) & (pl.col("metric") == WINS), named=True)
    won = f"it won {_share(row)} of the {lists:,} lists that somebody won"
    if row["verdict"] == "better":
        return f"Customers prefer {other}: {won}. What that is worth in purchases, an experiment of kind arms tells."
    if row["verdict"] == "worse":
        return f"Stop {other}: {won}."
    if row["verdict"] == "no difference that matters":
        return f"Customers do not prefer {other} by {experiment.least_effect:.1%} of lists or more: keep {control}."
    needed = row["units_needed"]
    if needed is None:
        return f"Keep testing {other}: {won}, too few to say how long it takes."
    return (
        f"Keep testing {other}: {won}; about {needed:,} customers who click show the smallest effect that matters, and"
        f" {row['units']:,} did."
    )


def _share(row: dict[str, object]) -> str:
    low, high = row["value_low"], row["value_high"]
    if isinstance(low, float) and isinstance(high, float):
        return f"{max(0.0, low):.1%} to {min(1.0, high):.1%}"
    return f"{row['value']:.1%}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
