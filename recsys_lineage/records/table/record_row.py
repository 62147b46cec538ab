"""RecordRow: a record as one row of columns, and back.

Values for filters and joins are columns; reads are a list of structs. Texts repeated by many records (code, statements,
schemas, engines) are represented by their hashes. Everything that no column can represent exactly stays JSON, so that
`joined(split(record)) == record` for every record, also of a later format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import polars as pl

_TIME = pl.Datetime("us", "UTC")
_TEXTS = pl.List(pl.String)
_LARGEST = 2**63
# column: where its value stands in the record. The value moves into the column.
_MOVED: Mapping[str, tuple[pl.DataType | type[pl.DataType], tuple[str, ...]]] = {
    "id": (pl.String, ("id",)),
    "asset": (pl.String, ("asset",)),
    "version": (pl.Int64, ("version",)),
    "partitions": (_TEXTS, ("partitions",)),
    "fingerprint": (pl.String, ("fingerprint",)),
    "rows": (pl.Int64, ("rows",)),
    "bytes": (pl.Int64, ("written", "bytes")),
    "code_version": (pl.String, ("code_version",)),
    "git_commit": (pl.String, ("git_commit",)),
    "kept": (pl.String, ("kept",)),
    "lake": (pl.String, ("lake",)),
    "run_id": (pl.String, ("run", "run_id")),
    "job": (pl.String, ("run", "job")),
    "step": (pl.String, ("run", "step")),
    "code_location": (pl.String, ("run", "code_location")),
}
# column: where a text, or a JSON value that is kept as one, stands. Its hash moves into the column.
_HASHED: Mapping[str, tuple[type, tuple[str, ...]]] = {
    "code_hash": (str, ("code", "text")),
    "statement_hash": (str, ("statement", "text")),
    "schema_hash": (list, ("schema",)),
    "engine_hash": (dict, ("engine",)),
}
_READ: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String, "name": pl.String, "purpose": pl.String, "version": pl.Int64, "fingerprint": pl.String,
    "columns": _TEXTS, "partitions": _TEXTS, "rows": pl.Int64, "bytes": pl.Int64, "hashed_by": pl.String,
    "root": pl.String,
}  # fmt: skip
_READ_SCHEMA, _REST = "schema_hash", "rest"
_PURPOSE, _USUAL_PURPOSE = "purpose", "input"
SCHEMA: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    "status": pl.String,
    "started": _TIME,
    "ended": _TIME,
    "failure": pl.String,
    **{column: type_ for column, (type_, _) in _MOVED.items()},
    **dict.fromkeys(_HASHED, pl.String),
    "reads": pl.List(pl.Struct({**_READ, _READ_SCHEMA: pl.String, _REST: pl.String})),
    _REST: pl.String,
}
"""The columns of a record. `failure` is the type of the error; the `…_hash` ones identify texts."""
HASHES = tuple(_HASHED)
_LINEAGE = "column_lineage"
"""Key in the rest, as `{"text": its hash}`, because older tables of records have no column for it."""
_DECLARED = "declared"
"""First key in the rest, so that it is found in bulk without parsing."""
_LABELS = ("kind", "purpose", "hashed_by", "root")


def read_columns() -> pl.Expr:
    """The column `reads` for results in columns: without the JSON of values that have no field, labels as
    categories."""
    read = pl.element().struct
    fields = [
        read.field(name).cast(pl.Categorical) if name in _LABELS else read.field(name)
        for name in (*_READ, _READ_SCHEMA)
    ]
    return pl.col("reads").list.eval(pl.struct(fields))


def lineage_hash_column() -> pl.Expr:
    """The hash of each record's column lineage, whose JSON is stored as a text; null where there is none."""
    return pl.col(_REST).str.extract(rf'"{_LINEAGE}":\{{"text":"([0-9a-f]{{32}})"\}}\}}$')


def declared_column() -> pl.Expr:
    """The tables that each record's code declared, as a JSON array of names; null where it has none."""
    return pl.col(_REST).str.extract(rf'^\{{"{_DECLARED}":(\[(?:"[a-z0-9_]*",?)*\])')


@dataclass(frozen=True)
class RecordRow:
    """A record as a row: the values of `SCHEMA`, and texts by hash."""

    values: Mapping[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict)


def split(record: Mapping[str, Any]) -> RecordRow:
    """A record's JSON object as a row; it needs at least `id` and `started`."""
    rest = json.loads(json.dumps(record))
    texts: dict[str, str] = {}
    values: dict[str, Any] = {
        "kind": record.get("kind", "asset"),
        "status": record.get("status", record.get("state")),
        "started": _moment(record.get("started")),
        "ended": _moment(record.get("ended")),
        "failure": record["failure"]["type"] if record.get("failure") else None,
    }
    for column, (type_, path) in _MOVED.items():
        values[column] = _take(rest, path, type_)
    for column, (type_, path) in _HASHED.items():
        values[column] = _take_text(rest, path, type_, texts)
    if (hashed := _take_text(rest, (_LINEAGE,), dict, texts)) is not None:
        rest[_LINEAGE] = {"text": hashed}
    values["reads"] = None
    if isinstance(reads := rest.get("reads"), list) and all(isinstance(read, dict) for read in reads):
        values["reads"] = [_split_read(read, texts) for read in rest.pop("reads")]
    if _DECLARED in rest:
        rest = {_DECLARED: rest.pop(_DECLARED), **rest}
    return RecordRow({**values, _REST: json.dumps(rest, separators=(",", ":"))}, texts)


def joined(
    values: Mapping[str, Any], texts: Mapping[str, str], parsed: Callable[[str], Any] = json.loads
) -> dict[str, Any]:
    """The JSON object of a row's record.

    Args:
        values: the values of the row.
        texts: hash → text, for the texts of the row.
        parsed: returns the JSON value of such a text; it may return the same object for the same text.

    Raises:
        KeyError: `texts` lacks a text of the row.
    """
    record = json.loads(values[_REST])
    if (hashed := _lineage_hash(record)) is not None:
        record[_LINEAGE] = parsed(texts[hashed])
    for column, (_, path) in _MOVED.items():
        _put(record, path, values[column])
    for column, (type_, path) in _HASHED.items():
        if (hashed := values[column]) is not None:
            _put(record, path, texts[hashed] if type_ is str else parsed(texts[hashed]))
    if values["reads"] is not None:
        record["reads"] = [_joined_read(read, texts, parsed) for read in values["reads"]]
    return record


def named_texts(values: Mapping[str, Any]) -> Iterator[str]:
    """The hashes of a row's texts."""
    for column in HASHES:
        if values[column] is not None:
            yield values[column]
    if f'"{_LINEAGE}"' in values[_REST] and (hashed := _lineage_hash(json.loads(values[_REST]))):
        yield hashed
    for read in values["reads"] or ():
        if read[_READ_SCHEMA] is not None:
            yield read[_READ_SCHEMA]


def _lineage_hash(rest: Mapping[str, Any]) -> str | None:
    """The hash in place of the column lineage; None if there is none, or it is no object."""
    found = rest.get(_LINEAGE)
    return found["text"] if isinstance(found, dict) else None


def _split_read(read: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    values = {column: _take(read, (column,), type_) for column, type_ in _READ.items()}
    values[_READ_SCHEMA] = _take_text(read, ("schema",), list, texts)
    if values[_PURPOSE] is None and _PURPOSE not in read:
        values[_PURPOSE] = _USUAL_PURPOSE
    values[_REST] = json.dumps(read, separators=(",", ":")) if read else None
    return values


def _joined_read(
    values: Mapping[str, Any], texts: Mapping[str, str], parsed: Callable[[str], Any]
) -> dict[str, Any]:
    read = {} if values[_REST] is None else json.loads(values[_REST])
    read |= {column: values[column] for column in _READ if values[column] is not None}
    if read.get(_PURPOSE) == _USUAL_PURPOSE:  # which a record does not spell out
        del read[_PURPOSE]
    if (hashed := values[_READ_SCHEMA]) is not None:
        read["schema"] = parsed(texts[hashed])
    return read


def _take(record: dict[str, Any], path: tuple[str, ...], type_: Any) -> Any:
    """Remove and return the value at a path of the record; None, without removal, if a column cannot represent it."""
    holder = _holder(record, path)
    if holder is None or not _fits(holder.get(path[-1]), type_):
        return None
    return holder.pop(path[-1])


def _take_text(
    record: dict[str, Any], path: tuple[str, ...], type_: type, texts: dict[str, str]
) -> str | None:
    holder = _holder(record, path)
    value = None if holder is None else holder.get(path[-1])
    if holder is None or not isinstance(value, type_) or not (type_ is not str or _is_text(value)):
        return None
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    hashed = hashlib.sha256(text.encode()).hexdigest()[:32]
    texts[hashed] = text
    del holder[path[-1]]
    return hashed


def _put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    if value is not None:
        holder = _holder(record, path)
        assert holder is not None, "what a value was taken out of stays in the rest"
        holder[path[-1]] = value


def _holder(record: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    for name in path[:-1]:
        record = record.get(name)  # pyright: ignore[reportAssignmentType]
        if not isinstance(record, dict):
            return None
    return record


def _fits(value: Any, type_: Any) -> bool:
    if type_ is pl.String:
        return _is_text(value)
    if type_ is pl.Int64:
        return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    """Whether a value is text that can be written as UTF-8; JSON can also contain lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(text: Any) -> datetime | None:
    """A time in the column's type, for filters; the record's own spelling stays in the rest."""
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
