"""Shapes of columns of Parquet files, such as single value, list or struct, on which files of a scan agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from recsys_lineage.files.fault import FileFault
from recsys_lineage.files.source_file import SourceFile
from recsys_lineage.spelling import folded

Place = tuple[str, ...]
"""The folded name of a column, and of the parts that lead into it."""
Shapes = tuple[tuple[Place, str], ...]
"""The shape at each place of a file; most files of a scan share one."""

_TEXT, _BYTES, _NUMBER, _TIME, _OTHER = "text", "bytes", "a number", "a time", "another value"
_SINGLE = {_TEXT, _NUMBER, _TIME, _OTHER}


def column_shapes(schema: pa.Schema, columns: Collection[str], *, bytes_are_text: bool) -> Shapes:
    """The shape of each column and of its parts; of columns without values nothing is known.

    Args:
        schema: the columns of a file.
        columns: those that are wanted.
        bytes_are_text: whether bytes are read as text.
    """
    wanted = set(map(folded, columns))
    found: dict[Place, str] = {}
    for field in schema:
        if folded(field.name) in wanted:
            found.update(_shapes(field.type, (folded(field.name),)))
    return tuple(
        (place, _TEXT if bytes_are_text and shape == _BYTES else shape) for place, shape in found.items()
    )


def _shapes(type_: pa.DataType, at: Place) -> Iterator[tuple[Place, str]]:
    kinds = pa.types
    if kinds.is_dictionary(type_):
        yield from _shapes(type_.value_type, at)
    elif kinds.is_map(type_):
        yield at, "a map"
        yield from _shapes(type_.key_type, (*at, "key"))
        yield from _shapes(type_.item_type, (*at, "value"))
    elif kinds.is_list(type_) or kinds.is_large_list(type_) or kinds.is_fixed_size_list(type_):
        yield at, "a list"
        yield from _shapes(type_.value_type, (*at, "element"))
    elif kinds.is_struct(type_):
        yield at, "a struct"
        for number in range(type_.num_fields):
            part = type_.field(number)
            yield from _shapes(part.type, (*at, folded(part.name)))
    elif not (kinds.is_null(type_) or kinds.is_fixed_size_binary(type_)):
        # bytes of a fixed size may be UUIDs or intervals
        yield at, _single(type_)


def _single(type_: pa.DataType) -> str:
    kinds = pa.types
    if kinds.is_string(type_) or kinds.is_large_string(type_):
        return _TEXT
    if kinds.is_binary(type_) or kinds.is_large_binary(type_):
        return _BYTES
    if kinds.is_integer(type_) or kinds.is_floating(type_) or kinds.is_decimal(type_):
        return _NUMBER
    return _TIME if kinds.is_timestamp(type_) or kinds.is_date(type_) else _OTHER


def faults_of_shapes(files: Mapping[Shapes, Sequence[SourceFile]]) -> dict[str, FileFault]:
    """File → the fault of one whose columns have other shapes than in most files; of equally many, than in the oldest.

    Such files have no common type, and one would keep all others from being read.
    """
    faults: dict[str, FileFault] = {}
    if len(files) < 2:
        return faults
    by_place: dict[Place, dict[str, list[SourceFile]]] = {}
    for shapes, its in files.items():
        for place, shape in shapes:
            by_place.setdefault(place, {}).setdefault(shape, []).extend(its)
    for place, held in by_place.items():
        first = {shape: min(its, key=_age) for shape, its in held.items()}
        ranked = sorted(held, key=lambda shape: (-len(held[shape]), _age(first[shape])))
        alike = _alike(ranked, nested=len(place) > 1)
        for shape in ranked:
            if shape not in alike:
                for file in held[shape]:
                    example = first[ranked[0]].path
                    faults.setdefault(file.path, _fault(file.path, place, shape, ranked[0], example))
    return faults


def _age(file: SourceFile) -> tuple[datetime, str]:
    return file.modified, file.path


def _alike(ranked: Sequence[str], *, nested: bool) -> set[str]:
    """The shapes that have a common type with the first one, and with each other, so that any files have one.

    A column of single values becomes text; what lies inside a column does so only beside text.
    """
    if ranked[0] not in _SINGLE:
        return {ranked[0]}
    if not nested:
        return _SINGLE
    return {_TEXT, *[shape for shape in ranked if shape in _SINGLE and shape != _TEXT][:1]}


def _fault(path: str, place: Place, shape: str, most: str, example: str) -> FileFault:
    column = f"the column {'.'.join(place)!r}"
    advice = "Deliver it as the others, or give such files a scan of their own in the SQL, as by UNION ALL BY NAME."
    if _BYTES in (shape, most):
        advice = f"Where the bytes are text, add binary_as_string = true to the scan. {advice}"
    return FileFault(path, f"{column} as {most}, as in {example}", shape, advice)
