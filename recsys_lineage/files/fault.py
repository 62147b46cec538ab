"""Fault: what is wrong with a whole file, in words for the person who delivered it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recsys_lineage.errors import LineageError, did_you_mean


class FileFault(LineageError):
    """A file that cannot be read as its source says; no row of it is taken.

    Its text is one line, as it is kept in a cell of a table beside those of other files.

    Args:
        path: the file, relative to the data folder.
        expected: what the source asks for.
        found: what the file is or holds instead.
        advice: what to do next.
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
    """The fault of a file that lacks `missing` columns; names the similar columns that it has for each.

    Args:
        hint: what to do, where that is known.
        named_at: where the source's SQL names the columns.
    """
    places = [named_at[name] for name in missing if named_at and name in named_at]
    more = f" and {len(places) - 1} more places" if len(places) > 1 else ""
    where = f" at {places[0]}{more}" if places else ""
    guesses = [f"{name!r}: {guess}" for name in missing if (guess := did_you_mean(name, columns))]
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
                "where only newer files have it, add union_by_name = true to the scan.",
            ]
        ),
    )


def csv_fault(path: str, found: str, advice: str) -> FileFault:
    """The fault of a file that is no CSV as its source says."""
    return FileFault(path, "a CSV file", found, advice)


def changed_fault(path: str) -> FileFault:
    """The fault of a file that has another content than it had when it was hashed."""
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
