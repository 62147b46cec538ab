"""The types of raw columns, wide enough that new files do not change a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.versions.table_version import Column
from recsys_lineage.sql.names import quote

_SHORT = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER")
"""Whole numbers that a float holds exactly."""
_INTEGERS = (*_SHORT, "BIGINT")
_LARGE = ("UBIGINT", "HUGEINT", "UHUGEINT")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_UNKNOWN = ('"NULL"', "NULL")
WIDEST_DECIMAL = 38
LONGEST_NUMBER = 19
"""Digits of the largest BIGINT; a wider DECIMAL holds any id that a shop has, though its type could hold more."""


def widened(type_: str) -> str:
    """The DuckDB type in which a raw column of a type is stored: text as it is, numbers and times in wide types."""
    if type_ in _INTEGERS:
        return "BIGINT"
    if type_ in _LARGE:
        return f"DECIMAL({WIDEST_DECIMAL},0)"
    if type_ == "FLOAT":
        return "DOUBLE"
    if decimal := _DECIMAL.fullmatch(type_):
        return f"DECIMAL({WIDEST_DECIMAL},{decimal[2]})"
    if type_ in _TIMES:
        return "TIMESTAMP"
    if type_ in _UNKNOWN or type_.startswith("ENUM"):
        return "VARCHAR"
    return type_


def require_plain(table: str, columns: Sequence[Column], origin: str) -> None:
    """Refuse columns whose values are no text of the shop's: bytes, and ids that are nested.

    Args:
        table: the raw table.
        columns: those that its SQL returns.
        origin: path of that SQL.

    Raises:
        LineageError: a column is of such a type.
    """
    for column in columns:
        if column.type.startswith("BLOB"):
            raise LineageError(
                f"The column {column.name} of {table} holds bytes.",
                expected="text, a number or a time",
                found=column.type,
                where=origin,
                advice="write read_parquet('…', binary_as_string = true) where the bytes are text that is not marked "
                "so, else an expression such as hex(…)",
            )
        if column.name.endswith("_id") and _is_nested(column.type):
            raise LineageError(
                f"The column {column.name} of {table} is nested, and an id is one value.",
                expected="text or a number",
                found=column.type,
                where=origin,
                advice="name the part that is the id, as in customer.id, or unnest(…) a list into rows",
            )


_EXACT = {"FLOAT": 1 << 24, "DOUBLE": 1 << 53}
"""Floating-point type → the number up to which it holds every whole number."""


def rounded_ids(query: str, columns: Sequence[Column], ask: Callable[[str], Sequence[int]]) -> Iterator[str]:
    """Warnings for ids that are floating-point numbers so large that their last digits are lost, in sentences.

    Args:
        query: a SELECT of the rows.
        columns: its columns.
        ask: returns the only row of a SELECT.
    """
    limits = {
        column.name: _EXACT[column.type]
        for column in columns
        if column.name.endswith("_id") and column.type in _EXACT
    }
    if not limits:
        return
    counts = ", ".join(
        f"count(*) FILTER (isfinite({quote(name)}) AND abs({quote(name)}) >= {most})"
        for name, most in limits.items()
    )
    for (name, most), rows in zip(limits.items(), ask(f"SELECT {counts} FROM ({query})"), strict=True):
        if rows:
            yield (
                f"{rows:,} rows have a {name} that is a floating-point number of {most:,} or more, which has lost its "
                "last digits: several ids may have become one; export that column as whole numbers or text"
            )


def fits(type_: str, column: str) -> bool:
    """Whether every value of a type can be stored in a column of another type without loss."""
    if type_ == column or type_ in _UNKNOWN or (column == "VARCHAR" and not _is_nested(type_)):
        return True
    if column == "TIMESTAMP":
        return type_ in _TIMES
    if column == "BIGINT":
        return type_ in _INTEGERS
    if column == "DOUBLE":
        return type_ in (*_SHORT, "FLOAT") or _is_fraction(type_)
    wide, narrow = _DECIMAL.fullmatch(column), _DECIMAL.fullmatch(type_)
    if wide is None or int(wide[1]) < WIDEST_DECIMAL:
        return False
    room = int(wide[1]) - int(wide[2])
    if narrow:
        return int(narrow[2]) <= int(wide[2]) and min(int(narrow[1]) - int(narrow[2]), LONGEST_NUMBER) <= room
    return type_ in _SHORT or (type_ in (*_INTEGERS, *_LARGE) and room >= LONGEST_NUMBER)


def common(one: str, other: str) -> str:
    """A type that holds the values of both."""
    if fits(one, other):
        return other
    if fits(other, one):
        return one
    return "VARCHAR"  # a whole number may be an id that a float rounds


def cast_columns(columns: Sequence[Column], wanted: Sequence[Column]) -> str:
    """The select list that gives the columns `wanted` of a relation; one that it lacks is NULL."""
    types = {column.name: column.type for column in columns}
    return ", ".join(
        quote(column.name)
        if types.get(column.name) == column.type
        else f"CAST({quote(column.name) if column.name in types else 'NULL'} AS {column.type}) AS {quote(column.name)}"
        for column in wanted
    )


def _is_fraction(type_: str) -> bool:
    decimal = _DECIMAL.fullmatch(type_)
    return decimal is not None and int(decimal[2]) > 0


def _is_nested(type_: str) -> bool:
    return type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION", "BLOB"))


def misfits(columns: Iterable[Column], schema: Iterable[Column]) -> list[str]:
    """The columns that do not fit the table's columns, in words."""
    types = {column.name: column.type for column in schema}
    return [
        f"{column.name} is {column.type} and was {types.get(column.name, 'not there')}"
        for column in columns
        if column.name not in types or not fits(column.type, types[column.name])
    ]


def fitted(columns: tuple[Column, ...], schema: tuple[Column, ...]) -> tuple[Column, ...] | None:
    """The table's columns if these fit them; None otherwise."""
    same_names = [column.name for column in columns] == [column.name for column in schema]
    return schema if same_names and not misfits(columns, schema) else None
