"""SourceSettings: the settings of a shop's files in `source.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from math import inf
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import duckdb
from pydantic import TypeAdapter, ValidationError

from recsys_assets.shop.shop_rules import BEHAVIOURS, ShopRules, SourceError, checked_rules
from recsys_assets.shop.toml_file import toml_of
from recsys_lineage.errors import did_you_mean
from recsys_lineage.lake.engine import Engine

JOINABLE = ("view", "cart", "purchase", "rating")
"""Actions of service events that may become events of the shop; an exposure is not an action of the customer."""


@dataclass(frozen=True, kw_only=True)
class SourceSettings(ShopRules):
    """The settings in `source.toml`, the shop's rules included.

    The text below a setting stands in `docs/data.md`. `service_events` of None: see `joined_events`.
    """

    title: str = ""
    """what the source is, for people"""
    url: str = ""
    """where the data is from, for people"""
    data: str = ""
    """the data folder where `RECSYS_DATA` is empty: a path below this folder, or `python package NAME`"""
    first_day: date | None = None
    """the first day that an event can have; empty: 2000-01-01"""
    last_day: date | None = None
    """the last day that an event can have; empty: today"""
    default_behaviour: str = "purchase"
    """behaviour of rows without one"""
    undated: bool = False
    """whether the files hold no times: an event gets the day of its file"""
    non_products: tuple[str, ...] = ()
    """item ids that are postage, fees and the like: regular expressions for whole ids, any case"""
    largest_quantity: float = 100_000.0
    """more pieces than this in a line count as an error"""
    largest_price: float = 100_000.0
    """a higher unit price counts as an error"""
    half_life_days: float = 60.0
    """half-life of an event in `recency_weight`, in days"""
    holdout_weeks: int | None = None
    """last weeks of the data, held out to evaluate the models; empty: `RECSYS_HOLDOUT_WEEKS`"""
    service_events: Mapping[str, str] | None = None
    """which events of the service join, by action, and as which behaviour, such as `{view = "view", purchase =
    "order"}`; empty: see below"""

    def joined_events(self) -> dict[str, str]:
        """Action of a service event → behaviour as which it joins the events of the shop's files.

        By default views, carts and purchases join, purchases as the target behaviour. None join if the files have no
        times or a behaviour of their own: another behaviour next to it would become the target.
        """
        if self.service_events is not None:
            return dict(self.service_events)
        if self.undated or (self.target_behaviour is None and self.default_behaviour not in BEHAVIOURS):
            return {}
        return {"view": "view", "cart": "cart", "purchase": self.target_behaviour or "purchase"}


def read_settings(path: Path) -> SourceSettings:
    """The settings of a source; the defaults without a file.

    Raises:
        SourceError: the file is no TOML, or a setting of it is unknown or cannot be used.
    """
    values, _ = toml_of(path, SourceError, "the source's settings")
    known = {field.name: field for field in fields(SourceSettings)}
    for name in values:
        if name not in known:
            raise SourceError(
                f"{name!r} is no setting of a source.",
                expected=f"settings among {', '.join(known)}",
                found=repr(name),
                where=str(path),
                advice=did_you_mean(name, known) or "take the line out",
            )
    hints = get_type_hints(SourceSettings)
    rules = {field.name for field in fields(ShopRules)}
    for name, value in values.items():
        if name not in rules:
            _check_type(name, value, hints[name], path)
    if unknown := sorted(values.get("service_events", {}).keys() - JOINABLE):
        raise SourceError(
            f"{unknown[0]!r} is no action of an event that could join.",
            expected=f"actions among {', '.join(JOINABLE)}",
            found=repr(unknown[0]),
            where=f"{path}, service_events",
            advice=did_you_mean(unknown[0], JOINABLE) or "take the line out",
        )
    _check_range(values, path)
    patterns = values.get("non_products", [])
    for pattern in patterns:
        try:
            with Engine().connect() as connection:
                connection.execute("SELECT regexp_full_match('', $pattern)", {"pattern": f"(?i:{pattern})"})
        except duckdb.Error as error:
            raise SourceError(
                f"A pattern of non_products cannot be used: {error}.",
                expected="regular expressions of RE2, which has no look-ahead",
                found=repr(pattern),
                where=str(path),
                advice="write the pattern without look-ahead and look-behind, and put a backslash before a character "
                "that stands for itself",
            ) from error
    if "default_behaviour" in values:
        values["default_behaviour"] = values["default_behaviour"].strip().lower()
    return SourceSettings(**{**checked_rules(values, path), "non_products": tuple(patterns)})


def _check_type(name: str, value: Any, hint: Any, path: Path) -> None:
    """Raise SourceError if a setting's value has the wrong TOML type."""
    kind = next((kind for kind in _IN_WORDS if kind in (get_origin(hint), hint, *get_args(hint))), str)
    try:
        TypeAdapter(list[str] if kind is tuple else hint).validate_python(value, strict=True)
    except ValidationError as error:
        raise SourceError(
            f"{name} of the source cannot be used.",
            expected=_IN_WORDS[kind],
            found=repr(value),
            where=f"{path}, {name}",
            advice="correct the line, or take it out for the usual value",
        ) from error


def _check_range(values: Mapping[str, Any], path: Path) -> None:
    """Raise SourceError if a setting is out of its range, or the last day is before the first."""
    if not values.get("default_behaviour", "purchase").strip():
        raise SourceError(
            "default_behaviour of the source cannot be used.",
            expected='a behaviour, such as "purchase"',
            found=repr(values["default_behaviour"]),
            where=f"{path}, default_behaviour",
            advice="correct the line, or take it out for the usual value",
        )
    for name in ("largest_quantity", "largest_price", "half_life_days", "holdout_weeks"):
        value = values.get(name)
        if value is not None and not 0 < value < inf:
            raise SourceError(
                f"{name} of the source cannot be used.",
                expected="a number above 0",
                found=repr(value),
                where=f"{path}, {name}",
                advice="correct the line, or take it out for the usual value",
            )
    first, last = values.get("first_day"), values.get("last_day")
    if first is not None and last is not None and last < first:
        raise SourceError(
            "The source has no day on which an event could be.",
            expected="a last_day that is not before first_day",
            found=f"first_day {first}, last_day {last}",
            where=f"{path}, last_day",
            advice="correct the one or the other, or take it out for the usual value",
        )


_IN_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number, without quotes",
    float: "a number, without quotes",
    date: "a day without quotes, such as 2024-01-31",
    Mapping[str, str]: 'a table of texts, such as {view = "view", purchase = "order"}; {} for none',
    tuple: 'a list of texts, such as ["POST", "GIFT_.*"]',
    str: "a text in quotes",
}
