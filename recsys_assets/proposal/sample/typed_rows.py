"""Rows of typed files, such as Parquet: fields of records as columns, and elements of a list as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from recsys_assets.proposal.names.known_names import known_role
from recsys_assets.proposal.sample.record_fields import (
    DEEPEST,
    ELEMENT,
    Path,
    are_things,
    called_besides,
    fields_of_orders,
    fields_of_things,
    is_a_thing,
    is_of_other_things,
    named_fields,
)
from recsys_assets.proposal.sample.unpacked_rows import UnpackedRows, outer_element
from recsys_lineage.sql.names import quote


def unnested(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The fields of records in a typed frame as columns, and the elements of a list as rows if they are products or
    name them and no other column does; None if no record has a known field.

    Lists around that one become rows too, as the orders of a customer do.
    """
    opened = _opened(frame)
    rows, paths, listed = opened.rows, opened.paths, _list_of_things(opened.rows, opened.paths)
    of_list = _field(paths[listed]) if listed else pl.lit(None)
    with_list = rows.filter(of_list.list.len() > 0) if listed else rows.clear()
    filled = {name for name, path in paths.items() if name != listed and _has_values(with_list, path)}
    if any(map(is_a_thing, filled if with_list.height else paths.keys() - {listed})):
        listed = ""
    if not listed and not any(len(path) > 1 and known_role(name) for name, path in paths.items()):
        return None
    others = {name: path for name, path in paths.items() if name != listed}
    columns = {name: _dotted("", path) for name, path in others.items()}
    values = {name: _field(path) for name, path in others.items()}
    taken = tuple(frame.columns)
    if not listed:
        made = rows.select(value.alias(name) for name, value in values.items())
        return UnpackedRows(columns, taken, {}, outer=opened.outer), made
    element = "element"
    while element in rows.columns:
        element += "_"
    rows = rows.with_columns(of_list.alias(element)).explode(element, empty_as_null=True)
    type_ = rows.schema[element]
    inner = {ELEMENT: ()}
    if isinstance(type_, pl.Struct):
        inner = fields_of_things(listed, _typed_fields(type_.to_schema()))
    types = {key: rows.select(_field((element, *path))).dtypes for key, path in inner.items()}
    either = {
        key
        for key in inner
        if key in others and key not in filled and types[key] == rows.select(values[key]).dtypes
    }
    called = called_besides(inner, others, listed, either)
    for key, new in called.items():
        of_each, value = _dotted("element", inner[key]), _field((element, *inner[key]))
        columns[new] = f"coalesce({of_each}, {columns[new]})" if key in either else of_each
        values[new] = pl.coalesce(value, values[new]) if key in either else value
    made = rows.select(value.alias(name) for name, value in values.items())
    names = {new: key for key, new in called.items()}
    return UnpackedRows(columns, taken, {}, _dotted("", paths[listed]), names, opened.outer), made


@dataclass(frozen=True)
class _Opened:
    """A frame whose outer lists are taken apart: a row for each element of these, which stands in a column of its own.

    Attributes:
        rows: the frame.
        paths: all fields by name.
        outer: name → SQL of each such list, the outermost first.
    """

    rows: pl.DataFrame
    paths: Mapping[str, Path]
    outer: Mapping[str, str] = field(default_factory=dict)


def _opened(frame: pl.DataFrame) -> _Opened:
    """The frame, with lists taken apart until one holds a list of products."""
    opened = _Opened(frame, _typed_fields(frame.schema))
    while listed := _list_around(opened.rows, opened.paths):
        path, element = opened.paths[listed], outer_element(len(opened.outer) + 1)
        rows = opened.rows.with_columns(_field(path).alias(element)).explode(element, empty_as_null=True)
        others = {name: way for name, way in opened.paths.items() if name != listed}
        inner = fields_of_orders(listed, _typed_fields(_elements_of(opened.rows, path)))
        called = called_besides(inner, others, listed, ())
        others |= {called[key]: (element, *way) for key, way in inner.items()}
        opened = _Opened(rows, others, {**opened.outer, listed: _dotted("", path)})
    return opened


def _list_around(frame: pl.DataFrame, paths: Mapping[str, Path]) -> str:
    """Name of a list whose records have a list of products and name none themselves; empty if there is none."""
    things = _list_of_things(frame, paths)
    having = {
        name: frame.filter(_field(path).list.len() > 0)
        for name, path in paths.items()
        if things in ("", name) and not is_of_other_things(name) and _elements_of(frame, path)
    }
    found = {}
    for name, rows in having.items():
        if any(_has_values(rows, path) for other, path in paths.items() if is_a_thing(other)):
            continue
        elements = rows.select(_field(paths[name]).alias("element")).explode("element").unnest("element")
        inner = _typed_fields(elements.schema)
        if _list_of_things(elements, inner) or _list_around(elements, inner):
            found[name] = rows.height
    return max(found, key=lambda name: found[name], default="")


def _elements_of(frame: pl.DataFrame, path: Path) -> Mapping[str, Any]:
    """The fields of the records in a list, with their types; empty if it is no list of records."""
    (type_,) = frame.select(_field(path)).dtypes
    inner = type_.inner if isinstance(type_, pl.List) else None
    return inner.to_schema() if isinstance(inner, pl.Struct) else {}


def _list_of_things(frame: pl.DataFrame, paths: Mapping[str, Path]) -> str:
    """Name of a list whose elements are products or name them; empty if there is none. Of several, the one that most
    rows have counts."""
    types = {name: frame.select(_field(path)).dtypes[0] for name, path in paths.items()}
    lists = {name: type_.inner for name, type_ in types.items() if isinstance(type_, pl.List)}
    found = [
        name
        for name, inner in lists.items()
        if not is_of_other_things(name)
        and (
            any(map(is_a_thing, fields_of_things(name, _typed_fields(inner.to_schema()))))
            if isinstance(inner, pl.Struct)
            else not inner.is_nested() and are_things(name)
        )
    ]
    lengths = {name: _field(paths[name]).list.len() for name in found}
    return max(found, key=lambda name: frame.select((lengths[name] > 0).sum()).item(), default="")


def _has_values(frame: pl.DataFrame, path: Path) -> bool:
    return frame.select(_field(path).is_not_null().any()).item()


def _typed_fields(schema: Mapping[str, Any]) -> dict[str, Path]:
    """The fields of a typed record, nested ones too, by their names."""
    return named_fields(_leaves(schema, ()))


def _leaves(schema: Mapping[str, Any], above: Path) -> list[Path]:
    found: list[Path] = []
    for name, type_ in schema.items():
        path = (*above, name)
        inner = isinstance(type_, pl.Struct) and len(path) < DEEPEST
        found += _leaves(type_.to_schema(), path) if inner else [path]
    return found


def _field(path: Path) -> pl.Expr:
    value = pl.col(path[0])
    for name in path[1:]:
        value = value.struct.field(name)
    return value


def _dotted(of: str, path: Path) -> str:
    return ".".join([*([of] if of else []), *map(quote, path)])
