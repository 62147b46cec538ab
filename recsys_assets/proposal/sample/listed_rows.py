"""Rows of a column of texts that hold several products, such as `p1|p7` or `N55689-1 N35729-0`."""

from __future__ import annotations

import polars as pl

from recsys_assets.proposal.names.built_names import is_a_list_of_things
from recsys_assets.proposal.names.known_names import plain_name
from recsys_assets.proposal.sample.record_fields import is_a_thing
from recsys_assets.proposal.sample.unpacked_rows import UnpackedRows
from recsys_lineage.sql.names import literal, quote

_SHOWN_LIST = r"^\S+-[01]( \S+-[01])*$"
_FEWEST_LISTS = 5
_BRACKETS = "[\\[\\]{}\"']"
_BETWEEN = ("|", ";", ",", " ")
"""Separators between the products of a list, the most certain first."""
_CODE = r"^\S*[0-9]\S*$"
_QUANTIFIED = {
    # as Adobe Analytics writes them: an empty category, the product, its pieces, their amount, and more
    r"^\s*;\s*([^;,|]+?)\s*(?:;([0-9]*)(?:;([0-9.]*))?(?:;.*)?)?$": {
        "item_id": 1,
        "quantity": 2,
        "amount": 3,
    },
    r"^\s*([0-9]+)\s*[xX\x{d7}*]\s*(\S.*?)\s*$": {"item_id": 2, "quantity": 1},
    r"^\s*(\S.*?)\s+[xX\x{d7}*]\s*([0-9]+)\s*$": {"item_id": 1, "quantity": 2},
    r"^\s*([^\s;|][^;|]*?)\s*[\x{d7}*:=]\s*([0-9]{1,3})\s*$": {"item_id": 1, "quantity": 2},
    r"^\s*(\S.*?)\s*\(\s*[xX\x{d7}]?\s*([0-9]+)\s*[xX\x{d7}]?\s*\)\s*$": {"item_id": 1, "quantity": 2},
}
"""Pattern of a product with its pieces, such as `2 x p1`, `p1 x 2`, `p1:2` and `p1 (2)` → its groups."""


def shown_and_clicked(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """Impressions, as in `N55689-1 N35729-0`, with a row for each item and a column for its behaviour; None if no
    column of texts holds such lists."""
    for name, type_ in frame.schema.items():
        values = frame[name].drop_nulls()
        if type_ != pl.String or values.len() < _FEWEST_LISTS:
            continue
        if not values.str.contains(_SHOWN_LIST).all() or not values.str.contains(" ", literal=True).any():
            continue
        done = f"{name}_behaviour"
        columns = {each: quote(each) for each in frame.columns if each != name}
        columns |= {
            name: "left(element, -2)",
            done: "CASE right(element, 1) WHEN '1' THEN 'click' WHEN '0' THEN 'impression' END",
        }
        rows = frame.with_columns(pl.col(name).str.split(" ")).explode(name, empty_as_null=True)
        clicked = (
            pl.when(pl.col(name).str.ends_with("1")).then(pl.lit("click")).otherwise(pl.lit("impression"))
        )
        rows = rows.with_columns(
            pl.when(pl.col(name).is_not_null()).then(clicked).alias(done), pl.col(name).str.head(-2)
        )
        elements = f"string_split({quote(name)}, ' ')"
        names = {name: name, done: done}
        return UnpackedRows(columns, tuple(frame.columns), {}, elements, names), rows.select(*columns)
    return None


def listed_things(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """Products of one order, as in `p1|p7`, `["p1", "p7"]` or `2 x p1, 1 x p7`, with a row for each product; None if a
    column names the product, or none holds such lists."""
    if any(is_a_thing(name) for name in frame.columns):
        return None
    for name, type_ in frame.schema.items():
        values = frame[name].drop_nulls()
        if type_ != pl.String or not values.len() or not is_a_list_of_things(plain_name(name)):
            continue
        bare = values.str.replace_all(_BRACKETS, "")
        quantified = _quantified(bare)
        sign = quantified[0] if quantified else _between(bare)
        if not sign:
            continue
        columns = {each: quote(each) for each in frame.columns if each != name}
        rows = frame.with_columns(pl.col(name).str.replace_all(_BRACKETS, "").str.split(sign)).explode(
            name, empty_as_null=True
        )
        own = {"item_id": ("trim(element)", pl.col(name).str.strip_chars())}
        if quantified:
            _, pattern, places = quantified
            own = {
                role: (
                    f"nullif(regexp_extract(element, {literal(pattern)}, {place}), '')",
                    pl.col(name).str.extract(pattern, place),
                )
                for role, place in places.items()
            }
        called = {role: f"{name}.{role}" if role in columns else role for role in own}
        columns |= {called[role]: sql for role, (sql, _) in own.items()}
        rows = rows.with_columns(value.alias(called[role]) for role, (_, value) in own.items())
        elements = (
            f"string_split(regexp_replace({quote(name)}, {literal(_BRACKETS)}, '', 'g'), {literal(sign)})"
        )
        names = {new: role for role, new in called.items()}
        return UnpackedRows(columns, tuple(frame.columns), {}, elements, names), rows.select(*columns)
    return None


def _quantified(lists: pl.Series) -> tuple[str, str, dict[str, int]] | None:
    """Separator, and pattern of the elements with the groups of their product and pieces, where all elements have both;
    None elsewhere."""
    found = [
        (-elements.len(), place, sign, pattern, places)
        for place, sign in enumerate(("\n", *_BETWEEN[:-1]))
        for elements in (lists.str.split(sign).explode(),)
        for pattern, places in _QUANTIFIED.items()
        if elements.str.contains(pattern).all()
    ]
    return min(found, key=lambda each: each[:2])[2:] if found else None


def _between(lists: pl.Series) -> str:
    """The separator of the elements of lists; empty if there is none.

    A blank separates codes only, for titles have blanks too.
    """
    found = {sign: int(lists.str.contains(sign, literal=True).sum()) for sign in _BETWEEN}
    if (
        any(found[sign] for sign in _BETWEEN[:-1])
        or not lists.str.split(" ").explode().str.contains(_CODE).all()
    ):
        found.pop(" ")
    sign = max(found, key=lambda each: found[each])
    return sign if found[sign] else ""
