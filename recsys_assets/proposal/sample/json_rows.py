"""Rows of JSON: lines of records, and cells of other files that hold records or lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import polars as pl

from recsys_assets.proposal.names.known_names import known_role
from recsys_assets.proposal.sample.record_fields import (
    DEEPEST,
    ELEMENT,
    Path,
    are_things,
    called_besides,
    fields_of_things,
    is_a_person,
    is_a_thing,
    is_of_other_things,
    named_fields,
)
from recsys_assets.proposal.sample.unpacked_rows import RECORD, UnpackedRows
from recsys_lineage.sql.names import literal, quote

_Json: TypeAlias = Mapping[str, Any]
_COMPARED = 200
"""Number of a column's values that must all be JSON."""


class NotJsonLines(ValueError):
    """A JSON text without a record in each line."""


class RecordsInOneLine(ValueError):
    """A JSON text whose lines hold lists of records with customers, as answers of web services do.

    Attributes:
        path: keys to the list.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"each of its lines holds a list of records ({'.'.join(path)})")
        self.path = path


def json_lines(text: str, most: int) -> tuple[UnpackedRows, pl.DataFrame, str]:
    """The fields of the first lines of JSON, nested ones too, with their values as text, and doubts.

    If a record has no product itself, but a list in it has several, each of these becomes a row; so one file may hold
    events of one product and of several.

    Raises:
        NotJsonLines: at most half of the lines are objects.
        RecordsInOneLine: they are objects that hold the records.
    """
    lines = [line for line in islice(text.split("\n"), most) if line.strip()]
    records = [record for line in lines if isinstance(record := _parsed(line), dict)]
    broken = len(lines) - len(records)
    if broken >= len(records):
        raise NotJsonLines("its lines are not each an object of JSON")
    note = (
        f"{broken} of {len(lines)} lines are no JSON, as where a file ends too early; their rows are rejected"
    )
    fields = _fields(records)
    if path := _list_of_events(records, fields):
        raise RecordsInOneLine(path)
    made = _Unpacking(records, fields, partial(_below, RECORD), *_list_of_things(records, fields))
    checks = {RECORD: _valid(RECORD)}
    frame = pl.DataFrame(made.rows()[:most], schema=dict.fromkeys(made.columns, pl.String))
    return made.unpacked((RECORD,), checks), frame, note if broken else ""


def json_cells(frame: pl.DataFrame, most: int) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The rows of a file some of whose columns hold JSON, as databases export what they keep as objects and lists.

    Fields of objects become columns; a list of products becomes rows, unless another column names the product.

    Returns:
        None if no column holds JSON that any raw table takes.
    """
    cells = {name: values for name in frame.columns if (values := _json_of(frame[name])) is not None}
    if not cells:
        return None
    plain = [name for name in frame.columns if name not in cells]
    records = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    fields = _fields(records)
    fields = {name: path for name, path in fields.items() if name not in plain}
    things = ((), ()) if any(map(is_a_thing, plain)) else _list_of_things(records, fields)
    if not things[0] and not any(known_role(name) for name, path in fields.items() if len(path) > 1):
        return None
    made = _Unpacking(records, fields, _of_cell, *things, further=plain)
    places = [
        place
        for place, record in enumerate(records)
        for _ in range(max(1, len(_elements(record, things[0]))))
    ]
    rows = pl.DataFrame(made.rows(), schema=dict.fromkeys(made.columns, pl.String))
    found = made.unpacked(
        tuple(frame.columns), {n: _valid(quote(n)) if n in cells else quote(n) for n in frame.columns}
    )
    columns = {name: quote(name) for name in plain} | dict(found.columns)
    unpacked = UnpackedRows(columns, found.taken, found.checks, found.elements, found.of_elements)
    return unpacked, pl.concat([frame[places].select(plain), rows], how="horizontal").head(most)


@dataclass(frozen=True)
class _Unpacking:
    """Extraction of fields, and of the elements of one list, from records.

    Attributes:
        records: the sampled records.
        fields: their fields by name.
        sql: SQL for what is at a path: its text, or by `_TEXTS` and `_ELEMENTS` the elements of a list.
        listed: path of the list whose elements become rows; empty if there is none.
        with_list: the records that have it.
        further: names of other columns.
    """

    records: Sequence[_Json]
    fields: Mapping[str, Path]
    sql: Callable[[Path, str], str]
    listed: Path
    with_list: Sequence[_Json]
    further: Collection[str] = ()

    @property
    def _of_list(self) -> str:
        """Name of the list."""
        return next((name for name, path in self.fields.items() if path == self.listed), "")

    @property
    def _inner(self) -> dict[str, Path]:
        """The fields of the list's elements."""
        elements = [each for record in self.records for each in _elements(record, self.listed)]
        return _fields_of_elements(elements, self._of_list)

    @property
    def _others(self) -> dict[str, Path]:
        return {name: path for name, path in self.fields.items() if path != self.listed}

    @property
    def _either(self) -> set[str]:
        """Fields of elements that a record without the list has itself, of its one product."""
        return {
            key
            for key in self._inner
            if key in self._others and not any(_text(_at(r, self.fields[key])) for r in self.with_list)
        }

    @property
    def _called(self) -> dict[str, str]:
        """Field of the elements → its name among all columns."""
        return called_besides(self._inner, {*self._others, *self.further}, self._of_list, self._either)

    @property
    def columns(self) -> dict[str, str]:
        """Column → its SQL."""
        columns = {
            name: self._value(self.sql, path, [_at(record, path) for record in self.records])
            for name, path in self._others.items()
        }
        elements = [each for record in self.records for each in _elements(record, self.listed)]
        inner, either = self._inner, self._either
        for key, name in self._called.items():
            of_each = self._value(
                partial(_below, "element"), inner[key], [_at(each, inner[key]) for each in elements]
            )
            columns[name] = f"coalesce({of_each}, {columns[name]})" if key in either else of_each
        return columns

    def _value(self, sql: Callable[[Path, str], str], path: Path, values: Sequence[object]) -> str:
        """SQL for a field; the texts of a list are joined with bars."""
        there = [value for value in values if value is not None]
        if there and all(isinstance(value, list) for value in there):
            return f"nullif(array_to_string({sql(path, _TEXTS)}, '|'), '')"
        return sql(path, _TEXT)

    def rows(self) -> list[dict[str, str | None]]:
        """The rows, with the values of all columns as text."""
        found: list[dict[str, str | None]] = []
        inner, called, others = self._inner, self._called, self._others
        for record in self.records:
            flat = {name: _text(_at(record, path)) for name, path in others.items()}
            for each in _elements(record, self.listed) or [None]:
                own = (
                    {name: _text(_at(each, inner[key])) for key, name in called.items()}
                    if each is not None
                    else {}
                )
                found.append(flat | {n: flat.get(n) if text is None else text for n, text in own.items()})
        return found

    def unpacked(self, taken: tuple[str, ...], checks: Mapping[str, str]) -> UnpackedRows:
        """The extraction, from some columns of a scan."""
        elements = self.sql(self.listed, _ELEMENTS) if self.listed else ""
        names = {name: key for key, name in self._called.items()}
        return UnpackedRows(self.columns, taken, checks, elements, names)


def _valid(column: str) -> str:
    return f"CASE WHEN json_valid({column}) THEN {column} END"


_TEXT, _TEXTS, _ELEMENTS = "", "texts", "elements"


def _below(of: str, path: Path, what: str) -> str:
    """SQL for what is at a path of some JSON."""
    return f"{of} {'->' if what == _ELEMENTS else '->>'} {_path(path, '[*]' if what else '')}"


def _of_cell(path: Path, what: str) -> str:
    """SQL for what is at a path of JSON in a column, whose name is the first key."""
    return quote(path[0]) if len(path) == 1 and not what else _below(quote(path[0]), path[1:], what)


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return None


def _json_of(column: pl.Series) -> list[Any] | None:
    """The values of a column of JSON, objects or lists; None for any other column."""
    there = column.drop_nulls()
    if (
        column.dtype != pl.String
        or not there.len()
        or not there.head(_COMPARED).str.contains(r"^\s*[\[{]").all()
    ):
        return None
    if not all(isinstance(_parsed(text), dict | list) for text in there.head(_COMPARED)):
        return None
    return [_parsed(text) if text is not None else None for text in column]


def _fields(records: Sequence[_Json]) -> dict[str, Path]:
    """The fields of records, nested ones too, by their names."""
    return named_fields(path for record in records for path in _leaves(record, ()))


def _fields_of_elements(elements: Sequence[object], listed: str) -> dict[str, Path]:
    """The fields of a list's records; of a list of texts and numbers, these are the products."""
    records = [each for each in elements if isinstance(each, dict)]
    return fields_of_things(listed, _fields(records)) if records or not elements else {ELEMENT: ()}


def _leaves(record: _Json, above: Path) -> Iterator[Path]:
    for key, value in record.items():
        path = (*above, key)
        if isinstance(value, dict) and value and len(path) < DEEPEST:
            yield from _leaves(value, path)
        else:
            yield path


def _list_of_things(records: Sequence[_Json], fields: Mapping[str, Path]) -> tuple[Path, Sequence[_Json]]:
    """The path of the list whose elements are products or name them, and the records that have it; empty if there is
    none, or the records name products themselves. Of several lists the one that most records have counts.
    """
    own = [path for name, path in fields.items() if is_a_thing(name)]
    found: list[tuple[Path, Sequence[_Json]]] = [((), ())]
    for name, path in fields.items():
        if is_of_other_things(name):
            continue
        having = [record for record in records if _elements(record, path)]
        elements = [each for record in having for each in _elements(record, path)]
        of_records = any(isinstance(each, dict) for each in elements)
        names_things = (
            any(map(is_a_thing, _fields_of_elements(elements, name))) if of_records else are_things(name)
        )
        if (
            elements
            and names_things
            and not any(_text(_at(record, each)) for record in having for each in own if each != path)
        ):
            found.append((path, having))
    return max(found, key=lambda each: len(each[1]))


def _list_of_events(records: Sequence[_Json], fields: Mapping[str, Path]) -> Path:
    """The path of a list of records with customers, where no field beside it names one; empty if there is none."""
    if any(is_a_person(name) for name in fields):
        return ()
    for path in fields.values():
        elements = [each for record in records for each in _elements(record, path) if isinstance(each, dict)]
        if any(map(is_a_person, _fields(elements))):
            return path
    return ()


def _elements(record: _Json, path: Path) -> list[object]:
    """The elements of the list at a path: its records, or texts and numbers where it has none."""
    found = _at(record, path) if path else None
    there = [each for each in found if each is not None] if isinstance(found, list) else []
    records = [each for each in there if isinstance(each, dict)]
    return [*records] if records else [each for each in there if not isinstance(each, list)]


def _at(record: object, path: Sequence[str]) -> object:
    found: Any = record
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, list):
        return "|".join(text for each in value if (text := _text(each)) is not None) or None
    return json.dumps(value, ensure_ascii=False)


def _path(names: Sequence[str], more: str = "") -> str:
    escaped = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    return literal("$" + "".join(f'."{name}"' for name in escaped) + more)
