"""The A/B report: estimates for an experiment's arms, and what to do now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.experiments.coverage import (
    COVERAGE,
    COVERAGE_TOGETHER,
    TOGETHER,
    coverage,
    coverage_together,
)
from recsys_assets.experiments.experiment import Experiment
from recsys_assets.experiments.interval import (
    Interval,
    difference_interval,
    mean_interval,
    relative_interval,
)
from recsys_assets.experiments.metric import METRICS
from recsys_assets.experiments.sample_ratio import ALARM, sample_ratio_p
from recsys_assets.experiments.sample_size import units_needed

SCHEMA = {
    "experiment": pl.String,
    "arm": pl.String,
    "metric": pl.String,
    "role": pl.String,
    "units": pl.Int64,
    "value": pl.Float64,
    "value_low": pl.Float64,
    "value_high": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "relative": pl.Float64,
    "relative_low": pl.Float64,
    "relative_high": pl.Float64,
    "units_needed": pl.Int64,
    "verdict": pl.String,
}
Verdict = Literal[
    "better", "worse", "no difference that matters", "open", "safe", "harmed", "control", "not compared"
]


@dataclass(frozen=True)
class AbReport:
    """Results of an experiment.

    Attributes:
        table: one row per arm and metric, with the columns of `SCHEMA`. Intervals are valid at any time, however often
            they are looked at; that of the deciding metric holds for all arms at once.
        sample_ratio_p: p-value of the arms' numbers of units.
        decision: recommended action, in words.
    """

    table: pl.DataFrame
    sample_ratio_p: float
    decision: str

    @property
    def trustworthy(self) -> bool:
        """Whether the arms have as many units as they should."""
        return self.sample_ratio_p >= ALARM


def ab_report(units: pl.DataFrame, experiment: Experiment, catalogue: int | None = None) -> AbReport:
    """The report of one experiment.

    Args:
        units: one row per unit, with `arm` and the columns of the metrics; metrics without columns are left out of the
            report. Coverage needs `items`, `unit` and `first_shown`.
        experiment: the experiment of these units.
        catalogue: number of items that could have been shown; coverage is left out where it is not given.

    Raises:
        ValueError: a unit has an arm that the experiment lacks, or columns of the deciding metric or a guardrail are
            missing.
    """
    names = [arm.name for arm in experiment.arms]
    if strange := sorted(set(units["arm"].unique()) - set(names)):
        raise ValueError(
            f"the experiment {experiment.name!r} has no arm {strange[0]!r}; it has {', '.join(names)}"
        )
    arm = units["arm"].to_numpy().astype(str)
    counts = [int((arm == name).sum()) for name in names]
    p = sample_ratio_p(counts, experiment.shares)
    rails = {rail.metric: rail.may_fall for rail in experiment.guard_rails}
    rows: list[dict[str, object]] = []
    for metric in METRICS.values():
        needed = {metric.numerator, *([metric.denominator] if metric.denominator else [])}
        if missing := sorted(needed - set(units.columns)):
            if metric.name == experiment.metric or metric.name in rails:
                raise ValueError(f"{metric.name} needs the column {missing[0]!r} of units")
            continue
        rows += _rows(experiment, metric.name, metric.values(units, arm), arm, rails.get(metric.name))
    if catalogue and "items" in units.columns:
        rows += _rows_of_coverage(experiment, units, catalogue, rails.get(COVERAGE_TOGETHER))
    elif experiment.metric == COVERAGE_TOGETHER or COVERAGE_TOGETHER in rails:
        raise ValueError(f"{COVERAGE_TOGETHER} needs what units were shown, of a catalogue of known size")
    table = pl.DataFrame(rows, schema=SCHEMA)
    return AbReport(table, p, decision(table, p, experiment, counts))


def _rows(
    experiment: Experiment,
    metric: str,
    values: NDArray[np.float64],
    arm: NDArray[np.str_],
    may_fall: float | None,
    together: int = 1,
) -> list[dict[str, object]]:
    """The rows of one metric, one per arm; each value is over `together` units."""
    names = [each.name for each in experiment.arms]
    alpha, planned = experiment.alpha / (len(names) - 1), experiment.planned_units // together
    role = "decides" if metric == experiment.metric else "guard rail" if may_fall is not None else "described"
    of_arm = {name: values[arm == name] for name in names}
    of_arm = {name: found if np.isfinite(found).all() else found[:0] for name, found in of_arm.items()}
    control = of_arm[names[0]]
    deviation = float(control.std(ddof=1)) if control.size > 1 else 0.0
    level = float(control.mean()) if control.size else math.nan
    rows: list[dict[str, object]] = []
    for index, name in enumerate(names):
        value = mean_interval(of_arm[name], alpha=alpha, planned=planned)
        row: dict[str, object] = {
            "experiment": experiment.name,
            "arm": name,
            "metric": metric,
            "role": role,
            "units": int((arm == name).sum()) * together,
            "value": _finite(value.estimate),
            "value_low": _finite(value.low),
            "value_high": _finite(value.high),
            "verdict": "control",
        }
        if index:
            difference = difference_interval(of_arm[name], control, alpha=alpha, planned=planned)
            relative = relative_interval(of_arm[name], control, alpha=alpha, planned=planned)
            shares = (experiment.shares[0], experiment.shares[index])
            needed = _needed(experiment.least_effect * level, deviation, shares, alpha, planned)
            row |= {
                "difference": _finite(difference.estimate),
                "difference_low": _finite(difference.low),
                "difference_high": _finite(difference.high),
                "relative": _finite(relative.estimate),
                "relative_low": _finite(relative.low),
                "relative_high": _finite(relative.high),
                "units_needed": needed and needed * together,
                "verdict": _verdict(difference, relative, experiment.least_effect, may_fall, role),
            }
        rows.append(row)
    return rows


def _rows_of_coverage(
    experiment: Experiment, units: pl.DataFrame, catalogue: int, may_fall: float | None
) -> list[dict[str, object]]:
    """The rows of the arms' coverage of the catalogue: by all of their units, and by a fixed number of them."""
    rows: list[dict[str, object]] = []
    for arm in experiment.arms:
        own = units.filter(pl.col("arm") == arm.name)
        rows.append(
            {
                "experiment": experiment.name, "arm": arm.name, "metric": COVERAGE, "role": "described",
                "units": own.height, "value": coverage(own["items"], catalogue), "verdict": "not compared",
            }
        )  # fmt: skip
    values, arms = coverage_together(units, catalogue)
    return rows + _rows(experiment, COVERAGE_TOGETHER, values, arms, may_fall, TOGETHER)


def _needed(
    effect: float, deviation: float, shares: tuple[float, float], alpha: float, planned: int
) -> int | None:
    """Number of units of the two arms needed to detect the smallest effect that matters; None while nothing is
    known."""
    if not math.isfinite(effect) or not effect or not deviation or min(shares) <= 0:
        return None
    return units_needed(effect, deviation, shares, alpha=alpha, planned=planned)


def _verdict(
    difference: Interval, relative: Interval, least_effect: float, may_fall: float | None, role: str
) -> Verdict:
    if role == "guard rail" and may_fall is not None:
        return "harmed" if relative.high < -may_fall else "safe" if relative.low > -may_fall else "open"
    if difference.excludes_zero:
        return "better" if difference.low > 0 else "worse"
    if relative.high < least_effect and relative.low > -least_effect:
        return "no difference that matters"
    return "open"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def decision(table: pl.DataFrame, p: float, experiment: Experiment, counts: list[int]) -> str:
    """Recommended action, in words."""
    names = [arm.name for arm in experiment.arms]
    if p < ALARM:
        seen = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
        return (
            f"Do not trust this experiment: its arms have {seen} units, which shares of"
            f" {' : '.join(f'{share:.3g}' for share in experiment.shares)} give once in {1 / max(p, 1e-300):,.0f}"
            " experiments. Find out where units are lost or counted twice."
        )
    words: list[str] = []
    rows = {(row["arm"], row["metric"]): row for row in table.iter_rows(named=True)}
    for name in names[1:]:
        harmed = [
            rail.metric for rail in experiment.guard_rails if rows[name, rail.metric]["verdict"] == "harmed"
        ]
        open_rails = [
            rail.metric for rail in experiment.guard_rails if rows[name, rail.metric]["verdict"] == "open"
        ]
        row = rows[name, experiment.metric]
        if harmed:
            words.append(f"Stop {name}: it harms {' and '.join(harmed)} by more than is allowed.")
        elif row["verdict"] == "better" and open_rails:
            words.append(
                f"{name} is better in {experiment.metric} ({_span(row)}), but {' and '.join(open_rails)} may still"
                " have fallen by more than is allowed: continue."
            )
        elif row["verdict"] == "better":
            words.append(f"Take {name}: it is better in {experiment.metric} ({_span(row)}).")
        elif row["verdict"] == "worse":
            words.append(f"Stop {name}: it is worse in {experiment.metric} ({_span(row)}).")
        elif row["verdict"] == "no difference that matters":
            words.append(
                f"{name} makes no difference of {experiment.least_effect:.1%} or more: keep {names[0]}."
            )
        else:
            words.append(f"Keep testing {name}: {_still_needed(row, counts[0] + counts[names.index(name)])}")
    return " ".join(words)


def _span(row: dict[str, object]) -> str:
    low, high = row["relative_low"], row["relative_high"]
    if isinstance(low, float) and isinstance(high, float):
        return f"{low:+.1%} to {high:+.1%}"
    return f"{row['difference_low']:+.4g} to {row['difference_high']:+.4g}"


def _still_needed(row: dict[str, object], units: int) -> str:
    needed = row["units_needed"]
    if not isinstance(needed, int):
        return f"there is too little data on {row['metric']} to say how long it takes."
    if needed > units:
        return (
            f"nothing is certain about {row['metric']} yet; about {needed:,} units of both arms together are needed to "
            f"find the smallest effect that matters, and there are {units:,}."
        )
    return f"{row['metric']} is near the smallest effect that matters; {units:,} units do not settle it yet."
