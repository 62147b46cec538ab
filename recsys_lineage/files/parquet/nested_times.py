"""Times inside structs, lists and maps that have a zone in some Parquet files, and none in others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

import duckdb
from duckdb import sqltypes

from recsys_lineage.sql.names import quote

_Path = tuple[str, ...]
_ZONED = "TIME ZONE"


def times_as_text(types: Collection[str]) -> Mapping[str, str]:
    """Type of a nested column → the type in which times are text that have a zone in some of the types only.

    DuckDB would take the others for UTC in the common type, whatever the shop's clock is. Types that need no change are
    left out.
    """
    found: dict[_Path, set[bool]] = {}
    parsed = {type_: duckdb.sqltype(type_) for type_ in types}
    for path, zoned in chain.from_iterable(map(_times, parsed.values())):
        found.setdefault(path, set()).add(zoned)
    mixed = {path for path, zones in found.items() if len(zones) > 1}
    return {
        name: _written(type_, mixed)
        for name, type_ in parsed.items()
        if mixed.intersection(path for path, _ in _times(type_))
    }


def _times(type_: sqltypes.DuckDBPyType, at: _Path = ()) -> Iterator[tuple[_Path, bool]]:
    """The place of each time in a type, and whether it has a zone."""
    name = str(type_)
    if type_.id in ("struct", "list", "array", "map"):
        for part, inner in type_.children:
            if isinstance(inner, sqltypes.DuckDBPyType):  # else the size of an array
                yield from _times(inner, (*at, part.casefold()))
    elif name == "DATE" or name.startswith("TIMESTAMP"):
        yield at, name.startswith("TIMESTAMPTZ") or name.endswith(_ZONED)


def _written(type_: sqltypes.DuckDBPyType, as_text: Collection[_Path], at: _Path = ()) -> str:
    """The SQL of a type with text at some places."""
    if at in as_text:
        return "VARCHAR"
    if type_.id not in ("struct", "list", "array", "map"):
        return str(type_)
    parts = {
        part: _written(inner, as_text, (*at, part.casefold()))
        if isinstance(inner, sqltypes.DuckDBPyType)
        else str(inner)
        for part, inner in type_.children
    }
    if type_.id == "struct":
        return f"STRUCT({', '.join(f'{quote(part)} {inner}' for part, inner in parts.items())})"
    if type_.id == "map":
        return f"MAP({parts['key']}, {parts['value']})"
    return f"{parts['child']}[{parts.get('size', '')}]"
