"""How the CSV files of a scan are written: delimiter, quote, header, encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files.source_query import FileScan

KNOWN_OPTIONS = frozenset(
    {"all_varchar", "delim", "delimiter", "encoding", "header", "names", "quote", "sep"}
)


@dataclass(frozen=True)
class CsvDialect:
    """The options of a `read_csv` scan. `names` are the columns where the files have no header line.

    `encoding` None means UTF-8, or UTF-16 where the file starts with its byte order mark. An empty `quote`
    means that nothing is quoted: every line is a record.
    """

    delimiter: str = ","
    quote: str = '"'
    names: tuple[str, ...] = ()
    encoding: str | None = None

    @classmethod
    def of(cls, scan: FileScan) -> CsvDialect:
        """The dialect that a scan's options ask for.

        Raises:
            SourceSqlError: an option is unknown, of a wrong kind, or contradicts another.
        """
        options = dict(scan.options)
        if unknown := sorted(options.keys() - KNOWN_OPTIONS):
            raise _wrong(scan, f"options among {', '.join(sorted(KNOWN_OPTIONS))}", ", ".join(unknown))
        delimiter = options.get("delim", options.get("delimiter", options.get("sep", ",")))
        quote = options.get("quote", '"')
        names = options.get("names", ())
        encoding = options.get("encoding")
        if not isinstance(delimiter, str) or len(delimiter := delimiter.replace("\\t", "\t")) != 1:
            raise _wrong(scan, "a delimiter of one character", repr(delimiter))
        if not isinstance(quote, str) or len(quote) > 1:
            raise _wrong(scan, "a quote of one character, or none", repr(quote))
        if not isinstance(names, tuple) or bool(names) == bool(options.get("header", not names)):
            raise _wrong(
                scan,
                "names = ['…'] with header = false, and only then",
                f"names = {names!r} and header = {options.get('header', not names)}",
            )
        if encoding is not None:
            encoding = str(encoding)
            try:
                codecs.lookup(encoding)
            except LookupError:
                expected = "an encoding that Python knows, such as 'utf-8' or 'latin-1'"
                raise _wrong(scan, expected, repr(encoding)) from None
        return cls(delimiter, quote, names, encoding)


def _wrong(scan: FileScan, expected: str, found: str) -> SourceSqlError:
    return SourceSqlError(
        "An option of a scan cannot be used.",
        expected=expected,
        found=found,
        where=str(scan),
        advice="correct the option in the source's SQL",
    )
