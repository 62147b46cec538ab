"""Fault: the reason why a whole file is refused, written for the person who delivered it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from recsys_lineage.errors import LineageError, did_you_mean


class FileFault(LineageError):
    """A file that cannot be read as its source specifies; none of its rows is loaded.

    Its text is one line, because it is stored in a cell of a table.

    Args:
        path: the file, relative to the data folder.
        expected: the source's specification.
        found: the actual content of the file.
        advice: the next step.
    """

    def __init__(self, path: str, expected: str, found: str, advice: str) -> None:
        message = f"{path} cannot be read as its source says."
        super().__init__(message, expected=expected, found=found, where=path, advice=advice)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}; found {self.found}. {self.advice}"


def missing_columns_fault(
    path: str,
    columns: Sequence[str],
    missing: Sequence[str],
    *,
    hint: str = "",
    named_at: Mapping[str, str] | None = None,
) -> FileFault:
    """The fault of a file that lacks the `missing` columns, with similar columns of the file for each.

    Args:
        hint: advice, if known.
        named_at: the position of the columns in the source's SQL.
    """
    places = [named_at[name] for name in missing if named_at and name in named_at]
    more = f" and {len(places) - 1} more places" if len(places) > 1 else ""
    where = f" at {places[0]}{more}" if places else ""
    guesses = [f"{name!r}: {guess}" for name in missing if (guess := did_you_mean(name, columns))]
    if not (hint or guesses) and len(missing) > 1 and sum(map(_is_a_value, columns)) > 1:
        hint = "Its first line looks like a row: deliver the file with its header."
    plural = "columns" if len(missing) > 1 else "column"
    return FileFault(
        path,
        expected=f"the {plural} {', '.join(map(repr, missing))}",
        found=f"the columns {', '.join(map(repr, columns)) or '(none)'}",
        advice=" ".join(
            [
                *guesses,
                hint
                or f"Rename the column in the file, or change the name in the source's SQL{where}; "
                "where only some files have it, add union_by_name = true to the scan.",
            ]
        ),
    )


def _is_a_value(name: str) -> bool:
    """Whether a column is called like a number, a day or a time, which no header says."""
    return re.fullmatch(r"[-+]?[0-9]+([-.,:/ T][0-9]+)*", name.strip()) is not None


def csv_fault(path: str, found: str, advice: str) -> FileFault:
    """The fault of a file that is no CSV as its source specifies."""
    return FileFault(path, "a CSV file", found, advice)


def changed_fault(path: str) -> FileFault:
    """The fault of a file whose content has changed since it was hashed."""
    return FileFault(
        path,
        "the content that it had when its hash was taken",
        "another one",
        "Wait until it is completely written, and run again; move finished files in rather than writing them there.",
    )


def repeated_columns_fault(path: str, columns: Sequence[str]) -> FileFault:
    """The fault of a file that has a column more than once, where the source's SQL names it."""
    return FileFault(
        path,
        "each column that the SQL names once, in whatever case",
        f"the columns {', '.join(map(repr, columns))}",
        "Rename all but one of them in the file.",
    )
