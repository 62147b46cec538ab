"""Errors of the lineage layer: each says what was expected, what was found, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from recsys_lineage.spelling import folded, unlike_letters


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question whether one of up to three similar names was meant, nearest first; empty where none is similar.

    Upper and lower case are alike. Of a name that only looks the same, the letters that differ are told.
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
    """Advice on a name that nothing has: which similar ones there are, else which there are at all.

    Args:
        name: that was given.
        known: the names that there are.
        most: so many are named where none is similar.
    """
    names = sorted(set(known))
    if not names:
        return "there is none yet: materialize an asset first"
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return did_you_mean(name, names) or f"name one of {', '.join(names[:most])}{more}"


class LineageError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        message: what is wrong, in one sentence.
        expected: what would have been right.
        found: what was there instead.
        where: file and line, table, asset or column.
        advice: what to do next.
    """

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
    """A question names something that is not there, or asks of it what it cannot be asked."""


class LakePlaceError(LineageError):
    """A lake cannot lie at the path or URL that was given."""


class NoDataFolder(LineageError):
    """The folder that a source's files should lie in is not there."""


class UndeclaredRead(LineageError):
    """Code read a table that its asset does not depend on."""


class UnnotedFile(LineageError):
    """Code opened a file that no record would name."""


class FilesChanged(LineageError):
    """A file is no longer what it was when it was hashed."""


class TableNotFound(LineageError):
    """A table, or the asked-for version of it, does not exist in the lake."""


class VersionPruned(LineageError):
    """The files of a version are gone, as the retention policy says; its record is kept."""


class SchemaMismatch(LineageError):
    """A write to some partitions carries columns that the table does not have, or lacks some that it has."""


class WriteConflict(LineageError):
    """Another writer committed to the same partitions first."""


class VersionMoved(WriteConflict):
    """A commit based on one version of a table found a newer one."""


class SqlAssetError(LineageError):
    """A SQL file cannot serve as an asset."""


class SourceSqlError(LineageError):
    """The SQL of a source cannot be used: it does more than scan files, or scans them as nobody can."""


class SqlFailed(LineageError):
    """DuckDB refuses a SQL statement, or stops at a value of its rows.

    Where a value is at fault, `found` shows it, and the error has the one of DuckDB as its cause.
    """


class ColumnLineageError(LineageError):
    """The column lineage cannot be derived: a name is unknown or ambiguous, or a step is opaque."""


class InsufficientSpace(LineageError):
    """The lake's disk is full or not writable; nothing of the write became visible."""
