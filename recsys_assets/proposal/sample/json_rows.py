"""Rows of JSON: lines of records, and cells of other files that hold records or lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import polars as pl

from recsys_assets.proposal.names.known_names import known_role
from recsys_assets.proposal.sample.json_records import (
    NO_LIST,
    Json,
    OpenedRecords,
    elements_of,
    fields_of_elements,
    fields_of_records,
    list_of_events,
    list_of_things,
    opened_records,
    text_of,
    value_at,
)
from recsys_assets.proposal.sample.record_fields import Path, called_besides, is_a_thing
from recsys_assets.proposal.sample.unpacked_rows import RECORD, UnpackedRows, outer_element
from recsys_lineage.sql.names import literal, quote

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
    fields = fields_of_records(records)
    if path := list_of_events(records, fields):
        raise RecordsInOneLine(path)
    opened = opened_records(records, fields)
    made = _Unpacking(opened, partial(_below, RECORD), *list_of_things(opened.records, opened.fields))
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
    fields = {name: path for name, path in fields_of_records(records).items() if name not in plain}
    opened, things = OpenedRecords(records, range(len(records)), fields), NO_LIST
    if not any(map(is_a_thing, plain)):
        opened = opened_records(records, fields, plain)
        things = list_of_things(opened.records, opened.fields)
    if not things[0] and not any(known_role(name) for name, path in fields.items() if len(path) > 1):
        return None
    made = _Unpacking(opened, _of_cell, *things, further=plain)
    places = [
        place
        for place, record in zip(opened.places, opened.records, strict=True)
        for _ in range(max(1, len(elements_of(record, things[0]))))
    ]
    rows = pl.DataFrame(made.rows(), schema=dict.fromkeys(made.columns, pl.String))
    found = made.unpacked(
        tuple(frame.columns), {n: _valid(quote(n)) if n in cells else quote(n) for n in frame.columns}
    )
    unpacked = replace(found, columns={name: quote(name) for name in plain} | dict(found.columns))
    return unpacked, pl.concat([frame[places].select(plain), rows], how="horizontal").head(most)


@dataclass(frozen=True)
class _Unpacking:
    """Extraction of fields, and of the elements of one list, from records.

    Attributes:
        opened: the sampled records, and their fields by name.
        of: SQL for what is at a path: its text, or by `_TEXTS` and `_ELEMENTS` the elements of a list.
        listed: path of the list whose elements become rows; empty if there is none.
        with_list: the records that have it.
        further: names of other columns.
    """

    opened: OpenedRecords
    of: Callable[[Path, str], str]
    listed: Path
    with_list: Sequence[Json]
    further: Collection[str] = ()

    @property
    def records(self) -> Sequence[Json]:
        """The sampled records."""
        return self.opened.records

    @property
    def fields(self) -> Mapping[str, Path]:
        """Their fields by name."""
        return self.opened.fields

    def sql(self, path: Path, what: str) -> str:
        """SQL for what is at a path of a record, or of an element of an outer list."""
        elements = [outer_element(place + 1) for place in range(len(self.opened.outer))]
        return _below(path[0], path[1:], what) if path[:1] and path[0] in elements else self.of(path, what)

    @property
    def _of_list(self) -> str:
        """Name of the list."""
        return next((name for name, path in self.fields.items() if path == self.listed), "")

    @property
    def _inner(self) -> dict[str, Path]:
        """The fields of the list's elements."""
        elements = [each for record in self.records for each in elements_of(record, self.listed)]
        return fields_of_elements(elements, self._of_list)

    @property
    def _others(self) -> dict[str, Path]:
        return {name: path for name, path in self.fields.items() if path != self.listed}

    @property
    def _either(self) -> set[str]:
        """Fields of elements that a record without the list has itself, of its one product."""
        return {
            key
            for key in self._inner
            if key in self._others and not any(text_of(value_at(r, self.fields[key])) for r in self.with_list)
        }

    @property
    def _called(self) -> dict[str, str]:
        """Field of the elements → its name among all columns."""
        return called_besides(self._inner, {*self._others, *self.further}, self._of_list, self._either)

    @property
    def columns(self) -> dict[str, str]:
        """Column → its SQL."""
        columns = {
            name: self._value(self.sql, path, [value_at(record, path) for record in self.records])
            for name, path in self._others.items()
        }
        elements = [each for record in self.records for each in elements_of(record, self.listed)]
        inner, either = self._inner, self._either
        for key, name in self._called.items():
            of_each = self._value(
                partial(_below, "element"), inner[key], [value_at(each, inner[key]) for each in elements]
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
            flat = {name: text_of(value_at(record, path)) for name, path in others.items()}
            for each in elements_of(record, self.listed) or [None]:
                own = (
                    {name: text_of(value_at(each, inner[key])) for key, name in called.items()}
                    if each is not None
                    else {}
                )
                found.append(flat | {n: flat.get(n) if text is None else text for n, text in own.items()})
        return found

    def unpacked(self, taken: tuple[str, ...], checks: Mapping[str, str]) -> UnpackedRows:
        """The extraction, from some columns of a scan."""
        elements = self.sql(self.listed, _ELEMENTS) if self.listed else ""
        names = {name: key for key, name in self._called.items()}
        outer = {name: self.sql(path, _ELEMENTS) for name, path in self.opened.outer.items()}
        return UnpackedRows(self.columns, taken, checks, elements, names, outer)


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


def _path(names: Sequence[str], more: str = "") -> str:
    escaped = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    return literal("$" + "".join(f'."{name}"' for name in escaped) + more)
