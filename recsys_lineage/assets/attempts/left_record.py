"""The record that an attempt leaves: one that can be written and read again, whatever code has put into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recsys_lineage.error_text import class_of, first_line_of
from recsys_lineage.errors import LineageError
from recsys_lineage.interruption import stop_is_requested
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.record_part import UnreadableRecord
from recsys_lineage.records.records import Records


class UnfitForRecord(LineageError):
    """Code returned something that a record cannot hold."""


def written_record(record: Materialization) -> dict[str, Any]:
    """The record as JSON, from which it can be read again.

    Raises:
        UnfitForRecord: code returned something that no JSON holds, or of another type than declared.
    """
    try:
        data = record.to_json()
        _ = Materialization.from_json(data)
    except UnreadableRecord as error:
        raise _unfit(record, error.found or class_of(error)) from None
    except Exception as error:  # pydantic names a type, and a conversion can quote what it was given
        raise _unfit(record, class_of(error)) from error
    return data


def leave(records: Records, record: Materialization) -> tuple[str, ...]:
    """Add a record to the table of records; a failure is a warning, because `Records.sync` adds what is committed or
    waits.

    Of a record that cannot be written, everything that code returned is left out.
    """
    try:
        try:
            _ = written_record(record)
        except UnfitForRecord:
            record = _without_returned(record)
        records.append([record])
    except Exception as error:
        if stop_is_requested():
            raise
        fault = first_line_of(error) if isinstance(error, LineageError) else class_of(error)
        if record.status == "success" or _waits(records, record):
            return (f"The record of {record.asset} is not yet in the table of records: {fault}",)
        return (
            f"The record of {record.asset} is lost, because it could not be added to their table: {fault}",
        )
    return ()


def _waits(records: Records, record: Materialization) -> bool:
    try:
        return records.waits(record.id)
    except OSError:
        return False


def committed_record(records: Records, record: Materialization | None) -> Materialization | None:
    """The record, if the latest version of its asset carries it; None otherwise."""
    if record is None:
        return None
    try:
        latest = records.latest(record.asset)
    except LineageError:
        return None
    return latest if latest is not None and latest.id == record.id else None


def _unfit(record: Materialization, found: str) -> UnfitForRecord:
    return UnfitForRecord(
        f"What {record.asset} returned cannot be recorded.",
        expected="plain JSON values in statistics, takes and parameters, and texts where texts are declared",
        found=found,
        where=record.code.origin,
        advice="return numbers, texts, lists and objects",
    )


def _without_returned(record: Materialization) -> Materialization:
    """A record with only what lineage itself observed."""
    nothing: Mapping[str, Any] = {}
    return replace(
        record,
        parameters=nothing, statistics=nothing, observed=None, takes=None, trained_on=(), statement=None, checks=(),
        partitions=tuple(part for part in record.partitions if isinstance(part, str)),
    )  # fmt: skip
