"""JoinedFiles: files of order lines with products, joined with files of order heads that have the customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from recsys_assets.proposal.column_roles import Like, Roles, matched, names_for
from recsys_assets.proposal.names.built_names import built_rank
from recsys_assets.proposal.names.known_names import plain_name, rank_of
from recsys_assets.proposal.names.named_columns import OWN_IDS
from recsys_assets.proposal.sample.sampled_column import SampledColumn
from recsys_assets.proposal.sample.sampled_files import SampledFiles
from recsys_lineage.spelling import folded

Side = Literal["line", "head", "person"]
_KEY_ENDS = ("id", "no", "nr", "number", "nummer", "card", "key", "code")
_LEAST_DIFFERENT = 0.9
_OF_LINES = ("quantity", "unit_price", "amount", "discount")
"""Numbers that belong to a whole order if they are in its head."""
_TELLING_ROWS = 50


@dataclass(frozen=True)
class JoinedFiles:
    """Lines, such as those of orders, and heads with their customers, such as orders or loyalty cards.

    Attributes:
        lines: files with a row for each product.
        heads: files with a row for each key, and its customer.
        on: the column that joins them, by its names in the lines and in the heads.
        columns: for each column of raw_events, its side and its column there.
        people: files that identify the customer of a head, if each head has a different one.
        key: the column that joins heads and people, by its names in both.
    """

    lines: SampledFiles
    heads: SampledFiles
    on: tuple[str, str]
    columns: Mapping[str, tuple[Side, SampledColumn]]
    people: SampledFiles | None = None
    key: str = ""

    @property
    def key_columns(self) -> tuple[SampledColumn, SampledColumn]:
        """The columns that join them, in the lines and in the heads."""
        line, head = (
            next(column for column in files.columns if column.name == name)
            for files, name in zip((self.lines, self.heads), self.on, strict=True)
        )
        return line, head

    @property
    def repeats(self) -> bool:
        """Whether some keys occur in several rows of the heads in the sample."""
        _, key = self.key_columns
        return key.distinct < round(key.filled * self.heads.rows)

    @property
    def has_a_customer_for_each_key(self) -> bool:
        """Whether nearly every head has a customer of its own, so that no customer would occur twice."""
        side, customer = self.columns["user_id"]
        is_varied = customer.distinct >= _LEAST_DIFFERENT * self.heads.rows
        return side == "head" and self.heads.rows >= _TELLING_ROWS and is_varied

    @property
    def sides(self) -> dict[Side, SampledFiles]:
        """The files of each side."""
        sides: dict[Side, SampledFiles] = {"line": self.lines, "head": self.heads}
        return sides if self.people is None else {**sides, "person": self.people}

    @property
    def parts(self) -> tuple[Roles, ...]:
        """Columns of raw_events from each side."""
        return tuple(
            Roles(files, "raw_events", {n: column for n, (of, column) in self.columns.items() if of == side})
            for side, files in self.sides.items()
        )


def joined_files(
    groups: Sequence[SampledFiles], described: Mapping[str, Sequence[SampledFiles]]
) -> JoinedFiles | None:
    """The two groups of files that form events together; None if there are none.

    A key is a column of both that is named like one and is unique in the heads. Of several pairs, the one with the most
    columns of events counts.

    Args:
        groups: the files.
        described: `user_id` and `item_id` → files with a row for each customer or product. If lines or heads have
            several columns for one, the column named as in such files counts.
    """
    found = [
        pair
        for lines in groups
        for heads in groups
        if lines is not heads
        and (pair := _pair(lines, heads, _called(described, but=(lines, heads)))) is not None
    ]
    best = max(found, key=lambda pair: len(pair.columns), default=None)
    return best if best is None or not best.has_a_customer_for_each_key else _with_people(best, groups)


def _called(described: Mapping[str, Sequence[SampledFiles]], but: Sequence[SampledFiles]) -> Like:
    """Names of the customer and the product in files that describe them, except for two files."""
    return {
        role: {name for files in several if files not in but for name in names_for(files, role)}
        for role, several in described.items()
    }


def _with_people(joined: JoinedFiles, groups: Sequence[SampledFiles]) -> JoinedFiles:
    """The files joined with those that identify the customers, such as by `customer_unique_id` for each `customer_id`.

    These have each customer of the heads once, and another customer id of which some repeat.
    """
    _, customer = joined.columns["user_id"]
    for files in groups:
        names = {column.name: column for column in files.columns}
        key = names.get(customer.name)
        if files in (joined.heads, joined.lines) or key is None or key.distinct < files.rows:
            continue
        for name, column in names.items():
            if (
                name != key.name
                and column.distinct < files.rows
                and built_rank("user_id", plain_name(name)) == 0
            ):
                columns = {**joined.columns, "user_id": ("person", column)}
                return replace(joined, columns=columns, people=files, key=key.name)
    return joined


def _pair(lines: SampledFiles, heads: SampledFiles, like: Like) -> JoinedFiles | None:
    of_lines, of_heads = matched(lines, "raw_events", like), matched(heads, "raw_events", like)
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
    by_name = {folded(column.name): column for column in heads.columns}
    if "order_id" in of_lines:
        pairs += [(of_lines["order_id"], of_heads["order_id"])] if "order_id" in of_heads else []
        # databases number their orders by a column that is only called an id
        pairs += [(of_lines["order_id"], by_name[name]) for name in OWN_IDS if name in by_name]
    for column in lines.columns:
        other = by_name.get(folded(column.name))
        if other is not None and _names_a_key(column.name) and column.name != of_lines["item_id"].name:
            pairs.append((column, other))
    fitting = [
        (one, other)
        for one, other in pairs
        # a table of customers is none of orders, though both number their rows
        if other.name != of_heads["user_id"].name
        and other.distinct >= _LEAST_DIFFERENT * heads.rows * other.filled
        and other.filled > 0
    ]
    # orders may have a number for people beside the one that their lines name: the same values tell which it is
    best = max(fitting, key=lambda pair: len(pair[0].some & pair[1].some), default=None)
    return best if best is None else (best[0].name, best[1].name)


def _names_a_key(name: str) -> bool:
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    return (
        plain != "id"
        and rank_of(name, ("barcode", "postcode", "zipcode")) is None
        and plain.endswith(_KEY_ENDS)
    )
