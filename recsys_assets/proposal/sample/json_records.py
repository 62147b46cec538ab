"""Records of JSON: their fields, and the lists of records in them that become rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from recsys_assets.proposal.sample.record_fields import (
    DEEPEST,
    ELEMENT,
    Path,
    are_things,
    called_besides,
    fields_of_orders,
    fields_of_things,
    is_a_person,
    is_a_thing,
    is_of_other_things,
    named_fields,
)
from recsys_assets.proposal.sample.unpacked_rows import outer_element

Json: TypeAlias = Mapping[str, Any]
NO_LIST: tuple[Path, Sequence[Json]] = ((), ())
"""Path of no list, and the records that have it."""


@dataclass(frozen=True)
class OpenedRecords:
    """Records whose outer lists are taken apart: one for each element of these, which it holds beside its own fields.

    Attributes:
        records: the records.
        places: of the record that each comes from.
        fields: all their fields by name.
        outer: name → path of each such list, the outermost first.
    """

    records: Sequence[Json]
    places: Sequence[int]
    fields: Mapping[str, Path]
    outer: Mapping[str, Path] = field(default_factory=dict)


def opened_records(
    records: Sequence[Json], fields: Mapping[str, Path], further: Collection[str] = ()
) -> OpenedRecords:
    """The records, with lists taken apart until one has a list of products, as the actions of a visit have.

    Args:
        records: the records.
        fields: their fields by name.
        further: names of other columns.
    """
    opened = OpenedRecords(records, range(len(records)), fields)
    while name := _list_around(opened.records, opened.fields):
        path, element = opened.fields[name], outer_element(len(opened.outer) + 1)
        pairs = [
            (place, {**record, element: each})
            for place, record in zip(opened.places, opened.records, strict=True)
            for each in elements_of(record, path) or [None]
        ]
        rows = [row for _, row in pairs]
        others = {other: way for other, way in opened.fields.items() if other != name}
        inner = fields_of_orders(
            name, fields_of_records([row[element] for row in rows if isinstance(row[element], dict)])
        )
        called = called_besides(inner, {*others, *further}, name, ())
        others |= {called[key]: (element, *way) for key, way in inner.items()}
        opened = OpenedRecords(rows, [place for place, _ in pairs], others, {**opened.outer, name: path})
    return opened


def fields_of_records(records: Sequence[Json]) -> dict[str, Path]:
    """The fields of records, nested ones too, by their names."""
    return named_fields(path for record in records for path in _leaves(record, ()))


def fields_of_elements(elements: Sequence[object], listed: str) -> dict[str, Path]:
    """The fields of a list's records; of a list of texts and numbers, these are the products."""
    records = [each for each in elements if isinstance(each, dict)]
    return fields_of_things(listed, fields_of_records(records)) if records or not elements else {ELEMENT: ()}


def _leaves(record: Json, above: Path) -> Iterator[Path]:
    for key, value in record.items():
        path = (*above, key)
        if isinstance(value, dict) and value and len(path) < DEEPEST:
            yield from _leaves(value, path)
        else:
            yield path


def list_of_things(records: Sequence[Json], fields: Mapping[str, Path]) -> tuple[Path, Sequence[Json]]:
    """The path of the list whose elements are products or name them, and the records that have it; empty if there is
    none, or the records name products themselves. Of several lists the one that most records have counts.
    """
    own = [path for name, path in fields.items() if is_a_thing(name)]
    found = [NO_LIST]
    for name, path in fields.items():
        if is_of_other_things(name):
            continue
        having = [record for record in records if elements_of(record, path)]
        elements = [each for record in having for each in elements_of(record, path)]
        of_records = any(isinstance(each, dict) for each in elements)
        names_things = (
            any(map(is_a_thing, fields_of_elements(elements, name))) if of_records else are_things(name)
        )
        if (
            elements
            and names_things
            and not any(text_of(value_at(record, each)) for record in having for each in own if each != path)
        ):
            found.append((path, having))
    return max(found, key=lambda each: len(each[1]))


def _list_around(records: Sequence[Json], fields: Mapping[str, Path]) -> str:
    """Name of a list whose records have a list of products, at whatever depth, and name none themselves then; empty if
    there is none. Of several lists the one that most records have counts."""
    things, _ = list_of_things(records, fields)
    own = [path for name, path in fields.items() if is_a_thing(name)]
    found: dict[str, int] = {}
    for name, path in fields.items():
        having = [record for record in records if elements_of(record, path)]
        if (
            (things and path != things)
            or is_of_other_things(name)
            or any(text_of(value_at(record, each)) for record in having for each in own)
        ):
            continue
        elements = [each for record in having for each in elements_of(record, path) if isinstance(each, dict)]
        inner = fields_of_records(elements)
        if elements and (list_of_things(elements, inner)[0] or _list_around(elements, inner)):
            found[name] = len(having)
    return max(found, key=lambda name: found[name], default="")


def list_of_events(records: Sequence[Json], fields: Mapping[str, Path]) -> Path:
    """The path of a list of records with customers, where no field beside it names one; empty if there is none."""
    if any(is_a_person(name) for name in fields):
        return ()
    for path in fields.values():
        elements = [
            each for record in records for each in elements_of(record, path) if isinstance(each, dict)
        ]
        if any(map(is_a_person, fields_of_records(elements))):
            return path
    return ()


def elements_of(record: Json, path: Path) -> list[object]:
    """The elements of the list at a path: its records, or texts and numbers where it has none."""
    found = value_at(record, path) if path else None
    there = [each for each in found if each is not None] if isinstance(found, list) else []
    records = [each for each in there if isinstance(each, dict)]
    return [*records] if records else [each for each in there if not isinstance(each, list)]


def value_at(record: object, path: Sequence[str]) -> object:
    """The value at a path of keys; None if there is none."""
    found: Any = record
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def text_of(value: object) -> str | None:
    """A value of JSON as text, with bars between those of a list; None for an empty one."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, list):
        return "|".join(text for each in value if (text := text_of(each)) is not None) or None
    return json.dumps(value, ensure_ascii=False)
