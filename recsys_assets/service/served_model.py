"""ServedModel: one version of a model in memory, with the histories, titles and categories that answers need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys_assets.service.known_histories import KnownHistories
from recsys_assets.service.ranking import why_not_folded
from recsys_lineage.lake.blobs import read_blobs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records

if TYPE_CHECKING:
    from recsys_models import Recommender

CHAMPION = "champion"
FEWEST_CUSTOMERS = 5
"""As of the asset `similar_items`, whose module would bring the orchestrator along."""
_TITLE, _ITEM = "title", "item_id"


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A version of a model, ready to answer.

    Attributes:
        table, version: where it lies.
        record: id of the record of that version.
        made: when it was fitted, UTC.
        reads: the versions of the tables that it was made of.
        model: what scores.
        histories: what each customer did before it was fitted.
        cannot_fold: why the family cannot count what a customer just did; None where it can.
        described: the columns of text of `item_profiles`, a value for each row of the model's items.
    """

    table: str
    version: int
    record: str
    made: datetime
    reads: dict[str, int]
    model: Recommender
    histories: KnownHistories
    cannot_fold: str | None
    described: dict[str, list[str | None]] = field(repr=False)

    @cached_property
    def item_ids(self) -> list[str]:
        """The ids of the model's items, as text."""
        return [str(item) for item in self.model.item_ids.tolist()]

    @cached_property
    def item_rows(self) -> dict[str, int]:
        """The row of each item."""
        return {item: row for row, item in enumerate(self.item_ids)}

    @property
    def titles(self) -> list[str | None]:
        """The name of each item."""
        return self.described[_TITLE]

    @cached_property
    def groups(self) -> dict[str, Groups]:
        """For each column of text, which items share a value."""
        return {column: Groups.of(values) for column, values in self.described.items()}

    def rows(self, items: Sequence[str]) -> NDArray[np.int32]:
        """The rows of items; those that the model does not know are left out."""
        known = self.item_rows
        return np.array([known[item] for item in items if item in known], np.int32)

    @cached_property
    def similar_items(self) -> Callable[[str, int], list[tuple[str, float]]]:
        """Gives the items most like one, with their cosines, as the asset `similar_items` finds them: among those that
        enough customers had. The last ones asked for are kept."""
        model = self.model
        judged = model.item_ids[np.flatnonzero(np.diff(model.seen.tocsc().indptr) >= FEWEST_CUSTOMERS)]

        def found(item: str, k: int) -> list[tuple[str, float]]:
            ids, cosines = model.similar_items(model.item_ids[[self.item_rows[item]]], k, among=judged)
            pairs = zip(ids[0].tolist(), cosines[0].tolist(), strict=True)
            return [(str(each), cosine) for each, cosine in pairs if cosine > 0]

        return lru_cache(maxsize=4096)(found)

    @classmethod
    def load(cls, lake: Lake, table: str = CHAMPION, version: int | None = None) -> ServedModel:
        """A version of a model of the lake, the latest when none is named.

        Raises:
            TableNotFound: there is none.
            LineageError: its files are missing or damaged.
            ModelFileError: they hold no model that can be used.
        """
        from recsys_models import load_model

        stored = lake.version(table, version)
        record = Records(lake).get(table, stored.version)
        model = load_model(read_blobs(lake, stored))
        reads = {
            read.name: read.version
            for read in record.reads
            if read.kind == "table" and read.version is not None and read.purpose == "input"
        }
        served = cls(
            table,
            stored.version,
            record.id,
            record.ended,
            reads,
            model,
            KnownHistories.read(lake, reads.get("split"), model),
            why_not_folded(model),
            _described(lake, model),
        )
        _ = served.item_rows, served.groups  # now, not in the first request
        return served


@dataclass(frozen=True, eq=False)
class Groups:
    """Items that share a value of a column, such as a category.

    Attributes:
        code: (n_items,) int32, the place of the item's value in `values`; -1 where it has none.
        values: the values.
    """

    code: NDArray[np.int32]
    values: dict[str, int]

    @classmethod
    def of(cls, column: Sequence[str | None]) -> Groups:
        """The groups of a column."""
        values: dict[str, int] = {}
        code = np.empty(len(column), np.int32)
        for row, value in enumerate(column):
            code[row] = -1 if value is None else values.setdefault(value, len(values))
        return cls(code, values)

    def rows_with(self, values: Sequence[str]) -> NDArray[np.int32]:
        """The rows of items that have one of these values."""
        codes = [self.values[value] for value in values if value in self.values]
        return np.flatnonzero(np.isin(self.code, codes)).astype(np.int32)


def _described(lake: Lake, model: Recommender) -> dict[str, list[str | None]]:
    """The columns of text of `item_profiles` for the model's items, in their order."""
    ids = pl.DataFrame({_ITEM: pl.Series([str(each) for each in model.item_ids.tolist()], dtype=pl.String)})
    stored = lake.latest("item_profiles")
    if stored is None:
        return {_TITLE: [None] * ids.height}
    texts = [column.name for column in stored.schema if column.type == "VARCHAR" and column.name != "text"]
    frame = lake.scan(stored).select(texts).collect()
    joined = ids.join(frame, on=_ITEM, how="left", maintain_order="left")
    found: dict[str, Any] = joined.drop(_ITEM).to_dict(as_series=False)
    return {_TITLE: [None] * ids.height, **found}
