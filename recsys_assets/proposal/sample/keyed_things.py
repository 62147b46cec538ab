"""Rows of columns whose cells hold products as keys and values, such as `name:Mug|product_id:7|quantity:2`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from recsys_assets.proposal.sample.record_fields import (
    called_besides,
    fields_of_things,
    is_a_thing,
    is_of_other_things,
)
from recsys_assets.proposal.sample.unpacked_rows import UnpackedRows
from recsys_lineage.sql.names import literal, quote

_NOTATIONS = (("[A-Za-z_][A-Za-z0-9_]*", r"\|"), ("[A-Za-z_][A-Za-z0-9_ ]*?", ", "))
"""Pattern of a key, and the sign between the fields of a product: `name:Mug|qty:2`, `Product Name: Mug, Qty: 2`."""
_BETWEEN = "[;,\\n|]"
_SIGN = "\x1e"
_NUMBERED = re.compile(r"^(.*?)_?\d+$")


@dataclass(frozen=True)
class _Cells:
    """Columns with cells of keys and values.

    Attributes:
        name: of the column, or what the names of numbered columns begin with.
        columns: their names.
        first: the key that begins each product.
        keys: all keys.
        notation: pattern of a key, and the sign between fields.
    """

    name: str
    columns: tuple[str, ...]
    first: str
    keys: tuple[str, ...]
    notation: tuple[str, str]

    @property
    def text(self) -> str:
        """SQL of all products of a row, each behind a separator, whichever of several columns they are in.

        Exports have as many numbered columns as their largest order has products, so the SQL takes all that there are.
        """
        at = quote(self.name)
        if self.columns != (self.name,):
            at = f"concat_ws(chr(30), *COLUMNS({literal(_numbered_pattern(self.name))}))"
        return f"regexp_replace({at}, {literal(self._start)}, chr(30) || '\\1', 'g')"

    @property
    def _start(self) -> str:
        """Pattern of the beginning of a product after another one."""
        return rf"{_BETWEEN}\s*({self.first}:)"

    def field(self, key: str) -> str:
        """Pattern of a value, in its first group; a sign of the notation within a value has a backslash before it."""
        any_key, sign = self.notation
        return rf"(?s)(?:^|{sign})\s*{key}:\s*(.*?)\s*(?:{sign}{any_key}:.*)?$"


def keyed_things(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The products in cells of keys and values, with a row for each product; None if a column names the product, or
    there are no such cells."""
    if any(is_a_thing(name) for name in frame.columns):
        return None
    cells = (each for notation in _NOTATIONS for each in _cells(frame, notation))
    found = next((each for each in cells if any(map(is_a_thing, each.keys))), None)
    return None if found is None else _rows(frame, found)


def _cells(frame: pl.DataFrame, notation: tuple[str, str]) -> list[_Cells]:
    """All columns with such cells in a notation, numbered ones together."""
    key, sign = notation
    whole = rf"(?s)^\s*{key}:.*{sign}{key}:"
    groups: dict[str, list[str]] = {}
    for name, type_ in frame.schema.items():
        values = frame[name].drop_nulls() if type_ == pl.String else pl.Series([], dtype=pl.String)
        if values.len() and not is_of_other_things(name) and values.str.contains(whole).all():
            match = _NUMBERED.match(name)
            groups.setdefault(match[1] if match else name, []).append(name)
    found = []
    for name, columns in groups.items():
        texts = pl.concat([frame[each].drop_nulls().alias("text") for each in columns])
        firsts = {match[1] for text in texts if (match := re.match(rf"\s*({key}):", text))}
        keys = (
            texts.str.extract_all(rf"(?:^|\||;|{sign})\s*{key}:")
            .explode()
            .drop_nulls()
            .str.strip_chars(" |;:,")
        )
        if len(firsts) == 1:
            found.append(
                _Cells(name, (*columns,), min(firsts), (*keys.unique(maintain_order=True),), notation)
            )
    return found


def _rows(frame: pl.DataFrame, cells: _Cells) -> tuple[UnpackedRows, pl.DataFrame]:
    others = [name for name in frame.columns if name not in cells.columns]
    inner = fields_of_things(cells.name, {key: (key,) for key in cells.keys})
    called = called_besides(inner, others, cells.name, ())
    columns = {name: quote(name) for name in others}
    columns |= {
        called[key]: f"nullif(regexp_replace(regexp_extract(element, {literal(cells.field(path[0]))}, 1), "
        rf"'\\([|:;,=\\])', '\1', 'g'), '')"
        for key, path in inner.items()
    }
    text = pl.concat_str([pl.col(name) for name in cells.columns], separator=_SIGN, ignore_nulls=True)
    split = text.str.replace_all(cells._start, f"{_SIGN}${{1}}").str.split(_SIGN)
    rows = frame.select(*others, element=split).explode("element", empty_as_null=True)
    rows = rows.with_columns(
        _unescaped(pl.col("element").str.extract(cells.field(path[0]))).alias(called[key])
        for key, path in inner.items()
    )
    names = {new: key for key, new in called.items()}
    elements = f"string_split({cells.text}, chr(30))"
    return UnpackedRows(columns, (*others,), {}, elements, names), rows.select(*columns)


def _unescaped(value: pl.Expr) -> pl.Expr:
    plain = value.str.replace_all(r"\\([|:;,=\\])", "${1}")
    return pl.when(plain.str.len_chars() > 0).then(plain)


def _numbered_pattern(name: str) -> str:
    return f"(?i)^{re.escape(name)}_?[0-9]+$"
