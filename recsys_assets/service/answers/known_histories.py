"""KnownHistories: the history of each customer before the model was fitted, by the customer's id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_lineage.lake.lake import Lake
from recsys_models.multi_behaviour import FUNNEL

if TYPE_CHECKING:
    from recsys_models import Recommender

PURCHASE = FUNNEL[-1]
"""Names of the last step of the funnel."""
_ROWS = {
    "user_id": pl.String, "item_id": pl.String, "behaviour": pl.String, "count": pl.Int64,
    "last_time": pl.Datetime("us"), "is_target": pl.Boolean,
}  # fmt: skip
"""Columns of `split` that are read."""
_NEVER = np.iinfo(np.int64).min
"""Placeholder for a missing time in the search for the latest one."""


class Action(NamedTuple):
    """An action of a customer: item, behaviour and time (UTC, µs since 1970)."""

    item: str
    behaviour: str
    time: int


class CustomerHistory(NamedTuple):
    """One customer's history, one row for each item and behaviour.

    Attributes:
        items: (n,) int32, rows of the model's items.
        behaviours: (n,) int16, positions in the names of `KnownHistories`.
        times: (n,) int64, time of the latest one, UTC µs.
        weights: (n,) float32, number of times.
        bought: (n,) bool, whether it is the target behaviour.
    """

    items: NDArray[np.int32]
    behaviours: NDArray[np.int16]
    times: NDArray[np.int64]
    weights: NDArray[np.float32]
    bought: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class KnownHistories:
    """The histories of all customers, one after another.

    Attributes:
        rows: position of each customer.
        starts: (n + 1,) where each customer's rows begin in `past`.
        past: the rows of all customers.
        names: of behaviours; one name for each step of the funnel.
        target: the target behaviour.
    """

    rows: dict[str, int]
    starts: NDArray[np.int64]
    past: CustomerHistory
    names: tuple[str, ...]
    target: str

    @classmethod
    def read(cls, lake: Lake, version: int | None, model: Recommender) -> KnownHistories:
        """The histories in a version of `split`; empty if there is no such table."""
        if version is None:
            return cls.of_rows(pl.DataFrame(schema=_ROWS), model.item_ids.tolist())
        scan = lake.scan(lake.version("split", version))
        if "is_target" not in scan.collect_schema().names():  # of a lake that older code wrote
            scan = scan.with_columns(pl.col("behaviour").is_in(PURCHASE).alias("is_target"))
        return cls.of_rows(scan.select(list(_ROWS)).collect(), model.item_ids.tolist())

    @classmethod
    def of_rows(cls, frame: pl.DataFrame, item_ids: Sequence[object]) -> KnownHistories:
        """The histories in rows of `split`, without items that the model does not know.

        Args:
            frame: `user_id`, `item_id`, `behaviour`, `count`, `last_time` (µs) and `is_target`, which marks the target
                behaviour; several rows of one item and behaviour become one.
            item_ids: ids of the model, in its order.
        """
        targets = frame.filter("is_target")["behaviour"]
        target = targets[0] if len(targets) else PURCHASE[0]
        names = tuple(frame["behaviour"].unique().sort()) or (target,)
        items = pl.Enum([str(each) for each in item_ids])
        frame = frame.with_columns(item=pl.col("item_id").cast(items, strict=False).to_physical())
        frame = frame.drop("item_id").drop_nulls(["user_id", "item", "behaviour"])
        users = frame["user_id"].unique().sort()
        starts, past = _by_user(frame, users, names)
        return cls({user: row for row, user in enumerate(users)}, starts, past, names, target)

    def of(self, user: str | None) -> CustomerHistory:
        """A customer's history; empty for an unknown customer."""
        row = None if user is None else self.rows.get(user)
        part = slice(0, 0) if row is None else slice(int(self.starts[row]), int(self.starts[row + 1]))
        past = self.past
        return CustomerHistory(
            past.items[part], past.behaviours[part], past.times[part], past.weights[part], past.bought[part]
        )

    def name_of(self, behaviour: str) -> str:
        """The shop's name for a behaviour: of the names of one step of the funnel, the one in its data."""
        if behaviour in self.names:
            return behaviour
        step = next((step for step in FUNNEL if behaviour in step), ())
        return next((name for name in self.names if name in step), behaviour)

    def is_bought(self, behaviour: str) -> bool:
        """Whether a behaviour is the target behaviour."""
        return self.name_of(behaviour) == self.target or behaviour in PURCHASE

    def grown(
        self, past: CustomerHistory, actions: Iterable[Action], item_rows: dict[str, int]
    ) -> tuple[CustomerHistory, tuple[str, ...]]:
        """A customer's history extended by recent events, with the names of its behaviours, which may be more than
        before.

        Items that the model does not know are left out.

        Args:
            past: a history from `of`, its rows in the order of items.
        """
        known = [(row, each) for each in actions if (row := item_rows.get(each.item)) is not None]
        if not known:
            return past, self.names
        names = list(self.names)
        rows = [row for row, _ in known]
        first = np.searchsorted(past.items, rows).tolist()
        end = np.searchsorted(past.items, rows, side="right").tolist()
        times, weights = past.times.copy(), past.weights.copy()
        kinds: dict[
            str, tuple[int, bool]
        ] = {}  # of each behaviour: its place in the names, whether it is bought
        fresh: dict[tuple[int, int], tuple[int, float, bool]] = {}
        for (row, each), low, high in zip(known, first, end, strict=True):
            if (kind := kinds.get(each.behaviour)) is None:
                name = self.name_of(each.behaviour)
                if name not in names:
                    names.append(name)
                kind = kinds[each.behaviour] = names.index(name), self.is_bought(each.behaviour)
            place, bought = kind
            at = next((at for at in range(low, high) if past.behaviours[at] == place), None)
            if at is not None:
                times[at], weights[at] = max(times[at], each.time), weights[at] + 1
            elif (same := fresh.get((row, place))) is not None:
                fresh[row, place] = max(same[0], each.time), same[1] + 1, same[2]
            else:
                fresh[row, place] = each.time, 1.0, bought
        if not fresh:
            return past._replace(times=times, weights=weights), tuple(names)
        new_rows, new_kinds = zip(*fresh, strict=True)
        new_times, new_weights, new_bought = zip(*fresh.values(), strict=True)
        return CustomerHistory(
            np.concatenate([past.items, np.array(new_rows, np.int32)]),
            np.concatenate([past.behaviours, np.array(new_kinds, np.int16)]),
            np.concatenate([times, np.array(new_times, np.int64)]),
            np.concatenate([weights, np.array(new_weights, np.float32)]),
            np.concatenate([past.bought, np.array(new_bought, bool)]),
        ), tuple(names)


def _by_user(
    frame: pl.DataFrame, users: pl.Series, names: Sequence[str]
) -> tuple[NDArray[np.int64], CustomerHistory]:
    """Start of each user's rows, and the rows, one for each user, item and behaviour, in this order.

    Rows are sorted by one number each, which takes a fifth of the time of comparing their texts.
    """
    user = frame["user_id"].cast(pl.Enum(users)).to_physical().to_numpy().astype(np.int64)
    item = frame["item"].to_numpy().astype(np.int64)
    behaviour = frame["behaviour"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    key = (user * (1 + item.max(initial=0)) + item) * len(names) + behaviour
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    kept = order[first]
    starts = np.searchsorted(user[kept], np.arange(len(users) + 1)).astype(np.int64)
    times = frame["last_time"].dt.epoch("us").fill_null(_NEVER).to_numpy()[order]
    counts = frame["count"].fill_null(0).to_numpy()[order]
    bought = frame["is_target"].fill_null(False).to_numpy()[order]
    if first.size:  # of nothing, NumPy reduces nothing
        times, counts = np.maximum.reduceat(times, first), np.add.reduceat(counts, first)
        bought = np.logical_or.reduceat(bought, first)
    past = CustomerHistory(
        item[kept].astype(np.int32),
        behaviour[kept].astype(np.int16),
        np.where(times == _NEVER, 0, times).astype(np.int64),
        counts.astype(np.float32),
        bought.astype(np.bool_),
    )
    return starts, past
