"""DescribedItems: items with their titles and groups, by row, to which rules and filters apply."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_lineage.lake.lake import Lake

ITEMS = "item_profiles"
TITLE, _ITEM = "title", "item_id"


class DescribedItems(Protocol):
    """Items by row, such as those of a model or of the search index, with titles and groups."""

    @property
    def n_items(self) -> int:
        """Number of items."""
        ...

    @property
    def item_rows(self) -> Mapping[str, int]:
        """The row of each item."""
        ...

    @property
    def groups(self) -> Mapping[str, Groups]:
        """Groups of items that share a value, for each column of text."""
        ...


@dataclass(frozen=True, eq=False)
class Groups:
    """Items that share a value of a column, such as a category.

    Attributes:
        code: (n_items,) int32, the position of the item's value in `values`; -1 without a value.
        values: the values. Equal ones are one object, also across versions, the index and the model, because most
            titles and groups of a catalogue repeat.
    """

    code: NDArray[np.int32]
    values: dict[str, int]

    @classmethod
    def of(cls, column: Sequence[str | None] | pl.Series) -> Groups:
        """The groups of a column."""
        found = pl.Series(column, dtype=pl.String)
        values = found.drop_nulls().unique(maintain_order=True)
        code = found.cast(pl.Enum(values)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
        return cls(code, {sys.intern(value): place for place, value in enumerate(values.to_list())})

    @cached_property
    def _names(self) -> list[str | None]:
        return [*self.values, None]

    def value_of(self, row: int) -> str | None:
        """The value of one item; None without a value."""
        return self._names[self.code[row]]

    def texts(self) -> list[str | None]:
        """The value of each item."""
        return [self._names[code] for code in self.code.tolist()]

    def rows_with(self, values: Sequence[str]) -> NDArray[np.int32]:
        """The rows of items that have one of these values."""
        codes = [self.values[value] for value in values if value in self.values]
        return np.flatnonzero(np.isin(self.code, codes)).astype(np.int32)


def rows_of_items(items: Sequence[str], known: Mapping[str, int]) -> NDArray[np.int32]:
    """The rows of items; unknown ones are left out."""
    return np.array([known[item] for item in items if item in known], np.int32)


def descriptions(lake: Lake, item_ids: Sequence[str]) -> dict[str, Groups]:
    """The text columns of `item_profiles` for some items, in their order; always with `title`."""
    ids = pl.DataFrame({_ITEM: pl.Series(item_ids, dtype=pl.String)})
    stored = lake.latest(ITEMS)
    none = {TITLE: Groups.of([None] * ids.height)}
    if stored is None:
        return none
    texts = [column.name for column in stored.schema if column.type == "VARCHAR" and column.name != "text"]
    frame = lake.scan(stored).select(texts).collect()
    joined = ids.join(frame, on=_ITEM, how="left", maintain_order="left")
    return none | {column.name: Groups.of(column) for column in joined.drop(_ITEM)}
