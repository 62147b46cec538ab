"""Rules: constraints of the shop on every list, whatever the model says, read from a TOML file."""

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
        """Whether a day lies within."""
        return (self.first_day or day) <= day <= (self.last_day or day)


class Bought(TomlPart):
    """Rule for items that the customer bought.

    Attributes:
        again_after_days: since the last purchase, after which it may be recommended again; never when None.
    """

    again_after_days: int | None = Field(default=None, ge=0, le=36_500)


class Filter(TomlPart):
    """Which items may be recommended at all, by their category.

    Attributes:
        column: of `item_profiles`, that the values are of.
        only: no item of another value, where there are any.
        never: no item of these.
    """

    column: str = "category"
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class Stock(TomlPart):
    """Rule for items that are in stock.

    Attributes:
        out: ids of those that cannot.
        table: a table of the lake with `item_id` and `in_stock`, a number of pieces or true and false. Items that it
            does not name can be had.
    """

    out: tuple[str, ...] = ()
    table: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_]{0,126}$")


class Pin(_Dated):
    """Pin: an item that is put at a place of every list, unless it is forbidden for the customer."""

    item: str
    position: int = Field(1, ge=1, le=1000)


class Boost(_Dated):
    """Items that stand some places higher than the model has them, or lower where `up` is negative.

    Attributes:
        item: one item; or
        column, value: all of this value of a column of `item_profiles`.
    """

    up: int = Field(ge=-1000, le=1000)
    item: str | None = None
    column: str = "category"
    value: str | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Boost:
        if (self.item is None) == (self.value is None):
            raise ValueError("it needs an item or a value, and not both")
        return self


class AtMost(TomlPart):
    """Limit: the number of items of one value that a list may have; items without a value are not counted."""

    n: int = Field(ge=1, le=1000)
    column: str = "category"


class Exploration(TomlPart):
    """Share of places that are drawn by lot, so that any model can later be evaluated on the log.

    Attributes:
        share: of the places.
        among: the item of such a place is drawn from so many of the best that are left.
    """

    share: float = Field(default=0.0, ge=0, le=1)
    among: int = Field(default=50, ge=2, le=1000)


class Rules(TomlPart):
    """All rules; without a file, what a customer bought is never recommended again, and there is no other rule."""

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
            RulesError: the file is no TOML, or says something that a rule cannot be; with the line.
        """
        return read_toml(path, cls, RulesError, "rules")[0]
