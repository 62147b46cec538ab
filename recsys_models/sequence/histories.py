"""Histories: each user's latest interactions in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_models.data.interactions import Interactions
from recsys_models.data.recency import DAY


class HistoryBlock(NamedTuple):
    """Histories of some users as a block (users, longest), whose rows are padded with copies of the last entry.

    Attributes:
        item: row numbers.
        day: time in days relative to the latest interaction of all, ≤ 0; 0 without timestamps.
        first: position in the row of the user's first interaction with this item; negative when before the row begins.
        length: number of entries before the padding, shape (users,).
    """

    item: NDArray[np.int64]
    day: NDArray[np.float32]
    first: NDArray[np.int64]
    length: NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """The last interactions of every user, oldest first.

    Attributes:
        entries: all users' entries one after another, as one row.
        begin: place of each user's first entry, shape (n_users,).
        count: number of each user's entries, shape (n_users,).
    """

    entries: HistoryBlock
    begin: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, interactions: Interactions, length: int) -> Histories:
        """The last `length` interactions of each user by timestamp, then by the order given."""
        n = len(interactions)
        moment = np.zeros(n, np.int64) if interactions.timestamp is None else interactions.timestamp
        order = np.lexsort((moment, interactions.user))
        user, item = interactions.user[order], interactions.item[order].astype(np.int64)
        total = np.bincount(user, minlength=interactions.n_users)
        count = np.minimum(total, length)
        position = np.arange(n) - (np.cumsum(total) - count)[user]
        _, at, which = np.unique(
            user.astype(np.int64) * interactions.n_items + item, return_index=True, return_inverse=True
        )
        kept = position >= 0
        day = ((moment[order] - moment.max(initial=0)) / DAY).astype(np.float32)
        first = position[at][which]
        return cls(HistoryBlock(item[kept], day[kept], first[kept], count), np.cumsum(count) - count, count)

    def block(self, users: NDArray[np.integer]) -> HistoryBlock:
        """The histories of these users, who have at least one entry each."""
        count = self.count[users]
        place = np.minimum(np.arange(int(count.max())), count[:, None] - 1) + self.begin[users][:, None]
        return HistoryBlock(
            self.entries.item[place], self.entries.day[place], self.entries.first[place], count
        )
