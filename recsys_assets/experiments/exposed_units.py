"""Exposed units: what each customer or session of an experiment was shown and did, out of the service's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import polars as pl

from recsys_assets.experiments.experiment import Experiment

CLICKS = ("view", "cart", "purchase")
"""What somebody who took to a shown item does."""
SCHEMA = {
    "unit": pl.String,
    "arm": pl.String,
    "user": pl.String,
    "first_shown": pl.Int64,
    "exposures": pl.Int64,
    "clicks": pl.Int64,
    "purchases": pl.Int64,
    "converted": pl.Boolean,
    "revenue": pl.Float64,
    "ratings": pl.Int64,
    "rating_sum": pl.Float64,
}
"""One row a unit: `exposures` are the answers that it got, `clicks` those of them of which it took to something."""


@dataclass
class ExposedUnits:
    """The units of an experiment.

    Attributes:
        table: one row a unit, with the columns of `SCHEMA`.
        in_two_arms: units that were shown two arms, as after a change of the shares; they are left out.
        unpriced: things bought of which no price is known; they count nothing as revenue.
        items: how many different items each arm showed.
    """

    table: pl.DataFrame
    in_two_arms: int = 0
    unpriced: int = 0
    items: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Unit:
    arm: str
    user: str | None
    first: int
    shown: int = 0
    clicked: set[str] = field(default_factory=set)
    purchases: int = 0
    revenue: float = 0.0
    ratings: list[float] = field(default_factory=list)


def exposed_units(
    exposures: Iterable[Mapping[str, Any]],
    events: Iterable[Mapping[str, Any]],
    experiment: Experiment,
    prices: Mapping[str, float] | None = None,
) -> ExposedUnits:
    """What units were shown and did from then on, each event once.

    What somebody did before they were shown anything does not count, for no arm can have caused it. An event belongs to
    whoever got the answer that it names, else to its customer or client.

    Args:
        exposures: lines of the service's log of that name, one an answer; times in µs since 1970.
        events: lines of the log of events.
        experiment: whose arms and unit.
        prices: item → price of a piece; what is not in it has no revenue.
    """
    units: dict[str, _Unit] = {}
    several: set[str] = set()
    answers: dict[str, tuple[str, frozenset[str]]] = {}
    items: dict[str, set[str]] = {arm.name: set() for arm in experiment.arms}
    by_session = experiment.unit == "session"
    for line in exposures:
        arm = (line.get("experiments") or {}).get(experiment.name)
        if arm not in items or not experiment.runs_on(_day(line["time"])):
            continue
        unit = _unit_of(line, by_session) or f"answer:{line['query_id']}"
        known = units.setdefault(unit, _Unit(arm, line.get("user"), line["time"]))
        if known.arm != arm:
            several.add(unit)
        known.first, known.shown = min(known.first, line["time"]), known.shown + 1
        known.user = known.user or line.get("user")
        answers[line["query_id"]] = unit, frozenset(line["object_ids"])
        items[arm].update(line["object_ids"])
    seen: set[str] = set()
    unpriced = 0
    for event in events:
        if event["event_id"] in seen:
            continue
        seen.add(event["event_id"])
        of_answer = answers.get(event.get("query_id") or "")
        name = of_answer[0] if of_answer else _unit_of(event, by_session)
        found = units.get(name or "")
        if found is None or event["time"] < found.first or not experiment.runs_on(_day(event["time"])):
            continue
        if of_answer and event["action_name"] in CLICKS and event["object_id"] in of_answer[1]:
            found.clicked.add(event["query_id"])
        if event["action_name"] == "purchase":
            price = None if prices is None else prices.get(event["object_id"])
            found.purchases, found.revenue = found.purchases + 1, found.revenue + (price or 0.0)
            unpriced += not price and name not in several
        elif event["action_name"] == "rating":
            found.ratings.append(float(event["value"]))
    rows = [
        {
            "unit": name,
            "arm": unit.arm,
            "user": unit.user,
            "first_shown": unit.first,
            "exposures": unit.shown,
            "clicks": len(unit.clicked),
            "purchases": unit.purchases,
            "converted": unit.purchases > 0,
            "revenue": unit.revenue,
            "ratings": len(unit.ratings),
            "rating_sum": sum(unit.ratings),
        }
        for name, unit in units.items()
        if name not in several
    ]
    return ExposedUnits(
        pl.DataFrame(rows, schema=SCHEMA),
        len(several),
        unpriced,
        {arm: len(held) for arm, held in items.items()},
    )


def with_past(units: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """Units with what their customers bought before, by which the noise of what they buy now is taken out (CUPED).

    Args:
        units: with the columns of `SCHEMA`.
        past: `user`, `baskets_before` and `spent_before`, of the time before the experiment.
    """
    return units.join(past, on="user", how="left", maintain_order="left").with_columns(
        pl.col("baskets_before", "spent_before").fill_null(0)
    )


def clicks_by_position(
    exposures: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]
) -> pl.DataFrame:
    """How often something was shown at each place and how often somebody took to it, whatever the experiment.

    A place near the top is clicked more for being there; this is how much.

    Returns:
        `position` (from 1), `shown`, `clicks`, `click_rate`.
    """
    shown: dict[int, int] = {}
    places: dict[tuple[str, str], int] = {}
    for line in exposures:
        for position, item in enumerate(line["object_ids"], 1):
            shown[position] = shown.get(position, 0) + 1
            places[line["query_id"], item] = position
    taken = {
        (event["query_id"], event["object_id"])
        for event in events
        if event["action_name"] in CLICKS and (event.get("query_id"), event["object_id"]) in places
    }
    clicks: dict[int, int] = {}
    for pair in taken:
        clicks[places[pair]] = clicks.get(places[pair], 0) + 1
    table = pl.DataFrame(
        {
            "position": sorted(shown),
            "shown": [shown[position] for position in sorted(shown)],
            "clicks": [clicks.get(position, 0) for position in sorted(shown)],
        },
        schema={"position": pl.Int64, "shown": pl.Int64, "clicks": pl.Int64},
    )
    return table.with_columns(click_rate=pl.col("clicks") / pl.col("shown"))


def _unit_of(line: Mapping[str, Any], by_session: bool) -> str | None:
    """The unit of a line as the service chooses it; a customer's name is no client's that reads the same."""
    named = [("user", line.get("user")), ("client", line.get("client_id"))]
    kinds = reversed(named) if by_session else named
    return next((f"{kind}:{value}" for kind, value in kinds if value is not None), None)


def _day(micros: int) -> Any:
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).date()
