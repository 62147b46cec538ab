"""A customer's history at the time of the request, whether known to the fit or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.ids import Ids
from recsys_models.data.interactions import Interactions
from recsys_models.data.moments import EARLIEST, LATEST


@dataclass(frozen=True, eq=False)
class CodedNames(Sequence[str]):
    """Names encoded as positions in a list of distinct ones, for callers that already have them in this form.

    Attributes:
        names: the distinct names.
        codes: (n,) integers, positions in `names`.
    """

    names: Sequence[str]
    codes: NDArray[np.integer]

    def __len__(self) -> int:
        return self.codes.size

    def __getitem__(self, at: Any) -> Any:
        return np.array(self.names, object)[self.codes[at]]

    def coded(self) -> tuple[tuple[str, ...], NDArray[np.int8]]:
        """The names that occur, in order, and the code of each row."""
        counts = np.bincount(self.codes, minlength=len(self.names))
        there = [place for place in range(len(self.names)) if counts[place]]
        order = sorted(there, key=lambda place: self.names[place])
        code = np.zeros(len(self.names), np.int8)
        code[order] = np.arange(len(order))
        return tuple(self.names[place] for place in order), code[self.codes]


@dataclass(frozen=True, eq=False)
class History:
    """One customer's interactions so far, in the order given; `Recommender.history_of` makes one of the caller's item
    ids.

    Attributes:
        items: rows of the model's `item_ids`, shape (n,); -1 for an item that the model does not know (`unknown`).
        behaviours: name of each behaviour (`"view"`, `"purchase"`), shape (n,); None: all are what the model aims at.
        timestamps: int64 microseconds since 1970, shape (n,); None: all happened just now.
        weights: float32 ≥ 0, shape (n,); None: all 1. An entry of weight 0 is no interaction.
    """

    items: NDArray[np.int32]
    behaviours: Sequence[str] | None = None
    timestamps: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None

    @property
    def unknown(self) -> NDArray[np.int64]:
        """Places of the items that the model does not know, which its scores cannot count."""
        return np.flatnonzero(np.asarray(self.items) < 0)


def as_interactions(histories: Sequence[History], item_ids: Ids, now: int | None) -> Interactions:
    """The histories as Interactions of the users 0 … len(histories) - 1, whose ages count from `now`.

    Unknown items and entries of weight 0 are left out. Behaviours are those that occur, "" where a history names none.

    Args:
        item_ids: the model's id map.
        now: microseconds since 1970; None: the latest moment of all histories.

    Raises:
        ValueError: a row is not a whole number or lies outside of the id map, an array has another length than the
            items, a behaviour is no name, or a weight is negative or not a number; the message gives the history and
            the place. Or `now` is not a time.
    """
    if now is not None and (
        isinstance(now, bool) or not isinstance(now, int | np.integer) or not EARLIEST <= now < LATEST
    ):
        raise ValueError(
            f"now: expected microseconds since 1970 as a whole number, of the years 1 to 9999, found {now!r}"
        )
    rows = [np.asarray(history.items) for history in histories]
    for number, user_items in enumerate(rows):
        if user_items.ndim != 1 or (user_items.size and user_items.dtype.kind not in "iu"):
            raise ValueError(
                f"items: expected rows of items as whole numbers, found {user_items.dtype} of shape {user_items.shape} "
                f"in history {number}; Recommender.history_of turns ids into rows"
            )
    length = np.array([user_items.size for user_items in rows], np.int64)
    item = _joined(rows, np.int64)
    user = np.repeat(np.arange(len(histories), dtype=np.int32), length)
    weight = _column("weights", histories, length, np.float32(1), np.float32)
    moment, now = _moments(histories, length, now)
    names, code = _coded(histories, length)
    if item.size and item.max() >= item_ids.size:
        wrong = np.flatnonzero(item >= item_ids.size)
        raise ValueError(
            f"items: expected rows below {item_ids.size}, -1 for unknown items; found {item[wrong[0]]} "
            f"{_place(wrong[0], length)}; Recommender.history_of turns ids into rows"
        )
    usable = (weight >= 0) & (weight < np.inf)
    if not usable.all():
        wrong = np.flatnonzero(~usable)
        raise ValueError(
            f"weights: expected finite numbers ≥ 0, found {weight[wrong[0]]} {_place(wrong[0], length)}"
        )
    kept: NDArray[np.bool_] | slice = (item >= 0) & (weight > 0)
    if kept.all():
        kept = slice(None)
    return Interactions(
        user=user[kept],
        item=item[kept].astype(np.int32),
        user_ids=np.arange(len(histories)),
        item_ids=item_ids,
        weight=weight[kept],
        behaviour=None if code is None else code[kept],
        behaviour_names=names,
        timestamp=None if moment is None else moment[kept],
        now=now,
    )


def _moments(
    histories: Sequence[History], length: NDArray[np.int64], now: int | None
) -> tuple[NDArray[np.int64] | None, int | None]:
    """The timestamps of all histories, and the moment that ages count from; `now` for histories without timestamps."""
    if all(history.timestamps is None for history in histories):
        return None, now
    moment = _column("timestamps", histories, length, np.iinfo(np.int64).min, np.int64)
    missing = np.array([history.timestamps is None for history in histories])
    if now is None or missing.any():
        missing = np.repeat(missing, length)
        if now is None and not missing.all():
            now = int(moment[~missing].max())
        moment[missing] = now if now is not None else 0
    return moment, now


def _coded(
    histories: Sequence[History], length: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int8] | None]:
    """The names of behaviours that occur, and the code of each row; None if no history has behaviours."""
    only = histories[0].behaviours if len(histories) == 1 else None
    if isinstance(only, CodedNames) and len(only) == int(length.sum()) and len(only.names) <= 127:
        return only.coded()
    if all(history.behaviours is None for history in histories):
        return (), None
    named = _names(histories, length)
    codes = {name: place for place, name in enumerate(sorted(set(named)))}
    if len(codes) > 127:
        raise ValueError(f"behaviours: expected at most 127 different names, found {len(codes)}")
    return tuple(map(str, codes)), np.array([codes[name] for name in named], np.int8)


def _names(histories: Sequence[History], length: NDArray[np.int64]) -> list[str]:
    """The behaviours of all histories, one after another; "" in those that have none."""
    for number, history in enumerate(histories):
        named = () if history.behaviours is None else history.behaviours
        for place, name in enumerate([named] if isinstance(named, str) else named):
            if isinstance(named, str) or not isinstance(name, str):
                raise ValueError(
                    f"behaviours: expected a list of names, found {name!r:.60} in history {number}, place {place}"
                )
    return [name for part in _parts("behaviours", histories, length, "") for name in part]


def _column(
    name: str, histories: Sequence[History], length: NDArray[np.int64], missing: Any, kind: Any
) -> NDArray[Any]:
    """One attribute of all histories, one after another; `missing` in those that have none."""
    return _joined(_parts(name, histories, length, missing), kind)


def _parts(name: str, histories: Sequence[History], length: NDArray[np.int64], missing: Any) -> list[Any]:
    """One attribute of each history; `missing` for each item of one that has none."""
    parts: list[Any] = []
    for number, (history, n) in enumerate(zip(histories, length.tolist(), strict=True)):
        values = getattr(history, name)
        if values is not None and len(values) != n:
            raise ValueError(
                f"{name}: expected {n} values (one per item), found {len(values)} in history {number}"
            )
        parts.append([missing] * n if values is None else values)
    return parts


def _joined(parts: Sequence[Any], kind: Any) -> NDArray[Any]:
    if len(parts) == 1:
        return np.asarray(parts[0], kind)
    return np.concatenate([np.asarray(part, kind) for part in parts]) if parts else np.empty(0, kind)


def _place(at: np.intp, length: NDArray[np.int64]) -> str:
    number = int(np.searchsorted(np.cumsum(length), at, side="right"))
    return f"in history {number}, place {int(at - length[:number].sum())}"
