"""Scaled money: whole numbers beside a column that says how many of them make a unit, as `1299` and `100` for 12.99."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile
from typing import Literal

from recsys_assets.proposal.names.known_names import EVENT, role_rank
from recsys_assets.proposal.sample.sampled_column import SampledColumn

_DIVISORS = ("divisor", "divider", "denominator")
"""Names of columns that hold by what the number is divided, as in Etsy's prices."""
_DIGITS = (
    "fractiondigits", "decimaldigits", "minorunits", "decimalplaces", "decimals", "precision", "exponent", "scale",
)  # fmt: skip
"""Names of columns that hold how many of its digits stand behind the point, as in commercetools' prices."""
_BILLIONTHS = ("nanos",)
"""Names of columns that hold the billionths beside whole units, as in Google's money."""
_OF_A_NUMBER = ("amount", "value", "cents", "cent", "money", "centamount", "units", "minor", "currency", "in")
"""Last words of names that say nothing about which price is meant."""
_MONEY = ("unit_price", "amount", "discount")
_MOST_DIGITS = 6


def with_scales(columns: Sequence[SampledColumn], own_names: Mapping[str, str]) -> list[SampledColumn]:
    """The columns, those of prices and amounts with the column that scales them.

    Args:
        columns: of some files.
        own_names: column → its name in the elements of a list.
    """
    scales = {
        (_stem(own_names.get(column.name, column.name), scaled=False), column.name in own_names): column
        for column in columns
        if _is_scale(column, own_names.get(column.name, column.name))
    }
    found = []
    for column in columns:
        own = own_names.get(column.name, column.name)
        scale = scales.get((_stem(own, scaled=True), column.name in own_names))
        if scale is not None and scale is not column and _is_money(column, scale, own):
            example = f"{column.samples[0]} with {scale.samples[0]}"
            note = f"its whole numbers are scaled by column {scale.name}, as {example}"
            way = _way(_words(scale.name)[-1])
            if way == "nanos":
                note = f"column {scale.name} holds its billionths"
            column = replace(column, scale=scale.name, scaled_by=way, note=column.note or note)
        found.append(column)
    return found


def _way(last: str) -> Literal["divisor", "digits", "nanos"]:
    if last in _BILLIONTHS:
        return "nanos"
    return "divisor" if last in _DIVISORS else "digits"


def without_units(name: str) -> str:
    """The name of a price without what says that it is the whole units of it, as in `price_units`."""
    return re.sub(r"[\W_]*units?$", "", name, flags=re.IGNORECASE)


def _is_money(column: SampledColumn, scale: SampledColumn, own: str) -> bool:
    if _way(_words(scale.name)[-1]) == "nanos":
        own = without_units(own)
    return (
        column.kind == "number"
        and column.is_whole
        and any(role_rank(role, own, EVENT[role]) is not None for role in _MONEY)
    )


def _is_scale(column: SampledColumn, own: str) -> bool:
    """Whether a column holds divisors, which are powers of ten, numbers of digits, or billionths."""
    last = _last(own)
    if last in _BILLIONTHS:
        return column.kind == "number" and column.is_whole
    values = [text.removesuffix(".0") for text in column.values]
    if not values or not all(map(str.isdigit, values)):
        return False
    if last in _DIVISORS:
        return all(re.fullmatch("10*", text) for text in values)
    return last in _DIGITS and all(int(text) <= _MOST_DIGITS for text in values)


def _last(name: str) -> str:
    """The last words of a name that say that it scales a number, or is a part of one; empty if they do not."""
    plain = "".join(_words(name))
    return next((word for word in (*_DIVISORS, *_DIGITS, *_BILLIONTHS) if plain.endswith(word)), "")


def _stem(name: str, *, scaled: bool) -> str:
    """The name of a price, without what says that it is a number or that it scales one."""
    words = _words(name)
    if not scaled:
        text = "".join(words).removesuffix(_last(name))
        while words and not text.startswith("".join(words)):
            words.pop()
    kept = [*dropwhile(lambda word: word in _OF_A_NUMBER, reversed(words))]
    return "".join(reversed(kept))


def _words(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", apart.casefold()) if word]
