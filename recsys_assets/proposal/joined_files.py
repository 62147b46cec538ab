"""JoinedFiles: files of lines that name products, and files of heads that name the customers of these lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from recsys_assets.proposal.known_names import rank_of
from recsys_assets.proposal.roles import Roles, matched
from recsys_assets.proposal.sampled_column import SampledColumn
from recsys_assets.proposal.sampled_files import SampledFiles

Side = Literal["line", "head"]
_KEY_ENDS = ("id", "no", "nr", "number", "nummer", "card", "key", "code")
_OWN_IDS = ("entity_id", "id")
_LEAST_DIFFERENT = 0.9
_OF_LINES = ("quantity", "unit_price", "amount", "discount")
"""Numbers that are of a whole order where they stand in its head."""
_TELLING_ROWS = 50


@dataclass(frozen=True)
class JoinedFiles:
    """Lines, such as those of orders, and what says whose they are, such as orders or loyalty cards.

    Attributes:
        lines: files with a row for each product.
        heads: files with a row for each key, and its customer.
        on: the column by which they belong together, as it is called in the lines and in the heads.
        columns: for each column of raw_events, from which side it comes and what it is there.
    """

    lines: SampledFiles
    heads: SampledFiles
    on: tuple[str, str]
    columns: Mapping[str, tuple[Side, SampledColumn]]

    @property
    def repeats(self) -> bool:
        """Whether some keys stand in several rows of the heads, as far as the sample tells."""
        key = next(column for column in self.heads.columns if column.name == self.on[1])
        return key.distinct < round(key.filled * self.heads.rows)

    @property
    def has_a_customer_for_each_key(self) -> bool:
        """Whether nearly every head has another customer than all the others, so that nobody would come twice."""
        _, customer = self.columns["user_id"]
        return self.heads.rows >= _TELLING_ROWS and customer.distinct >= _LEAST_DIFFERENT * self.heads.rows

    @property
    def parts(self) -> tuple[Roles, Roles]:
        """What the lines and the heads give of raw_events."""
        sides: dict[Side, SampledFiles] = {"line": self.lines, "head": self.heads}
        line, head = (
            Roles(files, "raw_events", {n: column for n, (of, column) in self.columns.items() if of == side})
            for side, files in sides.items()
        )
        return line, head


def joined_files(groups: Sequence[SampledFiles]) -> JoinedFiles | None:
    """The two groups of files that make events together; None where none do.

    A key is a column of both whose name says so, and that tells the rows of the heads apart. Of several pairs the one
    with the most columns of events is taken.
    """
    found = [
        pair
        for lines in groups
        for heads in groups
        if lines is not heads and (pair := _pair(lines, heads)) is not None
    ]
    return max(found, key=lambda pair: len(pair.columns), default=None)


def _pair(lines: SampledFiles, heads: SampledFiles) -> JoinedFiles | None:
    of_lines, of_heads = matched(lines, "raw_events"), matched(heads, "raw_events")
    if (
        "item_id" not in of_lines
        or "user_id" in of_lines
        or "user_id" not in of_heads
        or "item_id" in of_heads
    ):
        return None
    on = _key(lines, heads, of_lines, of_heads)
    if on is None:
        return None
    of_order = {name for name in ("event_time", "store_id") if name in of_heads}
    columns: dict[str, tuple[Side, SampledColumn]] = {
        name: ("head", column) for name, column in of_heads.items() if name not in _OF_LINES
    }
    # a time in the lines is often that of something else, such as the last day to ship
    columns |= {name: ("line", column) for name, column in of_lines.items() if name not in of_order}
    return JoinedFiles(lines, heads, on, columns)


def _key(
    lines: SampledFiles,
    heads: SampledFiles,
    of_lines: Mapping[str, SampledColumn],
    of_heads: Mapping[str, SampledColumn],
) -> tuple[str, str] | None:
    pairs: list[tuple[SampledColumn, SampledColumn]] = []
    if "order_id" in of_lines and "order_id" in of_heads:
        pairs.append((of_lines["order_id"], of_heads["order_id"]))
    by_name = {column.name.casefold(): column for column in heads.columns}
    if "order_id" in of_lines and "order_id" not in of_heads:
        # databases number their orders by a column that is only called an id
        pairs += [(of_lines["order_id"], by_name[name]) for name in _OWN_IDS if name in by_name]
    for column in lines.columns:
        other = by_name.get(column.name.casefold())
        if other is not None and _names_a_key(column.name) and column.name != of_lines["item_id"].name:
            pairs.append((column, other))
    for one, other in pairs:
        if other.distinct >= _LEAST_DIFFERENT * heads.rows * other.filled and other.filled > 0:
            return one.name, other.name
    return None


def _names_a_key(name: str) -> bool:
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    return (
        plain != "id"
        and rank_of(name, ("barcode", "postcode", "zipcode")) is None
        and plain.endswith(_KEY_ENDS)
    )
