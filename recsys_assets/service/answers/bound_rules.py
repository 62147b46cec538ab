"""BoundRules: rules resolved to the item rows of a model or an index, so that a request needs no lookup by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.service.answers.described_items import DescribedItems, Groups, rows_of_items
from recsys_assets.service.answers.known_histories import CustomerHistory
from recsys_assets.service.answers.rules import Boost, Pin, Rules, RulesError
from recsys_lineage.errors import did_you_mean
from recsys_lineage.lake.lake import Lake

_DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class BoundRules:
    """The rules for the items of one model, or of one index.

    Attributes:
        rules: as in the file.
        hidden: (n_items,) bool, items that are never recommended.
        pins: pins with the item's row.
        boosts: boosts with an (n_items,) bool of their items.
        limits: limits with the groups they count.
        warnings: unknown names in the rules, in words.
    """

    rules: Rules
    hidden: NDArray[np.bool_]
    pins: tuple[tuple[Pin, int], ...]
    boosts: tuple[tuple[Boost, NDArray[np.bool_]], ...]
    limits: tuple[tuple[int, Groups], ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, rules: Rules, items: DescribedItems, lake: Lake) -> BoundRules:
        """Bind rules to items.

        Raises:
            RulesError: a rule names an unknown column or table.
            LineageError: the table of items in stock cannot be read.
        """
        n_items = items.n_items
        hidden, warnings = np.zeros(n_items, bool), []
        for each in rules.filter:
            groups = _groups(items, each.column)
            warnings += _unknown(each.column, groups, (*each.only, *each.never))
            if each.only:
                chosen = np.zeros(n_items, bool)
                chosen[groups.rows_with(each.only)] = True
                hidden |= ~chosen
            hidden[groups.rows_with(each.never)] = True
        hidden[rows_of_items(rules.stock.out, items.item_rows)] = True
        if rules.stock.table is not None:
            hidden[rows_of_items(_out_of_stock(lake, rules.stock.table), items.item_rows)] = True
        pins: list[tuple[Pin, int]] = []
        for pin in rules.pin:
            if pin.item in items.item_rows:
                pins.append((pin, items.item_rows[pin.item]))
            else:
                warnings.append(f"the item {pin.item!r} of a pin is not known to the model")
        boosts: list[tuple[Boost, NDArray[np.bool_]]] = []
        for boost in rules.boost:
            meant = np.zeros(n_items, bool)
            if boost.value is not None:
                groups = _groups(items, boost.column)
                warnings += _unknown(boost.column, groups, [boost.value])
                meant[groups.rows_with([boost.value])] = True
            elif boost.item is not None:
                meant[rows_of_items([boost.item], items.item_rows)] = True
                if not meant.any():
                    warnings.append(f"the item {boost.item!r} of a boost is not known to the model")
            boosts.append((boost, meant))
        limits = tuple((each.n, _groups(items, each.column)) for each in rules.at_most)
        return cls(rules, hidden, tuple(pins), tuple(boosts), limits, tuple(warnings))

    @cached_property
    def hidden_rows(self) -> NDArray[np.int32]:
        """The rows of items that are never recommended."""
        return np.flatnonzero(self.hidden).astype(np.int32)

    @property
    def reach(self) -> int:
        """Number of items beyond a list's length that the rules may need."""
        up = max((boost.up for boost, _ in self.boosts), default=0)
        among = self.rules.exploration.among if self.rules.exploration.share else 0
        return max(0, up) + among + (100 if self.limits else 0)

    def bought_before(self, past: CustomerHistory, now: int) -> NDArray[np.int32]:
        """The rows of items that a customer bought and that may not be recommended again yet; a row may repeat.

        Args:
            now: UTC, µs since 1970.
        """
        bought, days = past.bought, self.rules.bought.again_after_days
        if days is not None:
            bought = bought & (past.times > now - days * _DAY)
        return past.items[bought]

    def pins_on(self, day: date) -> dict[int, int]:
        """Pins of a day: place, from 0, → item row; of two pins for one place, the first in the file counts."""
        found: dict[int, int] = {}
        for pin, row in self.pins:
            if pin.holds_on(day) and row not in found.values():
                found.setdefault(pin.position - 1, row)
        return found

    def lift_on(self, day: date) -> NDArray[np.int32] | None:
        """(n_items,) number of places by which each item is raised on a day; None if none is."""
        active = [(boost.up, meant) for boost, meant in self.boosts if boost.holds_on(day) and boost.up]
        if not active:
            return None
        lift = np.zeros(self.hidden.size, np.int32)
        for up, meant in active:
            lift[meant] += up
        return lift


def _groups(items: DescribedItems, column: str) -> Groups:
    if column not in items.groups:
        raise RulesError(
            f"A rule names the column {column!r}, which item_profiles does not have.",
            expected=f"one of {', '.join(items.groups)}",
            found=repr(column),
            where="the file of rules",
            advice=did_you_mean(column, items.groups) or "name one of its columns of text",
        )
    return items.groups[column]


def _unknown(column: str, groups: Groups, values: Iterable[str]) -> list[str]:
    return [
        f"no item has the {column} {value!r}. {did_you_mean(value, groups.values)}".rstrip()
        for value in values
        if value not in groups.values
    ]


def _out_of_stock(lake: Lake, table: str) -> list[str]:
    if not lake.has(table):
        raise RulesError(
            f"A rule names the table {table!r}, which is not in the lake.",
            expected="a table with the columns item_id and in_stock",
            where="stock.table in the file of rules",
            advice=did_you_mean(table, lake.tables())
            or "make the table first, or name those that are out: out = [...]",
        )
    stored = lake.version(table)
    if missing := {"item_id", "in_stock"} - set(stored.columns):
        raise RulesError(
            f"The table {table!r} does not say what is in stock.",
            expected="the columns item_id and in_stock",
            found=", ".join(stored.columns),
            where="stock.table in the file of rules",
            advice=f"name a table that has {' and '.join(sorted(missing))}",
        )
    out = lake.scan(stored).filter(pl.col("in_stock").cast(pl.Float64) <= 0).select("item_id").collect()
    return out["item_id"].cast(pl.String).to_list()
