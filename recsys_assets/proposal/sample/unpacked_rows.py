"""UnpackedRows: columns that SQL extracts from a file's columns, such as fields of a JSON line or records in a list."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

import polars as pl

from recsys_assets.proposal.names.built_names import is_a_list_of_things
from recsys_assets.proposal.names.known_names import EVENT, IDS, known_role, plain_name, role_rank
from recsys_lineage.sql.names import literal, quote

RECORD = "record"
WHOLE_LINES: Mapping[str, str] = {
    "delim": literal("\\t"),
    "quote": literal(""),
    "header": "false",
    "names": f"[{literal(RECORD)}]",
}
"""Options of `read_csv` that read each line as one column; JSON has tabs only as escapes."""
_SHOWN_LIST = r"^\S+-[01]( \S+-[01])*$"
_FEWEST_LISTS = 5
_BRACKETS = "[\\[\\]{}\"']"
_BETWEEN = ("|", ";", ",", " ")
"""Separators between the products of a list, the most certain first."""
_WRAPPERS = (
    "source", "payload", "data", "properties", "fields", "record", "value", "after", "body", "attributes", "detail",
    "doc", "document", "params", "node", "message", "eventdata",
)  # fmt: skip
"""Names of objects that exports and queues wrap a record in."""
_DEEPEST = 4
_Json: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str, ...]
"""Path of keys to a field of a record."""


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


@dataclass(frozen=True)
class UnpackedRows:
    """Extraction of rows and columns from those of a scan.

    Attributes:
        columns: name → its SQL, over the columns of the scan and, if there are elements, of `element`.
        taken: columns of the scan that are needed.
        checks: SQL for some of `taken` that turns invalid values into NULL.
        elements: SQL of a list whose elements become rows; a row without any stays, with empty columns.
        of_elements: those of `columns` that belong to one element → their names in it.
    """

    columns: Mapping[str, str]
    taken: tuple[str, ...]
    checks: Mapping[str, str]
    elements: str = ""
    of_elements: Mapping[str, str] = field(default_factory=dict)

    @property
    def shared_columns(self) -> set[str]:
        """The columns that all rows of one list share; empty if each row is a record of its own."""
        if not self.elements:
            return set()
        return self.columns.keys() - self.of_elements.keys()

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
    """Columns of lines whose fields are separated by several characters, such as `::`."""
    columns = {
        f"column_{place}": f"nullif(split_part({RECORD}, {literal(separator)}, {place}), '')"
        for place in range(1, width + 1)
    }
    return UnpackedRows(columns, (RECORD,), {})


def json_lines(text: str, most: int) -> tuple[UnpackedRows, pl.DataFrame, str]:
    """The fields of the first lines of JSON, nested ones too, with their values as text, and doubts.

    If a record has no product itself, but records in a list of it do, each of these becomes a row; so one file may hold
    events of one product and of several.

    Raises:
        NotJsonLines: at most half of the lines are objects.
        RecordsInOneLine: they are objects that hold the records.
    """
    lines = [line for line in islice(text.split("\n"), most) if line.strip()]
    records = [record for line in lines if (record := _record(line)) is not None]
    broken = len(lines) - len(records)
    if broken >= len(records):
        raise NotJsonLines("its lines are not each an object of JSON")
    note = (
        f"{broken} of {len(lines)} lines are no JSON, as where a file ends too early; their rows are rejected"
    )
    fields = _fields(records)
    if path := _list_of_events(records, fields):
        raise RecordsInOneLine(path)
    listed, with_list = _list_of_things(records, fields)
    columns = {
        name: _value(RECORD, path, [_at(record, path) for record in records])
        for name, path in fields.items()
        if path != listed
    }
    rows: list[dict[str, str | None]] = []
    each_element = [each for record in records for each in _records_in(record, listed)]
    inner = _fields(each_element)
    of_list = next((name for name, path in fields.items() if path == listed), "")
    # what a record says itself only where it has no list is of one product, as the list's is of each
    either = {
        key for key in inner if key in columns and not any(_text(_at(r, fields[key])) for r in with_list)
    }
    called = {key: f"{of_list}.{key}" if key in columns and key not in either else key for key in inner}
    for key, name in called.items():
        of_each = _value("element", inner[key], [_at(each, inner[key]) for each in each_element])
        columns[name] = f"coalesce({of_each}, {columns[name]})" if key in either else of_each
    for record in records:
        flat = {name: _text(_at(record, path)) for name, path in fields.items() if path != listed}
        for each in _records_in(record, listed) or [{}]:
            own = {name: _text(_at(each, inner[key])) for key, name in called.items()}
            rows.append(flat | {name: flat.get(name) if text is None else text for name, text in own.items()})
    checks = {RECORD: f"CASE WHEN json_valid({RECORD}) THEN {RECORD} END"}
    elements = f"{RECORD} -> {_path(listed, '[*]')}" if listed else ""
    frame = pl.DataFrame(rows[:most], schema=dict.fromkeys(columns, pl.String))
    of_elements = {name: key for key, name in called.items()}
    return UnpackedRows(columns, (RECORD,), checks, elements, of_elements), frame, note if broken else ""


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


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
    """Products of one order, as in `p1|p7` or `["p1", "p7"]`, with a row for each product; None if a column names the
    product, or none holds such lists."""
    if any(_is_a_thing(name) for name in frame.columns):
        return None
    for name, type_ in frame.schema.items():
        values = frame[name].drop_nulls()
        if type_ != pl.String or not values.len() or not is_a_list_of_things(plain_name(name)):
            continue
        bare = values.str.replace_all(_BRACKETS, "")
        found = {sign: int(bare.str.contains(sign, literal=True).sum()) for sign in _BETWEEN}
        sign = max(found, key=lambda each: found[each])
        if not found[sign]:
            continue
        columns = {each: quote(each) for each in frame.columns if each != name}
        columns["item_id"] = "trim(element)"
        rows = frame.with_columns(pl.col(name).str.replace_all(_BRACKETS, "").str.split(sign)).explode(
            name, empty_as_null=True
        )
        rows = rows.with_columns(pl.col(name).str.strip_chars().alias("item_id"))
        elements = (
            f"string_split(regexp_replace({quote(name)}, {literal(_BRACKETS)}, '', 'g'), {literal(sign)})"
        )
        names = {"item_id": "item_id"}
        return UnpackedRows(columns, tuple(frame.columns), {}, elements, names), rows.select(*columns)
    return None


def unnested(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The fields of records in a typed frame as columns, and the records in a list as rows if they name a product and
    no other column does; None if no record has a known field."""
    paths = _typed_fields(frame.schema)
    listed = next(
        (
            name
            for name, type_ in frame.schema.items()
            if isinstance(type_, pl.List)
            and isinstance(type_.inner, pl.Struct)
            and any(map(_is_a_thing, _typed_fields(type_.inner.to_schema())))
        ),
        "",
    )
    with_list = frame.filter(pl.col(listed).list.len() > 0) if listed else frame.clear()
    filled = {name for name, path in paths.items() if _has_values(with_list, path)}
    if any(map(_is_a_thing, filled if with_list.height else paths)):
        listed = ""
    if not listed and not any(len(path) > 1 and known_role(name) for name, path in paths.items()):
        return None
    others = {name: path for name, path in paths.items() if path != (listed,)}
    columns = {name: _dotted("", path) for name, path in others.items()}
    values = {name: _field(pl.col(path[0]), path[1:]) for name, path in others.items()}
    rows, called = frame, dict[str, str]()
    if listed:
        rows = frame.explode(listed, empty_as_null=True)
        inner = _typed_fields(rows.schema[listed].to_schema())  # pyright: ignore[reportAttributeAccessIssue]
        types = {key: rows.select(_field(pl.col(listed), path)).dtypes for key, path in inner.items()}
        either = {
            key
            for key in inner
            if key in others and key not in filled and types[key] == rows.select(values[key]).dtypes
        }
        called = {key: f"{listed}.{key}" if key in others and key not in either else key for key in inner}
        for key, new in called.items():
            of_each, value = _dotted("element", inner[key]), _field(pl.col(listed), inner[key])
            columns[new] = f"coalesce({of_each}, {columns[new]})" if key in either else of_each
            values[new] = pl.coalesce(value, values[new]) if key in either else value
    made = rows.select(value.alias(name) for name, value in values.items())
    elements, element_names = (
        (quote(listed), {new: key for key, new in called.items()}) if listed else ("", {})
    )
    return UnpackedRows(columns, tuple(frame.columns), {}, elements, element_names), made


def _has_values(frame: pl.DataFrame, path: Path) -> bool:
    return frame.select(_field(pl.col(path[0]), path[1:]).is_not_null().any()).item()


def _typed_fields(schema: Mapping[str, Any], above: Path = ()) -> dict[str, Path]:
    """The fields of a typed record, nested ones too, by dotted names."""
    found: dict[str, Path] = {}
    for name, type_ in schema.items():
        path = (*above, name)
        inner = isinstance(type_, pl.Struct) and len(path) < _DEEPEST
        found |= _typed_fields(type_.to_schema(), path) if inner else {".".join(path): path}
    return found


def _field(value: pl.Expr, path: Path) -> pl.Expr:
    for name in path:
        value = value.struct.field(name)
    return value


def _dotted(of: str, path: Path) -> str:
    return ".".join([*([of] if of else []), *map(quote, path)])


def _fields(records: Sequence[_Json]) -> dict[str, Path]:
    """The fields of records, nested ones too, by their names.

    An object that only wraps another one (`_source`, `payload`), or a key that gives a type (`$oid`), is not part of
    the name.
    """
    found: dict[Path, None] = {}
    for record in records:
        found |= dict.fromkeys(_leaves(record, ()))
    names: dict[str, Path] = {}
    for path in sorted(found, key=len):
        keys = [key for key in path if not key.startswith("$")]
        if len(keys) > 1 and plain_name(keys[0]) in _WRAPPERS and (short := ".".join(keys[1:])) not in names:
            names[short] = path
        else:
            names.setdefault(".".join(keys), path)
    return {name: names[name] for name in sorted(names, key=lambda each: [*found].index(names[each]))}


def _leaves(record: _Json, above: Path) -> Iterator[Path]:
    for key, value in record.items():
        path = (*above, key)
        if isinstance(value, dict) and value and len(path) < _DEEPEST:
            yield from _leaves(value, path)
        else:
            yield path


def _list_of_things(records: Sequence[_Json], fields: Mapping[str, Path]) -> tuple[Path, Sequence[_Json]]:
    """The path of the list whose records name products, and the records that have it; empty if there is none, or the
    records name products themselves.
    """
    own = [path for name, path in fields.items() if _is_a_thing(name)]
    for path in fields.values():
        having = [record for record in records if _records_in(record, path)]
        keys = _fields([each for record in having for each in _records_in(record, path)])
        if any(map(_is_a_thing, keys)) and not any(
            _text(_at(record, each)) for record in having for each in own if each != path
        ):
            return path, having
    return (), ()


def _list_of_events(records: Sequence[_Json], fields: Mapping[str, Path]) -> Path:
    """The path of a list of records with customers, where no field beside it names one; empty if there is none."""
    if any(_is_a_person(name) for name in fields):
        return ()
    return next(
        (
            path
            for path in fields.values()
            if any(
                map(_is_a_person, _fields([each for record in records for each in _records_in(record, path)]))
            )
        ),
        (),
    )


def _is_a_person(name: str) -> bool:
    return role_rank("user_id", name, IDS["user_id"]) is not None


def _records_in(record: _Json, path: Path) -> list[_Json]:
    found = _at(record, path) if path else None
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
    """SQL for a field; the texts of a list are joined with bars."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, list) for value in there):
        return f"nullif(array_to_string({of} ->> {_path(path, '[*]')}, '|'), '')"
    return f"{of} ->> {_path(path)}"


def _path(names: Sequence[str], more: str = "") -> str:
    escaped = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    return literal("$" + "".join(f'."{name}"' for name in escaped) + more)
