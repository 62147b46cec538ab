"""Prepared: the lists computed by the nightly run, which the service shows if there is no time to compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.service.answers.served_model import ServedModel
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records

TABLE = "recommendations"
PAIRS = 50_000
"""Largest number of pairs of rows that are compared directly."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A list for each customer, and popular items for all others; looked up, never computed.

    Attributes:
        version: of the table `recommendations`; None if there is none for the serving model.
        customers: position of each customer.
        starts: (n + 1,) where each customer's list begins in `rows`.
        rows: rows of the model's items, best first, of all lists one after another.
        popular: (n_items,) rows of all items, by number of customers, largest first.
    """

    version: int | None
    customers: dict[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    popular: NDArray[np.int32]

    @classmethod
    def read(cls, lake: Lake, served: ServedModel) -> Prepared:
        """The lists made with a version of the model.

        Lists of another version are not used, so that an answer never mixes versions.
        """
        customers = np.diff(served.model.seen.tocsc().indptr)
        popular = np.argsort(-customers, kind="stable").astype(np.int32)
        version = version_made_from(lake, served.table, served.version)
        if version is None:
            return cls(None, {}, np.zeros(1, np.int64), np.zeros(0, np.int32), popular)
        rows = pl.DataFrame({"item_id": pl.Series(served.item_ids, dtype=pl.String)}).with_row_index("row")
        frame = (
            lake.scan(lake.version(TABLE, version))
            .select("user_id", "rank", "item_id")
            .collect()
            .join(rows, on="item_id", how="inner")
            .sort("user_id", "rank")
        )
        lists = frame["user_id"].rle().struct.unnest()
        starts = np.concatenate([[0], np.cumsum(lists["len"].to_numpy())]).astype(np.int64)
        places = {user: place for place, user in enumerate(lists["value"].to_list())}
        return cls(version, places, starts, frame["row"].to_numpy().astype(np.int32), popular)

    def has(self, user: str | None) -> bool:
        """Whether a customer has a list."""
        return user is not None and user in self.customers

    def ranked(
        self, user: str | None, k: int, excluded: NDArray[np.int32], among: NDArray[np.int32] | None
    ) -> NDArray[np.int32]:
        """The first k of a customer's list, then popular items, best first; fewer if there are not enough.

        Args:
            user: the customer; without a list, they get only popular items.
            excluded: rows of items that are left out.
            among: rows of the items that the list is chosen from; None: all.
        """
        place = None if user is None else self.customers.get(user)
        own = self.rows[:0] if place is None else self.rows[self.starts[place] : self.starts[place + 1]]
        own = _allowed(own, excluded, among)[:k]
        if own.size == k:
            return own
        # of what is popular only the first ones are looked at, as many as can be left out and then again k
        without = np.concatenate([excluded, own])
        head = self.popular if among is not None else self.popular[: k + without.size]
        return np.concatenate([own, _allowed(head, without, among)[: k - own.size]])


def _allowed(
    rows: NDArray[np.int32], excluded: NDArray[np.int32], among: NDArray[np.int32] | None
) -> NDArray[np.int32]:
    """The rows that are not excluded, in their order."""
    kept = ~_are_in(rows, excluded)
    if among is not None:
        kept &= _are_in(rows, among)
    return rows[kept]


def _are_in(rows: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mask of the rows that are among others; few are compared in pairs, which takes a tenth of the time."""
    if rows.size * others.size <= PAIRS:
        return (rows[:, None] == others).any(axis=1)
    return np.isin(rows, others)


def version_made_from(lake: Lake, table: str, version: int) -> int | None:
    """The newest version of `recommendations` made from a given version of a model; None if there is none."""
    if not lake.has(TABLE):
        return None
    pruned, records = lake.pruned(TABLE).all(), Records(lake)
    latest = lake.version(TABLE).version
    for number in range(latest, max(-1, latest - 50), -1):  # older ones are of other nights
        if number in pruned:
            continue
        record = records.get(TABLE, number)
        if any(read.name == table and read.version == version for read in record.reads):
            return number
    return None
