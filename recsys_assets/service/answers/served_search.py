"""ServedSearch: one version of the search index in memory, with the items to which filters and rules apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from recsys_assets.service.answers.described_items import TITLE, Groups, descriptions
from recsys_lineage.lake.blobs import read_blobs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from recsys_models.search.encoder import Encoder, EncoderMissing, load_encoder
from recsys_models.search.search_index import SearchIndex

if TYPE_CHECKING:
    from recsys_assets.service.answers.served_model import ServedModel

TABLE = "search_index"


@dataclass(frozen=True, eq=False)
class ServedSearch:
    """A version of the search index, ready to answer.

    Attributes:
        version: of the table `search_index`.
        record: id of the record of that version.
        made: time at which it was made, UTC.
        reads: the versions of the tables that it was made from.
        index: the search index.
        encoder: the one that made its vectors; None if it has none, or if they cannot be used.
        fault: the reason why vectors of the index cannot be used; None if they can.
        groups: for each text column of `item_profiles`, the index's items that share a value.
    """

    version: int
    record: str
    made: datetime
    reads: dict[str, int]
    index: SearchIndex
    encoder: Encoder | None
    fault: str | None
    groups: dict[str, Groups] = field(repr=False)
    _rows_in: WeakKeyDictionary[ServedModel, NDArray[np.int32]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    def rows_in(self, model: ServedModel) -> NDArray[np.int32]:
        """(n_items,) the row that each item has in a model; -1 for one that the model does not know."""
        rows = self._rows_in.get(model)
        if rows is None:
            known = model.item_rows
            rows = np.fromiter((known.get(item, -1) for item in self.item_ids), np.int32, self.n_items)
            self._rows_in[model] = rows
        return rows

    @property
    def n_items(self) -> int:
        """Number of items in the index."""
        return self.index.n_items

    @property
    def item_rows(self) -> Mapping[str, int]:
        """The row of each item."""
        return self.index.item_rows

    @cached_property
    def item_ids(self) -> list[str]:
        """The ids of the items."""
        return self.index.item_ids.tolist()

    @property
    def titles(self) -> list[str | None]:
        """The name of each item."""
        return self._titles

    @cached_property
    def _titles(self) -> list[str | None]:
        return self.groups[TITLE].texts()

    @classmethod
    def load(cls, lake: Lake, version: int | None = None) -> ServedSearch:
        """A version of the index, by default the latest.

        Raises:
            TableNotFound: there is none.
            LineageError: its files are missing or damaged.
            ModelFileError: they hold no index.
        """
        stored = lake.version(TABLE, version)
        record = Records(lake).get(TABLE, stored.version)
        index = SearchIndex.from_files(read_blobs(lake, stored))
        encoder, fault = _encoder_of(index)
        reads = {
            read.name: read.version
            for read in record.reads
            if read.kind == "table" and read.version is not None and read.purpose == "input"
        }
        served = cls(
            stored.version,
            record.id,
            record.ended,
            reads,
            index,
            encoder,
            fault,
            descriptions(lake, index.item_ids.tolist()),
        )
        # now, not in the first request
        _ = index.item_rows, index.spelling, index.of_title, served.item_ids, served.titles
        index.search("first", encoder=encoder)
        return served


def _encoder_of(index: SearchIndex) -> tuple[Encoder | None, str | None]:
    """The encoder that made an index's vectors, or the reason why it is missing."""
    if index.encoder is None:
        return None, None
    name = index.encoder.partition(" ")[0]
    if name not in ("wordllama", "minilm"):
        return None, f"the search index was made with the encoder {index.encoder}, which is not known here"
    try:
        encoder = load_encoder(name)
    except EncoderMissing as error:
        return None, f"nothing is found by meaning: {error}"
    except Exception as error:  # of a package that is not needed for an answer, whatever is wrong with it
        reason = f"the encoder {index.encoder} cannot be loaded ({type(error).__name__}); install it again"
        return None, f"nothing is found by meaning: {reason}"
    if encoder.name != index.encoder:
        reason = f"the search index was made with {index.encoder}, installed is {encoder.name}"
        return None, f"nothing is found by meaning: {reason}"
    return encoder, None
