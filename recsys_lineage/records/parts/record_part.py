"""RecordPart: the pydantic base of every part of a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, PlainSerializer, TypeAdapter, ValidationError
from typing_extensions import Self

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.versions.table_version import Column


class UnreadableRecord(LineageError):
    """A record that this code cannot read: a later version of it wrote the record, or it is damaged."""


class RecordPart:
    """A dataclass that is part of a record: written without default values, and readable with the additions of later
    formats."""

    __pydantic_config__ = ConfigDict(extra="ignore")

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `from_json` restores an equal object."""
        # pydantic's warnings would quote a value of another type than declared
        return _adapter(type(self)).dump_python(self, mode="json", exclude_defaults=True, warnings=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The part from a result of `to_json`, in this format or an older one, or with what a later one adds.

        Raises:
            UnreadableRecord: a field has a value that this code does not know, or is missing.
        """
        try:
            return _adapter(cls).validate_python(cls.upgraded(data))
        except (ValidationError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(cls, data, error) from None

    @classmethod
    def upgraded(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data in today's format; overridden where an older format differs."""
        return data


def _unreadable(cls: type[RecordPart], data: Mapping[str, Any], error: Exception) -> UnreadableRecord:
    """The error, without a value of the record."""
    faults = error.errors(include_input=False) if isinstance(error, ValidationError) else []
    fields = dict.fromkeys(".".join(map(str, fault["loc"])) for fault in faults)
    found = ", ".join([*fields][:5]) or type(error).__name__
    named = {name: data[name] for name in ("id", "asset", "version", "format") if name in data}
    return UnreadableRecord(
        f"A record cannot be read as {cls.__name__}.",
        expected="a record of this version of the code, or an older one",
        found=f"another value in: {found}",
        where=", ".join(f"{name} {value}" for name, value in named.items()),
        advice="a later version of the code wrote it: update this one; otherwise restore the table from a backup",
    )


@cache
def _adapter(type_: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(type_)


def _columns(columns: Iterable[Any]) -> tuple[Column, ...]:
    return tuple(each if isinstance(each, Column) else Column(*each) for each in columns)


def _typed(values: Any) -> dict[str, Any]:
    return {name: _typed_value(value) for name, value in dict(values).items()}


def _typed_value(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        if "datetime" in value:
            return datetime.fromisoformat(value["datetime"])
        if "date" in value:
            return date.fromisoformat(value["date"])
    return value


def _plain_value(value: Any) -> Any:
    """A parameter as JSON; dates keep their type, so that a query can be run again unchanged."""
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, list | tuple):
        return [_plain_value(each) for each in value]
    return value


Columns = Annotated[
    tuple[Column, ...],
    BeforeValidator(_columns),
    PlainSerializer(lambda columns: [[column.name, column.type] for column in columns]),
]
"""Names and types, written as `[["name", "TYPE"], …]`."""
Parameters = Annotated[
    dict[str, Any],
    BeforeValidator(_typed),
    PlainSerializer(lambda values: {name: _plain_value(value) for name, value in values.items()}),
]
"""Values bound to a statement or passed to a function; dates are written with their type."""
