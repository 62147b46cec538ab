"""UnpackedRows: columns that SQL takes out of a file's own, such as fields of a line of JSON, or records in a list."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import polars as pl

from recsys_assets.proposal.known_names import EVENT, IDS, role_rank
from recsys_lineage.sql.names import literal, quote

RECORD = "record"
WHOLE_LINES: Mapping[str, str] = {
    "delim": literal("\\t"),
    "quote": literal(""),
    "header": "false",
    "names": f"[{literal(RECORD)}]",
}
"""Options of `read_csv` by which each line is one column; a line of JSON has no tab but as an escape."""
_SHOWN_LIST = r"^\S+-[01]( \S+-[01])*$"
_FEWEST_LISTS = 5
_Json: TypeAlias = Mapping[str, Any]


class NotJsonLines(ValueError):
    """A text of JSON that has no record in each line."""


@dataclass(frozen=True)
class UnpackedRows:
    """How rows and columns come out of those that a scan has.

    Attributes:
        columns: name → SQL of it, over the columns of the scan and, where there are elements, of `element`.
        taken: columns of the scan that are needed.
        checks: SQL for some of `taken` that makes NULL of what would stop a query.
        elements: SQL of a list of which each element is a row; a row without any stays, with empty columns.
    """

    columns: Mapping[str, str]
    taken: tuple[str, ...]
    checks: Mapping[str, str]
    elements: str = ""

    @property
    def beside_elements(self) -> set[str]:
        """The columns that all rows of one list share; none where each row is a record of its own."""
        if not self.elements:
            return set()
        return {name for name, sql in self.columns.items() if "element" not in sql}

    def relation(self, scan: str, names: Collection[str]) -> str:
        """A subquery with some of the columns, `_file` and `_line`."""
        made = ", ".join(f"{sql} AS {quote(name)}" for name, sql in self.columns.items() if name in names)
        inner = scan
        if self.checks:
            checked = ", ".join(f"{sql} AS {quote(name)}" for name, sql in self.checks.items())
            inner = f"(SELECT {checked}, _file, _line FROM {inner})"
        if self.elements:
            # a row whose list is empty stays, so that it is refused and not lost
            each = (
                f"unnest(CASE WHEN len({self.elements}) > 0 THEN {self.elements} ELSE [NULL] END) AS element"
            )
            kept = "".join(f"{quote(name)}, " for name in self.taken)
            inner = f"(SELECT {kept}{each}, _file, _line FROM {inner})"
        return f"(\n    SELECT {made}, _file, _line\n    FROM {inner}\n)"


def parts_of_lines(width: int, separator: str) -> UnpackedRows:
    """Columns of lines whose fields stand between separators of several signs, such as `::`."""
    columns = {
        f"column_{place}": f"nullif(split_part({RECORD}, {literal(separator)}, {place}), '')"
        for place in range(1, width + 1)
    }
    return UnpackedRows(columns, (RECORD,), {})


def json_lines(text: str, most: int) -> tuple[UnpackedRows, pl.DataFrame, str]:
    """The fields of the first lines of JSON, those of objects in them too, their values as text, and what is unsure.

    Where no field of a record names a product, and one of the records in a list of it does, each of these is a row.

    Raises:
        NotJsonLines: at most half of its lines are objects.
    """
    lines = [line for line in islice(text.split("\n"), most) if line.strip()]
    records = [record for line in lines if (record := _record(line)) is not None]
    broken = len(lines) - len(records)
    if broken >= len(records):
        raise NotJsonLines("its lines are not each an object of JSON")
    note = (
        f"{broken} of {len(lines)} lines are no JSON, as where a file ends too early; their rows are refused"
    )
    fields = {
        name: (name,) for record in records for name, value in record.items() if not isinstance(value, dict)
    }
    for record in records:
        for name, value in record.items():
            if isinstance(value, dict):
                fields |= {f"{name}.{key}": (name, key) for key in value}
    listed = _list_of_things(records, fields)
    columns = {
        name: _value(RECORD, path, [_at(record, path) for record in records])
        for name, path in fields.items()
        if name != listed
    }
    rows: list[dict[str, str | None]] = []
    inner = dict.fromkeys(key for record in records for each in _records_in(record, listed) for key in each)
    called = {key: f"{listed}.{key}" if key in columns else key for key in inner}
    each_element = [each for record in records for each in _records_in(record, listed)]
    columns |= {
        name: _value("element", (key,), [each.get(key) for each in each_element])
        for key, name in called.items()
    }
    for record in records:
        flat = {name: _text(_at(record, path)) for name, path in fields.items() if name != listed}
        for each in _records_in(record, listed) or [{}]:
            rows.append(flat | {called[key]: _text(value) for key, value in each.items()})
    checks = {RECORD: f"CASE WHEN json_valid({RECORD}) THEN {RECORD} END"}
    elements = f"{RECORD} -> {_path((listed,), '[*]')}" if listed else ""
    frame = pl.DataFrame(rows[:most], schema=dict.fromkeys(columns, pl.String))
    return UnpackedRows(columns, (RECORD,), checks, elements), frame, note if broken else ""


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def shown_and_clicked(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """What was shown together and which of it was clicked, as in `N55689-1 N35729-0`, with a row for each; None where
    no column of texts holds such lists. What was done with it stands in a column of its own."""
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
        rows = frame.with_columns(pl.col(name).str.split(" ")).explode(name)
        clicked = (
            pl.when(pl.col(name).str.ends_with("1")).then(pl.lit("click")).otherwise(pl.lit("impression"))
        )
        rows = rows.with_columns(
            pl.when(pl.col(name).is_not_null()).then(clicked).alias(done), pl.col(name).str.head(-2)
        )
        elements = f"string_split({quote(name)}, ' ')"
        return UnpackedRows(columns, tuple(frame.columns), {}, elements), rows.select(*columns)
    return None


def records_in_lists(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The records in a list of a typed frame as rows, where they name a product and no column does; None otherwise."""
    if any(_is_a_thing(name) for name in frame.columns):
        return None
    for name, type_ in frame.schema.items():
        if not isinstance(type_, pl.List) or not isinstance(type_.inner, pl.Struct):
            continue
        keys = [field.name for field in type_.inner.fields]
        if not any(map(_is_a_thing, keys)):
            continue
        others = [each for each in frame.columns if each != name]
        called = {key: f"{name}.{key}" if key in others else key for key in keys}
        columns = {each: quote(each) for each in others}
        columns |= {new: f"element.{quote(key)}" for key, new in called.items()}
        rows = frame.explode(name)
        rows = rows.with_columns(pl.col(name).struct.field(key).alias(new) for key, new in called.items())
        return UnpackedRows(columns, tuple(frame.columns), {}, quote(name)), rows.select(*columns)
    return None


def _list_of_things(records: Sequence[_Json], fields: Mapping[str, object]) -> str:
    """The list whose records name products; empty where there is none, or the records themselves name them."""
    if any(map(_is_a_thing, fields)):
        return ""
    for name in fields:
        keys = {key for record in records for each in _records_in(record, name) for key in each}
        if any(map(_is_a_thing, keys)):
            return name
    return ""


def _records_in(record: _Json, name: str) -> list[_Json]:
    found = record.get(name) if name else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _is_a_thing(name: str) -> bool:
    return role_rank("item_id", name, IDS["item_id"]) is not None and name not in EVENT["behaviour"]


def _at(record: _Json, path: Sequence[str]) -> object:
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


def _value(of: str, path: Sequence[str], values: Sequence[object]) -> str:
    """SQL for a field; the texts of a list stand in one, with bars between."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, list) for value in there):
        return f"nullif(array_to_string({of} ->> {_path(path, '[*]')}, '|'), '')"
    return f"{of} ->> {_path(path)}"


def _path(names: Sequence[str], more: str = "") -> str:
    escaped = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    return literal("$" + "".join(f'."{name}"' for name in escaped) + more)
