"""SniffedDialects: the dialects of CSV files, sniffed from their first lines."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path

import duckdb

from recsys_lineage.lake.engine import Engine

_COMPARED_RECORDS = 1_000
"""Number of records of a file that are checked against the dialect of a file with the same first line."""


class SniffedDialects:
    """Dialects of a shop's files; most equal that of another file, and checking that is faster than sniffing."""

    def __init__(self) -> None:
        self._by_header: dict[tuple[str, bool, bool], tuple[str, str]] = {}

    def of(self, text: str) -> tuple[str, str, bool]:
        """The delimiter, the quote (empty if there is none), and whether the first line is a header.

        Those of a text with the same header and quotes are reused if all records have its number of fields.
        """
        key = (text.partition("\n")[0], '"' in text, "'" in text)
        known = self._by_header.get(key)
        if known is not None and len({*map(len, records(text, *known, _COMPARED_RECORDS))}) == 1:
            return (*known, True)
        delimiter, quote, header = _sniffed(text)
        if header:
            self._by_header.setdefault(key, (delimiter, quote))
        return delimiter, quote, header


def records(
    text: str, delimiter: str, quote: str, most: int, escape: str | None = None
) -> Sequence[list[str]]:
    """The first records of a text, without blank lines."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        escapechar=escape,
        doublequote=escape is None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    return list(islice((row for row in reader if row), most))


def _sniffed(text: str) -> tuple[str, str, bool]:
    folder, connection = _sniffer()
    path = Path(folder.name, "sample.csv")
    path.write_text(text, encoding="utf-8")
    delimiter, quote, header = connection.execute(
        "SELECT Delimiter, Quote, HasHeader FROM sniff_csv($path, sample_size = 10000, ignore_errors = true)",
        {"path": str(path)},
    ).fetchall()[0]
    return delimiter, "" if quote in ("\0", "(empty)") else quote, header


@cache
def _sniffer() -> tuple[tempfile.TemporaryDirectory[str], duckdb.DuckDBPyConnection]:
    """A folder for samples and a connection that reads them: opening one takes longer than sniffing a file."""
    folder = tempfile.TemporaryDirectory()
    return folder, Engine("512MB").connect(folders=[folder.name])
