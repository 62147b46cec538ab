"""Rules: constraints of the shop on every list of any model, read from a TOML file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from recsys_assets.shop.toml_file import TomlPart, read_toml
from recsys_lineage.errors import LineageError


class RulesError(LineageError):
    """An invalid file of rules."""


class _Dated(TomlPart):
    first_day: date | None = None
    last_day: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> _Dated:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError("a last_day that does not lie before first_day")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether a day lies within the period."""
        return (self.first_day or day) <= day <= (self.last_day or day)


class Bought(TomlPart):
    """Rule for items that the customer bought.

    Attributes:
        again_after_days: days since the last purchase after which it may be recommended again; None: never.
    """

    again_after_days: int | None = Field(default=None, ge=0, le=36_500)


class Filter(TomlPart):
    """Filter of items that may be recommended at all, by their category.

    Attributes:
        column: of `item_profiles`, with these values.
        only: if given, the values that items must have.
        never: values that items must not have.
    """

    column: str = "category"
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class Stock(TomlPart):
    """Rule for items that are in stock.

    Attributes:
        out: ids of items that are not in stock.
        table: a table of the lake with `item_id` and `in_stock`, a number of pieces or a boolean. Other items are in
            stock.
    """

    out: tuple[str, ...] = ()
    table: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_]{0,126}$")


class Pin(_Dated):
    """Pin: an item that has a fixed place in every list, unless it is forbidden for the customer."""

    item: str
    position: int = Field(1, ge=1, le=1000)


class Boost(_Dated):
    """Boost: items that are raised by some places, or lowered if `up` is negative.

    Attributes:
        item: one item; or
        column, value: all items with this value in a column of `item_profiles`.
    """

    up: int = Field(ge=-1000, le=1000)
    item: str | None = None
    column: str = "category"
    value: str | None = None

    @model_validator(mode="after")
    def _names_targets(self) -> Boost:
        if (self.item is None) == (self.value is None):
            raise ValueError("it needs an item or a value, and not both")
        return self


class AtMost(TomlPart):
    """Limit: the number of items of one value that a list may have; items without a value are not counted."""

    n: int = Field(ge=1, le=1000)
    column: str = "category"


class Exploration(TomlPart):
    """Exploration: a share of places that are drawn by lot, so that any model can later be evaluated on the log.

    Attributes:
        share: share of the places.
        among: number of best remaining items that such a place is drawn from.
    """

    share: float = Field(default=0.0, ge=0, le=1)
    among: int = Field(default=50, ge=2, le=1000)


class Rules(TomlPart):
    """All rules; without a file, items that a customer bought are never recommended again, and there is no other
    rule."""

    bought: Bought = Bought()
    filter: tuple[Filter, ...] = ()
    stock: Stock = Stock()
    pin: tuple[Pin, ...] = ()
    boost: tuple[Boost, ...] = ()
    at_most: tuple[AtMost, ...] = ()
    exploration: Exploration = Exploration()

    @classmethod
    def load(cls, path: Path) -> Rules:
        """The rules of a file.

        Raises:
            RulesError: the file is not TOML, or has an invalid rule; the message has the line.
        """
        return read_toml(path, cls, RulesError, "rules")[0]
