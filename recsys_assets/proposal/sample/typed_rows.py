"""Rows of typed files, such as Parquet: fields of records as columns, and elements of a list as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from recsys_assets.proposal.names.known_names import known_role
from recsys_assets.proposal.sample.record_fields import (
    DEEPEST,
    ELEMENT,
    Path,
    are_things,
    called_besides,
    fields_of_things,
    is_a_thing,
    is_of_other_things,
    named_fields,
)
from recsys_assets.proposal.sample.unpacked_rows import UnpackedRows
from recsys_lineage.sql.names import quote


def unnested(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The fields of records in a typed frame as columns, and the elements of a list as rows if they are products or
    name them and no other column does; None if no record has a known field."""
    paths = _typed_fields(frame.schema)
    listed = _list_of_things(frame, paths)
    of_list = pl.lit(None)
    if listed:
        of_list = _field(pl.col(paths[listed][0]), paths[listed][1:])
    with_list = frame.filter(of_list.list.len() > 0) if listed else frame.clear()
    filled = {name for name, path in paths.items() if name != listed and _has_values(with_list, path)}
    if any(map(is_a_thing, filled if with_list.height else paths.keys() - {listed})):
        listed = ""
    if not listed and not any(len(path) > 1 and known_role(name) for name, path in paths.items()):
        return None
    others = {name: path for name, path in paths.items() if name != listed}
    columns = {name: _dotted("", path) for name, path in others.items()}
    values = {name: _field(pl.col(path[0]), path[1:]) for name, path in others.items()}
    if not listed:
        made = frame.select(value.alias(name) for name, value in values.items())
        return UnpackedRows(columns, tuple(frame.columns), {}), made
    element = "element"
    while element in frame.columns:
        element += "_"
    rows = frame.with_columns(of_list.alias(element)).explode(element, empty_as_null=True)
    type_ = rows.schema[element]
    inner = {ELEMENT: ()}
    if isinstance(type_, pl.Struct):
        inner = fields_of_things(listed, _typed_fields(type_.to_schema()))
    types = {key: rows.select(_field(pl.col(element), path)).dtypes for key, path in inner.items()}
    either = {
        key
        for key in inner
        if key in others and key not in filled and types[key] == rows.select(values[key]).dtypes
    }
    called = called_besides(inner, others, listed, either)
    for key, new in called.items():
        of_each, value = _dotted("element", inner[key]), _field(pl.col(element), inner[key])
        columns[new] = f"coalesce({of_each}, {columns[new]})" if key in either else of_each
        values[new] = pl.coalesce(value, values[new]) if key in either else value
    made = rows.select(value.alias(name) for name, value in values.items())
    names = {new: key for key, new in called.items()}
    return UnpackedRows(columns, tuple(frame.columns), {}, _dotted("", paths[listed]), names), made


def _list_of_things(frame: pl.DataFrame, paths: Mapping[str, Path]) -> str:
    """Name of a list whose elements are products or name them; empty if there is none. Of several, the one that most
    rows have counts."""
    types = {name: frame.select(_field(pl.col(path[0]), path[1:])).dtypes[0] for name, path in paths.items()}
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
    lengths = {name: _field(pl.col(paths[name][0]), paths[name][1:]).list.len() for name in found}
    return max(found, key=lambda name: frame.select((lengths[name] > 0).sum()).item(), default="")


def _has_values(frame: pl.DataFrame, path: Path) -> bool:
    return frame.select(_field(pl.col(path[0]), path[1:]).is_not_null().any()).item()


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


def _field(value: pl.Expr, path: Path) -> pl.Expr:
    for name in path:
        value = value.struct.field(name)
    return value


def _dotted(of: str, path: Path) -> str:
    return ".".join([*([of] if of else []), *map(quote, path)])
