"""Errors of the lineage layer: each has the expected and the found thing, the place, and advice on the next step."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from recsys_lineage.spelling import folded, unlike_letters

WITHOUT_VALUES = {"recsys_lineage"}
"""Packages whose LineageErrors name tables, columns and places, and no value of a row, so that a record keeps them as
they are. An application that holds to that adds its own."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with up to three similar names, nearest first; empty where none is similar.

    Case is ignored. For a name that only looks the same, the differing letters are named.
    """
    spelled = {folded(each): each for each in known}
    close = [
        f"{spelled[each]!r}{unlike_letters(name, spelled[each])}"
        for each in get_close_matches(folded(name), spelled, n=3)
    ]
    if not close:
        return ""
    *others, last = close
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"


def meant_or_known(name: str, known: Iterable[str], most: int = 8) -> str:
    """Advice for an unknown name: similar known names, else all known names.

    Args:
        name: the unknown name.
        known: the known names.
        most: the most names listed where none is similar.
    """
    names = sorted(set(known))
    if not names:
        return "there is none yet: materialize an asset first"
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return did_you_mean(name, names) or f"name one of {', '.join(names[:most])}{more}"


class LineageError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        message: the fault, in one sentence.
        expected: the right thing.
        found: the thing found instead.
        where: file and line, table, asset or column.
        advice: the next step.

    Attributes:
        repeats_code: whether it tells what an asset's code gave, which may be a cell of a table; a record then keeps
            only words of code and names.
    """

    repeats_code = False

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        where: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.message, self.expected, self.found = message, expected, found
        self.where, self.advice = where, advice
        parts = [("Expected", expected), ("Found", found), ("Where", where), ("What to do", advice)]
        lines = [message, *(f"  {label}: {text}" for label, text in parts if text)]
        super().__init__("\n".join(lines))


class WrongQuestion(LineageError):
    """A question names something that does not exist, or does not apply to what it names."""


class LakePlaceError(LineageError):
    """A lake cannot be created or opened at the given path or URL."""


class NoDataFolder(LineageError):
    """The folder for a source's files does not exist."""


class UndeclaredRead(LineageError):
    """Code read a table that its asset does not depend on."""

    repeats_code = True


class UnnotedFile(LineageError):
    """Code opened a file that no record would name."""

    repeats_code = True


class OutputRefused(LineageError):
    """Rows or columns that an asset's code returned cannot be a table."""

    repeats_code = True


class FilesChanged(LineageError):
    """A file has changed since it was hashed."""


class TableNotFound(LineageError):
    """A table, or the requested version of it, does not exist in the lake."""


class VersionPruned(LineageError):
    """The files of a version were deleted by the retention policy; its record is kept."""


class SchemaMismatch(LineageError):
    """A write to some partitions has columns that the table lacks, or lacks columns of the table."""


class WriteConflict(LineageError):
    """Another writer committed to the same partitions first."""


class VersionMoved(WriteConflict):
    """A commit based on one version of a table found a newer one."""


class SqlAssetError(LineageError):
    """A SQL file cannot serve as an asset."""


class SourceSqlError(LineageError):
    """The SQL of a source cannot be used: it does more than scan files, or its scans are not supported."""


class SqlFailed(LineageError):
    """DuckDB refuses a SQL statement, or fails at a value of its rows.

    If a value is at fault, `found` shows it, and DuckDB's error is the cause.
    """


class ColumnLineageError(LineageError):
    """The column lineage cannot be derived: a name is unknown or ambiguous, or a step is opaque."""


class InsufficientSpace(LineageError):
    """The lake's disk is full or not writable; no part of the write became visible."""
