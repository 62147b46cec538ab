"""Interactions, the input of all models: who interacted with what, as arrays with stable id maps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_models.data.ids import Ids, as_ids, encode, id_column, must_be_unmasked, rows_of
from recsys_models.data.moments import moments
from recsys_models.kernels.sparse import one_row


@dataclass(frozen=True, eq=False)
class Interactions:
    """Implicit feedback of `n_users` users on `n_items` items, one row per event (or a user-item aggregate).

    Attributes:
        user, item: int32 row numbers, shape (n,), into `user_ids` and `item_ids`.
        user_ids, item_ids: the caller's own ids (int64 or str), one per row number. An id may have no interaction.
        weight: float32, shape (n,), finite and ≥ 0: weight of each row; one of weight 0 is no interaction (`counted`).
        behaviour: int8 codes, shape (n,), into `behaviour_names`, or None.
        timestamp: int64, shape (n,), microseconds since 1970, or None.
        now: moment that ages count from, microseconds since 1970; None: the latest row's.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    user_ids: Ids
    item_ids: Ids
    weight: NDArray[np.float32]
    behaviour: NDArray[np.int8] | None = None
    behaviour_names: tuple[str, ...] = ()
    timestamp: NDArray[np.int64] | None = None
    now: int | None = None
    _rows: dict[str, sp.csr_array] = field(default_factory=dict, repr=False)

    @classmethod
    def from_arrays(
        cls,
        users: ArrayLike | pl.Series | Iterable[int | str],
        items: ArrayLike | pl.Series | Iterable[int | str],
        *,
        behaviour: ArrayLike | pl.Series | None = None,
        weight: ArrayLike | pl.Series | None = None,
        timestamp: ArrayLike | pl.Series | None = None,
        like: Interactions | None = None,
        user_ids: ArrayLike | None = None,
        item_ids: ArrayLike | None = None,
    ) -> Interactions:
        """Interactions from equally long arrays of the caller's ids.

        Args:
            users, items: ids, all integers or all strings.
            behaviour: names of behaviours (`"purchase"`, `"view"`), one per row.
            weight: weight of each row; 1 by default.
            timestamp: microseconds since 1970 as integers, or datetimes; see `moments`.
            like: interactions whose id maps are taken over; ids unknown to them are appended in sorted order.
            user_ids, item_ids: id maps to take over, given as arrays.

        Raises:
            ValueError: lengths differ, an id is missing or of another type, a number is not finite, or a time is on the
                scale of another unit than microseconds; the message names the column and the row.
        """
        user_column, item_column = id_column(users, "user"), id_column(items, "item")
        n = len(user_column)
        _same_length(n, "item", len(item_column))
        known_users = like.user_ids if like is not None else None
        known_items = like.item_ids if like is not None else None
        if user_ids is not None:
            known_users = each_once(as_ids(user_ids, "user_ids"), "user_ids")
        if item_ids is not None:
            known_items = each_once(as_ids(item_ids, "item_ids"), "item_ids")
        user, all_users = encode(user_column, known_users, "user")
        item, all_items = encode(item_column, known_items, "item")
        codes, names = None, like.behaviour_names if like is not None else ()
        if behaviour is not None:
            codes, names = _behaviour_codes(behaviour, names, n)
        return cls(
            user=user,
            item=item,
            user_ids=all_users,
            item_ids=all_items,
            weight=weight_column(weight, n, "weight"),
            behaviour=codes,
            behaviour_names=names,
            timestamp=None if timestamp is None else _moments(timestamp, n),
        )

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame,
        user: str = "user_id",
        item: str = "item_id",
        *,
        behaviour: str | None = None,
        weight: str | None = None,
        timestamp: str | None = None,
        like: Interactions | None = None,
        user_ids: ArrayLike | None = None,
        item_ids: ArrayLike | None = None,
    ) -> Interactions:
        """Interactions from named columns of a Polars frame; see `from_arrays`.

        Raises:
            ValueError: a column is missing, holds nulls or non-finite numbers; the message names it.
        """
        for name in filter(None, (user, item, behaviour, weight, timestamp)):
            if name not in frame.columns:
                raise ValueError(f"expected a column {name!r}, found {frame.columns}")
            if nulls := frame[name].null_count():
                raise ValueError(
                    f"column {name!r}: expected a value in every row, found {nulls} nulls; drop or fill them"
                )
        return cls.from_arrays(
            frame[user],
            frame[item],
            behaviour=None if behaviour is None else frame[behaviour].cast(pl.String),
            weight=None if weight is None else weight_column(frame[weight], frame.height, weight),
            timestamp=None if timestamp is None else moments(frame[timestamp], timestamp),
            like=like,
            user_ids=user_ids,
            item_ids=item_ids,
        )

    @classmethod
    def from_lists(cls, path: str | Path, like: Interactions | None = None) -> Interactions:
        """Interactions from a file of lines `user item item …` (integers, separated by blanks), the format in which
        LightGCN's data sets are published.

        A user without items keeps their place in the id map.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a line holds something else than integers; the message gives file and line.
        """
        path = Path(path)
        users: list[int] = []
        lists: list[NDArray[np.int64]] = []
        with path.open("r", encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row = np.array(line.split(), dtype=np.int64)
                except (ValueError, OverflowError) as error:
                    raise ValueError(
                        f"{path}:{number}: expected integers 'user item item …' separated by blanks, "
                        f"found {line.strip()[:60]!r}; correct or remove the line"
                    ) from error
                users.append(int(row[0]))
                lists.append(row[1:])
        if not users:
            raise ValueError(f"{path}: expected lines of 'user item item …', found an empty file")
        owners = np.array(users, np.int64)
        _, user_ids = encode(owners, like.user_ids if like is not None else None, "user")
        return cls.from_arrays(
            np.repeat(owners, [row.size for row in lists]),
            np.concatenate(lists),
            like=like,
            user_ids=user_ids,
        )

    @property
    def n_users(self) -> int:
        """Number of users, those without interactions included."""
        return self.user_ids.size

    @property
    def n_items(self) -> int:
        """Number of items, those without interactions included."""
        return self.item_ids.size

    def __len__(self) -> int:
        return self.user.size

    @property
    def counted(self) -> Interactions:
        """The rows with a weight above 0, since others are no interactions; `self` if all rows have one."""
        above = self.weight > 0
        return self if above.all() else self.subset(above)

    def matrix(self, *, binary: bool = False) -> sp.csr_array:
        """Users by items as float32 CSR with sorted columns; duplicates are summed by weight, or 1 with `binary`."""
        if "sum" not in self._rows:
            rows = self.counted
            shape = self.n_users, self.n_items
            if self.n_users == 1 and len(
                rows
            ):  # a customer who is folded in: without the way over a COO matrix
                items, place = np.unique(rows.item, return_inverse=True)
                summed = one_row(items, np.bincount(place, rows.weight).astype(np.float32), self.n_items)
            else:
                summed = sp.coo_array((rows.weight, (rows.user, rows.item)), shape=shape).tocsr()
                summed.sum_duplicates()
            self._rows["sum"] = summed
        known = self._rows["sum"]
        alone = self.n_users == 1
        matrix = one_row(known.indices.copy(), known.data.copy(), self.n_items) if alone else known.copy()
        if binary:
            matrix.data = np.ones_like(matrix.data)
        return matrix

    def user_items(self) -> sp.csr_array:
        """Users by items as CSR of ones: `indptr` and `indices` give each user's items."""
        return self.matrix(binary=True)

    def digest(self) -> bytes:
        """Hash of the whole content."""
        known = hashlib.sha256(json.dumps([self.user_ids.tolist(), self.item_ids.tolist()]).encode())
        known.update(json.dumps(self.behaviour_names).encode())
        for array in (self.user, self.item, self.weight, self.behaviour, self.timestamp):
            known.update(b"none" if array is None else array.tobytes())
        if self.now is not None:
            known.update(f"now {self.now}".encode())
        return known.digest()

    def subset(self, mask: ArrayLike) -> Interactions:
        """The rows of a boolean mask or of row numbers; the id maps stay."""
        chosen = np.asarray(mask)
        return replace(
            self,
            user=self.user[chosen],
            item=self.item[chosen],
            weight=self.weight[chosen],
            behaviour=None if self.behaviour is None else self.behaviour[chosen],
            timestamp=None if self.timestamp is None else self.timestamp[chosen],
            _rows={},
        )

    def of_users(self, mask: NDArray[np.bool_]) -> Interactions:
        """The rows of the users in a mask, shape (n_users,); the id map keeps only these users."""
        place = (np.cumsum(mask) - 1).astype(np.int32)
        kept = self.subset(mask[self.user])
        return replace(kept, user=place[kept.user], user_ids=self.user_ids[mask], _rows={})

    def between(self, start: int | None = None, end: int | None = None) -> Interactions:
        """The rows with start ≤ timestamp < end.

        Raises:
            ValueError: there are no timestamps.
        """
        if self.timestamp is None:
            raise ValueError(
                "expected interactions with timestamps, found none; pass timestamp= when building them"
            )
        mask = np.ones(len(self), bool)
        if start is not None:
            mask &= self.timestamp >= start
        if end is not None:
            mask &= self.timestamp < end
        return self.subset(mask)

    def with_behaviour(self, name: str) -> Interactions:
        """The rows of one behaviour.

        Raises:
            ValueError: no such behaviour.
        """
        if self.behaviour is None or name not in self.behaviour_names:
            raise ValueError(f"behaviour: expected one of {list(self.behaviour_names)}, found {name!r}")
        return self.subset(self.behaviour == self.behaviour_names.index(name))

    def within(self, other: Interactions) -> Interactions:
        """These rows on the id maps of `other`; rows of ids unknown there are left out."""
        if self.user_ids is other.user_ids and self.item_ids is other.item_ids:
            return self
        user = rows_of(self.user_ids, other.user_ids, "user")[self.user]
        item = rows_of(self.item_ids, other.item_ids, "item")[self.item]
        known = (user >= 0) & (item >= 0)
        kept = self.subset(known)
        return replace(
            kept,
            user=user[known],
            item=item[known],
            user_ids=other.user_ids,
            item_ids=other.item_ids,
            _rows={},
        )

    def merged(self, other: Interactions) -> Interactions:
        """These rows, then those of `other`, on these id maps with the other's unknown ids appended.

        Behaviours and timestamps are kept where both sides have them.
        """
        user, user_ids = encode(other.user_ids, self.user_ids, "user")
        item, item_ids = encode(other.item_ids, self.item_ids, "item")
        behaviour, names = None, ()
        if self.behaviour is not None and other.behaviour is not None:
            theirs = np.array(other.behaviour_names, np.str_)
            code, names = _behaviour_codes(theirs, self.behaviour_names, theirs.size)
            behaviour = np.concatenate([self.behaviour, code[other.behaviour]])
        timestamp = None
        if self.timestamp is not None and other.timestamp is not None:
            timestamp = np.concatenate([self.timestamp, other.timestamp])
        return Interactions(
            user=np.concatenate([self.user, user[other.user]]),
            item=np.concatenate([self.item, item[other.item]]),
            user_ids=user_ids,
            item_ids=item_ids,
            weight=np.concatenate([self.weight, other.weight]),
            behaviour=behaviour,
            behaviour_names=names,
            timestamp=timestamp,
        )


def each_once(ids: Ids, name: str) -> Ids:
    """The ids of a map, without repeats.

    Raises:
        ValueError: an id occurs more than once.
    """
    if np.less(ids[:-1], ids[1:]).all():
        return ids
    distinct, count = np.unique(ids, return_counts=True)
    if distinct.size < ids.size:
        twice = distinct[count > 1]
        raise ValueError(
            f"{name}: expected each id once, found {twice[0]!s} more often ({twice.size} such ids)"
        )
    return ids


def _same_length(expected: int, column: str, found: int) -> None:
    if expected != found:
        raise ValueError(f"column {column!r}: expected {expected} values (one per row), found {found}")


def _moments(timestamp: ArrayLike | pl.Series, n: int) -> NDArray[np.int64]:
    found = moments(timestamp, "timestamp")
    _same_length(n, "timestamp", found.size)
    return found


def weight_column(weight: ArrayLike | pl.Series | None, n: int, column: str) -> NDArray[np.float32]:
    """Weights of n rows, finite and ≥ 0; all 1 for None.

    Raises:
        ValueError: there are not n of them, or one is not a weight; the message names the column and the row.
    """
    if weight is None:
        return np.ones(n, np.float32)
    must_be_unmasked(weight, column)
    values = np.asarray(weight.to_list() if isinstance(weight, pl.Series) and weight.null_count() else weight)
    _same_length(n, column, len(values) if values.ndim else 0)
    if values.ndim > 1:
        raise ValueError(f"column {column!r}: expected one dimension, found {values.ndim}")
    if values.dtype.kind in "mMc":
        raise ValueError(f"column {column!r}: expected numbers, found {values.dtype} (as {values[0]!s})")
    try:
        with np.errstate(over="ignore"):
            found = values.astype(np.float64).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column!r}: expected numbers, found {values.dtype} ({error})") from error
    for bad, words in ((~np.isfinite(found), "finite numbers within float32"), (found < 0, "numbers ≥ 0")):
        rows = np.flatnonzero(bad)
        if rows.size:
            raise ValueError(
                f"column {column!r}: expected {words}, found {values[rows[0]]} in row {rows[0]} "
                f"({rows.size} such rows); drop or fill them"
            )
    return found


def _behaviour_codes(
    behaviour: ArrayLike | pl.Series, known: tuple[str, ...], n: int
) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    values = id_column(behaviour, "behaviour")
    _same_length(n, "behaviour", len(values))
    if not isinstance(values, pl.Series) and values.size and values.dtype.kind != "U":
        raise ValueError(f"column 'behaviour': expected names, found {values.dtype} (as {values[0]!r})")
    if not len(values):
        values = np.array([], np.str_)
    codes, names = encode(values, np.array(known, np.str_) if known else None, "behaviour")
    if names.size > 127:
        raise ValueError(f"column 'behaviour': expected at most 127 different names, found {names.size}")
    return codes.astype(np.int8), tuple(names.tolist())
