"""StreamTable: the table that a stream of the service's log becomes; the three of them, each declared once."""

from __future__ import annotations

from dataclasses import dataclass

from recsys_assets.service.feedback.feedback_log import Stream
from recsys_lineage.assets.checks import OUTPUT, TableCheck, not_null, unique
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.records.parts.check_outcome import CheckOutcome

ITEMS = "items"
DAY = "day"
"""Column by which each of the tables is partitioned."""


@dataclass(frozen=True)
class StreamTable:
    """A table of what the service logged.

    Attributes:
        stream: kind of the service's log that its rows come from.
        name: of the table, and of its SQL in `sql/service`.
        description: text of the asset.
        key: columns that tell its rows apart.
        never_empty: columns with a value in every row, besides day, file and line.
        personal: why it may hold personal data.
        names_items: whether its rows name products, which the shop's table of products must have.
    """

    stream: Stream
    name: str
    description: str
    key: tuple[str, ...]
    never_empty: tuple[str, ...]
    personal: str
    names_items: bool = True

    @property
    def checks(self) -> tuple[TableCheck, ...]:
        """The checks of the table."""
        filled = not_null(DAY, *self.never_empty, "_file", "_line")
        return unique(*self.key), filled, *([ITEMS_ARE_KNOWN] if self.names_items else [])


def items_are_known(inputs: Inputs) -> CheckOutcome:
    """Number of rows with a product that the shop's table of products lacks."""
    name = "items_are_known"
    if not inputs.exists(ITEMS):
        return CheckOutcome(name, True, "there is no table of products yet")
    found = inputs.query(
        f"SELECT count(*) AS unknown FROM {OUTPUT} AS o ANTI JOIN {ITEMS} AS i ON o.item_id = i.item_id"
    )
    unknown = int(found["unknown"][0])
    return CheckOutcome(
        name, not unknown, f"{unknown} rows name unknown products", counts={"unknown": unknown}
    )


ITEMS_ARE_KNOWN = TableCheck(
    "items_are_known", "the shop's table of products has what was shown or chosen", function=items_are_known
)

_DECLARED = (
    StreamTable(
        stream="exposures",
        name="exposures",
        description="What the service showed: a row per product of an answer, with file and line; a partition per day.",
        key=("query_id", "position"),
        never_empty=("item_id",),
        personal="experiments are evaluated on what was shown to whom",
    ),
    StreamTable(
        stream="events",
        name="feedback",
        description="What customers did, as the service received it: a row per event, with its line; a partition per "
        "day.",
        key=("event_id",),
        never_empty=("item_id",),
        personal="experiments are evaluated on what customers did, and models learn from it",
    ),
    StreamTable(
        stream="searches",
        name="searches",
        description="What was searched for and found: a row per search, with file and line; a partition per day.",
        key=("query_id",),
        never_empty=("query",),
        personal="search is evaluated on what people type",
        names_items=False,
    ),
)
STREAM_TABLES: dict[Stream, StreamTable] = {each.stream: each for each in _DECLARED}
