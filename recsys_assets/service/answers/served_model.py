"""ServedModel: one version of a model in memory, with the histories, titles and categories that answers need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys_assets.service.answers.described_items import TITLE, Groups, descriptions, rows_of_items
from recsys_assets.service.answers.known_histories import KnownHistories
from recsys_assets.service.answers.ranking import why_not_folded
from recsys_lineage.lake.blobs import read_blobs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records

if TYPE_CHECKING:
    from recsys_models import Recommender

CHAMPION = "champion"
FEWEST_CUSTOMERS = 5
"""The fewest customers of an item for which similar ones are shown; as in the asset `similar_items`, whose module
imports Dagster."""


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A version of a model, ready to answer.

    Attributes:
        table, version: in the lake.
        record: id of the record of that version.
        made: when it was fitted, UTC.
        reads: the versions of the tables that it was made from.
        model: the recommender.
        histories: of all customers before it was fitted.
        cannot_fold: the reason why the family cannot fold in new actions of a customer; None if it can.
        groups: for each text column of `item_profiles`, the model's items that share a value.
    """

    table: str
    version: int
    record: str
    made: datetime
    reads: dict[str, int]
    model: Recommender
    histories: KnownHistories
    cannot_fold: str | None
    groups: dict[str, Groups] = field(repr=False)

    @cached_property
    def item_ids(self) -> list[str]:
        """The ids of the model's items, as text."""
        return [str(item) for item in self.model.item_ids.tolist()]

    @property
    def item_rows(self) -> dict[str, int]:
        """The row of each item."""
        return self._item_rows

    @cached_property
    def _item_rows(self) -> dict[str, int]:
        return {item: row for row, item in enumerate(self.item_ids)}

    @property
    def n_items(self) -> int:
        """Number of items that the model knows."""
        return self.model.n_items

    @property
    def titles(self) -> list[str | None]:
        """The name of each item."""
        return self._titles

    @cached_property
    def _titles(self) -> list[str | None]:
        return self.groups[TITLE].texts()

    def rows(self, items: Sequence[str]) -> NDArray[np.int32]:
        """The rows of items; those that the model does not know are left out."""
        return rows_of_items(items, self.item_rows)

    @cached_property
    def similar_items(self) -> Callable[[str, int], list[tuple[str, float]]]:
        """Function from an item to its most similar ones and their cosines, as in the asset `similar_items`: among
        items that enough customers had. The latest results are cached."""
        model = self.model
        judged = model.item_ids[np.flatnonzero(np.diff(model.seen.tocsc().indptr) >= FEWEST_CUSTOMERS)]

        def found(item: str, k: int) -> list[tuple[str, float]]:
            ids, cosines = model.similar_items(model.item_ids[[self.item_rows[item]]], k, among=judged)
            pairs = zip(ids[0].tolist(), cosines[0].tolist(), strict=True)
            return [(str(each), cosine) for each, cosine in pairs if cosine > 0]

        return lru_cache(maxsize=4096)(found)

    @classmethod
    def load(cls, lake: Lake, table: str = CHAMPION, version: int | None = None) -> ServedModel:
        """A version of a model of the lake, by default the latest.

        Raises:
            TableNotFound: there is none.
            LineageError: its files are missing or damaged.
            ModelFileError: they hold no model that can be used.
        """
        from recsys_models import ModelFileError, load_model

        stored = lake.version(table, version)
        record = Records(lake).get(table, stored.version)
        try:
            model = load_model(read_blobs(lake, stored))
        except ModelFileError as error:
            raise ModelFileError(f"{table}@{stored.version} cannot serve: {error}") from error
        model.drop_training_state()
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
            descriptions(lake, [str(each) for each in model.item_ids.tolist()]),
        )
        _ = served.item_rows, served.titles  # now, not in the first request
        return served
