"""Digits of other scripts, such as full-width, Arabic and Devanagari ones, in the texts of numbers and times."""

from __future__ import annotations

import unicodedata

import polars as pl

from recsys_lineage.sql.names import literal

_OTHERS = r"[\p{Nd}--0-9]"
_FULL_WIDTH_ZERO = "\uff10"
_FULL_WIDTH = "．，－＋／：（）\u3000"  # noqa: RUF001 - the signs that stand among such digits
_ARABIC = {"\u066b": ".", "\u066c": ",", "\u060c": ","}
"""The signs of Arabic numbers: the decimal one, and those between thousands."""
_ARABIC_ZEROS = ("\u0660", "\u06f0")


def other_signs(texts: pl.Series) -> str:
    """The digits of all other scripts that occur in some texts, ten of each, with the signs among them; empty if there
    is none."""
    found = texts.str.extract_all(_OTHERS).explode(empty_as_null=True).drop_nulls().unique()
    zeros = sorted({chr(ord(digit) - unicodedata.decimal(digit)) for digit in found})
    signs = "".join(chr(ord(zero) + value) for zero in zeros for value in range(10))
    if _FULL_WIDTH_ZERO in zeros:
        signs += _FULL_WIDTH
    if {*_ARABIC_ZEROS} & {*zeros}:
        signs += "".join(_ARABIC)
    return signs


def in_ascii(texts: pl.Series, signs: str) -> pl.Series:
    """The texts with these signs written as those of ASCII."""
    return texts.str.replace_many([*signs], [*_plain(signs)]) if signs else texts


def in_ascii_sql(at: str, signs: str) -> str:
    """SQL of a text with these signs written as those of ASCII."""
    return f"translate({at}, {literal(signs)}, {literal(_plain(signs))})" if signs else at


def _plain(signs: str) -> str:
    return "".join(
        _ARABIC.get(sign) or str(unicodedata.decimal(sign, "")) or unicodedata.normalize("NFKC", sign)
        for sign in signs
    )
