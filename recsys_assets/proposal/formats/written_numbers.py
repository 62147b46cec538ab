"""Written numbers: the signs of numbers in texts: decimal ones, those between thousands, currencies and units."""

from __future__ import annotations

import polars as pl

NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_COMMA_NUMBER = r"^[-+]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+),[0-9]+$"
WITH_COMMA = r"^[-+]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?$"
WITH_POINT = r"^[-+]?([0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}|[0-9]+)(\.[0-9]+)?$"
"""Pattern of a number with commas between thousands, or as in India, `1,23,456.00`."""
DECIMAL_COMMA = r"[-+]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+),[0-9]{1,2}"
"""Pattern of a number whose comma cannot separate thousands."""
DECIMAL_POINT = r"[-+]?([0-9]{1,3}(,[0-9]{3})+\.[0-9]+|[0-9]*\.([0-9]{1,2}|[0-9]{4,}))"
"""Pattern of a number whose point cannot separate thousands."""
_THOUSANDS = r"^[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+$"
_THREE_DIGITS = r"^[-+]?[1-9][0-9]{0,2}(\.[0-9]{3})+$"
WITHOUT_CENTS = r"[¥￥円₩원₫đ₲]|\b(?:JPY|KRW|VND|IDR|CLP|PYG|HUF|ISK|Rp|Ft)\b|\bRp[0-9]"
"""Pattern of currencies whose prices are whole numbers, so that a sign before three digits separates thousands."""
NUMBER_AFFIXES = (
    r"\b[A-Z]{1,2}\$|[\p{Sc}\p{Z}\s'\x{2019}\x{2bc}]|\b[A-Z]{3}\b|^[A-Z]{3}|[A-Z]{3}$|\bS?Fr\.|\b[Kk]r\.?|zł|Kč|Ft\b|\blei\b|"
    r"\bR[sp]\.?|\bRM|TL$|円|元|원|đ|\x{440}\x{443}\x{431}\.?|\x{434}\x{435}\x{43d}\.?|"  # roubles, denars
    r"[,.][-\x{2013}\x{2014}]+$|/-$|\b(?i:pcs?|pieces?|units?|stk|st|stück|szt|uds?|un)\.?$|"
    r"(?i:pcs?|stk|x|\x{d7}|\x{448}\x{442}\.?)$|^(?i:x|\x{d7})"
)
"""Pattern of the signs around the digits of a price or of pieces: currency signs and codes, units, and blanks."""
ACCOUNTED = {
    r"^\s*\((.*\d.*)\)\s*$": r"-\1",
    r"^\s*(.*\d[^-,./]*?)\s*[-\x{2212}]\s*$": r"-\1",
    r"^\s*[\x{2212}\x{25b2}\x{25b3}]\s*": "-",
}
"""Pattern of a negative number as accountants and typesetters write it → replacement that makes it a plain one."""
IN_DOUBT = "its commas are taken for decimal ones"
_OF_MONEY = "its commas are taken to stand between thousands, for prices have no three decimals"
OF_OTHERS = "its commas stand between thousands, for other columns have decimal points"
_OF_OTHER_NUMBERS = "its points stand between thousands, for others of its numbers have decimal commas"
_ONE_POINT = r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_EXAMPLES = 3


def doubtful(numbers: pl.Series) -> str:
    """A note on numbers whose point may separate thousands."""
    pointed = numbers.filter(numbers.str.contains(".", literal=True))
    if pointed.n_unique() < _EXAMPLES or not pointed.str.contains(_ONE_POINT).all():
        return ""
    return "its numbers have three digits behind a point, which is taken for the decimal one"


def decimal_sign(numbers: pl.Series) -> str:
    """The decimal sign of numbers that certainly have one, because fewer or more than three digits follow it."""
    signs = [sign for sign in ".," if numbers.str.contains(rf"[{sign}]([0-9]{{1,2}}|[0-9]{{4,}})$").any()]
    return signs[0] if len(signs) == 1 else ""


def signs_of(numbers: pl.Series, *, is_money: bool, without_cents: bool) -> tuple[bool, bool, str]:
    """Whether numbers have decimal commas, whether they have commas between thousands, and a doubt.

    Args:
        numbers: as texts, without signs around them.
        is_money: whether they are prices, which have no three decimals.
        without_cents: whether their currency has no decimals at all.
    """
    commas = numbers.str.contains(_COMMA_NUMBER)
    points = numbers.str.contains(WITH_POINT) & numbers.str.contains(r"\.")
    certain = commas & ~numbers.str.contains(_THOUSANDS)
    if points.any() and numbers.str.contains(f"^{DECIMAL_COMMA}$").any():
        if numbers.filter(points).str.contains(_THREE_DIGITS).all():
            return True, False, _OF_OTHER_NUMBERS
        return True, True, "some of its numbers have a decimal comma and some a point; both are read"
    comma = bool(commas.any()) and int(certain.sum()) >= int(points.sum())
    if comma and not certain.any():
        if without_cents or is_money:
            return False, True, "" if without_cents else _OF_MONEY
        return True, False, IN_DOUBT
    if comma or numbers.str.contains(",").any():
        return comma, not comma, ""
    pointed = numbers.filter(numbers.str.contains(".", literal=True))
    in_thousands = bool(pointed.len()) and pointed.str.contains(_THREE_DIGITS).all()
    if in_thousands and (without_cents or pointed.str.contains(r"\..*\.").any()):
        return True, False, ""  # points are read as between thousands where the decimal sign is a comma
    return False, False, doubtful(numbers)
