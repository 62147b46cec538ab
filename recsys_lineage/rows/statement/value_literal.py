"""Python values as SQL literals of a column's DuckDB type."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duckdb.sqltypes import DuckDBPyType

from recsys_lineage.rows.statement.catalog import RowTraceError
from recsys_lineage.sql.names import literal, quote
from recsys_lineage.sql.spare_database import spare_database

_ENDLESS: Mapping[object, str] = {
    dt.date.max: "infinity",
    dt.date.min: "-infinity",
    dt.datetime.max: "infinity",
    dt.datetime.min: "-infinity",
}
"""Python's values for infinite dates and times, which are also the literals of these days themselves."""
_FINER = ("timestamp_ns", "time_ns")
"""Types with nanoseconds, which Python's own times do not have."""
_NATIVE: Mapping[str, type | tuple[type, ...]] = {
    "double": (float, int),
    "float": (float, int),
    "date": dt.date,
    "time": dt.time,
    "time_ns": dt.time,
    "time with time zone": dt.time,
    "interval": dt.timedelta,
    "uuid": uuid.UUID,
}
"""Classes of the values that Python is given for a type, whatever the value."""
_BITS: Mapping[str, int] = {
    "tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63, "hugeint": 127,
    "utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128,
}  # fmt: skip
"""Bits of the values of the types of whole numbers, without the sign."""
_NUMBERS = (*_BITS, "bignum", "varint")


@dataclass(frozen=True)
class StandIn:
    """Placeholder of a value in SQL until the value itself is put there.

    Attributes:
        name: its name in the SQL, in quotes.
        value: as DuckDB gives it to Python; not NULL.
    """

    name: str
    value: object


def is_one_of_several(value: object, kind: DuckDBPyType) -> bool:
    """Whether Python is given one value for several of a type: a microsecond's nanoseconds, or what has no end."""
    value = _plain(value)
    finer = kind.id in _FINER and isinstance(value, dt.datetime | dt.time)
    return finer or (isinstance(value, dt.date) and _without_zone(value) in _ENDLESS)


def equals(expression: str, value: object, kind: DuckDBPyType | None, where: str) -> str:
    """SQL that is true where an expression has a value; NULL equals NULL, and NaN equals NaN.

    Args:
        expression: SQL of the column.
        value: the value as DuckDB returns it to Python. A time in Python's own type stands for all nanoseconds of its
            microsecond.
        kind: the column's type; None where it is unknown.
        where: the column, for messages.

    Raises:
        RowTraceError: the value cannot be one of that type.
    """
    value = _plain(value)
    if value is None:
        if kind is None or kind.id != "union":
            return f"{expression} IS NULL"
        # it is NULL to Python also where its member is
        members = (
            f"union_extract({expression}, {literal(name)}) IS NULL" for name, _ in _inner(kind) if name
        )
        return f"({' AND '.join(members)})"
    if kind is None:
        return f"{expression} IS NOT DISTINCT FROM {_by_python(value)}"
    if kind.id in _FINER and isinstance(value, dt.datetime | dt.time):
        whole = (
            _clock(value if value.microsecond else value.replace(microsecond=1))[:-6]
            + f"{value.microsecond:06}"
        )
        least, greatest = (
            f"CAST({literal(whole + nanoseconds)} AS {kind})" for nanoseconds in ("000", "999")
        )
        return f"{expression} BETWEEN {least} AND {greatest}"
    written = value_literal(value, kind, where)
    if isinstance(value, dt.date) and (endless := _ENDLESS.get(_without_zone(value))) is not None:
        return f"{expression} IN ({written}, CAST({literal(endless)} AS {kind}))"
    if _is_nested(kind):
        return f"{expression} IS NOT DISTINCT FROM {written}"
    return f"{expression} = {written}"


def value_literal(value: object, kind: DuckDBPyType, where: str) -> str:
    """A value as a SQL literal of a type.

    Raises:
        RowTraceError: the value cannot be one of that type.
    """
    value = _plain(value)
    if value is None:
        return f"CAST(NULL AS {kind})"
    if isinstance(value, StandIn):
        return f"CAST({literal(value.name)} AS {kind})"
    name = kind.id
    if name in ("list", "array"):
        item = _inner(kind)[0][1]
        values = _sequence(value, kind, where)
        if name == "array" and len(values) != _sizes(kind)["size"]:
            raise _misfit(value, kind, where)
        items = ", ".join(value_literal(each, item, where) for each in values)
        return f"CAST([{items}] AS {kind})"
    if name in ("struct", "tuple"):
        return _struct(value, kind, where)
    if name == "map":
        return _map(value, kind, where)
    if name in ("union", "variant"):
        return f"CAST({_by_python(value)} AS {kind})"
    if name == "blob":
        if not isinstance(value, bytes | bytearray | memoryview):
            raise _misfit(value, kind, where)
        return f"from_hex({literal(bytes(value).hex())})"
    text = _text(value, kind, where)
    if not _is_native(value, kind) and not _is_read_unchanged(text, kind):
        raise _misfit(value, kind, where)
    if "\x00" in text:
        pieces = ", chr(0), ".join(literal(piece) for piece in text.split("\x00"))
        return f"CAST(concat({pieces}) AS {kind})"
    return f"CAST({literal(text)} AS {kind})"


def _plain(value: object) -> Any:
    """A NumPy scalar as a Python value."""
    item = getattr(value, "item", None)
    is_scalar = callable(item) and type(value).__module__ == "numpy" and getattr(value, "ndim", 0) == 0
    return item() if callable(item) and is_scalar else value


def _without_zone(value: dt.date) -> dt.date:
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


def _inner(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Names and types of the parts of a nested type; an array's length and an ENUM's values are left out."""
    return [(name, each) for name, each in kind.children if isinstance(each, DuckDBPyType)]


def _sizes(kind: DuckDBPyType) -> dict[str, int]:
    """The numbers in a type: an array's length, or the digits of a DECIMAL."""
    return {name: each for name, each in kind.children if isinstance(each, int)}


def _is_nested(kind: DuckDBPyType) -> bool:
    return kind.id in ("list", "array", "struct", "tuple", "map", "union", "variant")


def _text(value: Any, kind: DuckDBPyType, where: str) -> str:
    """A scalar value as text that DuckDB can parse."""
    name = kind.id
    if isinstance(value, bool):
        if name not in ("boolean", "varchar", "enum"):
            value = int(value)
        return str(value).lower()
    if name == "boolean":
        raise _misfit(value, kind, where)
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return str(value)
        if name in _NUMBERS and not value.is_integer():
            raise _misfit(value, kind, where)
        return str(int(value)) if name in _NUMBERS else repr(value)
    if isinstance(value, decimal.Decimal):
        if name in _NUMBERS and value.is_finite() and value != value.to_integral_value():
            raise _misfit(value, kind, where)
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, dt.datetime | dt.time):
        return _clock(value)
    if isinstance(value, dt.timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | list | tuple | dict | set):
        raise _misfit(value, kind, where)
    return str(value)


def _is_native(value: Any, kind: DuckDBPyType) -> bool:
    """Whether a value is certainly one of a type, because DuckDB returns such values for it."""
    name = kind.id
    if isinstance(value, str):
        if name == "enum":
            return any(isinstance(each, list) and value in each for _, each in kind.children)
        return name == "geometry" or (name == "varchar" and (str(kind) != "JSON" or _is_json(value)))
    if name == "decimal" and isinstance(value, decimal.Decimal) and value.is_finite():
        sizes, exponent = _sizes(kind), int(value.as_tuple().exponent)
        return -exponent <= sizes["scale"] and value.adjusted() < sizes["precision"] - sizes["scale"]
    if (bits := _BITS.get(name)) is not None and isinstance(value, int):
        return 0 <= value < 1 << bits if name.startswith("u") else -(1 << bits) <= value < 1 << bits
    if isinstance(value, dt.datetime):
        return name.startswith("timestamp")
    return name == "varchar" or isinstance(value, _NATIVE.get(name, ()))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_read_unchanged(text: str, kind: DuckDBPyType) -> bool:
    """Whether DuckDB reads a text as a value of a type, and as that value itself: not as the nearest one."""
    read = f"SELECT TRY_CAST($text AS {kind}), TRY_CAST($text AS TIMESTAMP)"
    with spare_database() as connection:
        found, moment = connection.execute(read, {"text": text}).fetchall()[0]
    if isinstance(found, int | decimal.Decimal) and not isinstance(found, bool):
        try:
            return decimal.Decimal(text) == found
        except decimal.InvalidOperation:  # as of a number with separators
            return True
    if kind.id == "date" and isinstance(moment, dt.datetime):
        return moment.time() == dt.time()
    return found is not None


def _clock(value: dt.datetime | dt.time) -> str:
    """A time as text; DuckDB parses a time zone's offset with its seconds."""
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()


def _sequence(value: object, kind: DuckDBPyType, where: str) -> Sequence[Any]:
    if hasattr(value, "tolist"):
        value = value.tolist()  # pyright: ignore[reportAttributeAccessIssue]
    if not isinstance(value, list | tuple):
        raise _misfit(value, kind, where)
    return value


def _struct(value: object, kind: DuckDBPyType, where: str) -> str:
    fields = _inner(kind)
    if isinstance(value, Mapping):
        if {str(each).casefold() for each in value} != {name.casefold() for name, _ in fields}:
            raise _misfit(value, kind, where)
        folded = {str(each).casefold(): part for each, part in value.items()}
        parts = [value_literal(folded[name.casefold()], each, where) for name, each in fields]
    else:
        values = _sequence(value, kind, where)
        if len(values) != len(fields):
            raise _misfit(value, kind, where)
        parts = [value_literal(part, each, where) for part, (_, each) in zip(values, fields, strict=True)]
    if all(name == "" for name, _ in fields):
        return f"row({', '.join(parts)})"
    named = ", ".join(f"{quote(name)} := {part}" for (name, _), part in zip(fields, parts, strict=True))
    return f"struct_pack({named})"


def _map(value: object, kind: DuckDBPyType, where: str) -> str:
    (_, key), (_, item) = _inner(kind)
    if not isinstance(value, Mapping):
        raise _misfit(value, kind, where)
    keys, items = list(value), list(value.values())
    if _is_nested(key) and set(value) == {"key", "value"}:
        keys, items = list(value["key"]), list(value["value"])
    keys_text = ", ".join(value_literal(each, key, where) for each in keys)
    items_text = ", ".join(value_literal(each, item, where) for each in items)
    return f"CAST(MAP([{keys_text}], [{items_text}]) AS {kind})"


def _by_python(value: object) -> str:
    """A literal for a value whose type does not follow from the column's type."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float | decimal.Decimal):
        return _number(value)
    if isinstance(value, dt.datetime):
        return f"CAST({literal(_clock(value))} AS {'TIMESTAMPTZ' if value.tzinfo else 'TIMESTAMP'})"
    if isinstance(value, dt.date):
        return f"CAST({literal(value.isoformat())} AS DATE)"
    return literal(str(value))


def _number(value: float | decimal.Decimal) -> str:
    if isinstance(value, float):
        return f"CAST({literal(repr(value))} AS DOUBLE)"
    return str(value)


def _misfit(value: object, kind: DuckDBPyType, where: str) -> RowTraceError:
    return RowTraceError(
        f"The value given for {where} cannot be one of its type.",
        expected=str(kind),
        found=f"a {type(value).__name__}",
        where=where,
        advice="give the row as DuckDB gives it to Python",
    )
