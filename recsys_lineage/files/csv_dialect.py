"""How the CSV files of a scan are written: delimiter, quote, header, encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

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
            ValueError: an option is unknown, of a wrong kind, or contradicts another.
        """
        options = dict(scan.options)
        if unknown := sorted(options.keys() - KNOWN_OPTIONS):
            raise ValueError(f"{scan}: expected options among {sorted(KNOWN_OPTIONS)}; found {unknown}")
        delimiter = options.get("delim", options.get("delimiter", options.get("sep", ",")))
        quote = options.get("quote", '"')
        names = options.get("names", ())
        encoding = options.get("encoding")
        if not isinstance(delimiter, str) or len(delimiter := delimiter.replace("\\t", "\t")) != 1:
            raise ValueError(f"{scan}: expected a delimiter of one character; found {delimiter!r}")
        if not isinstance(quote, str) or len(quote) > 1:
            raise ValueError(f"{scan}: expected a quote of one character, or none; found {quote!r}")
        if not isinstance(names, tuple) or bool(names) == bool(options.get("header", not names)):
            raise ValueError(f"{scan}: expected names = ['…'] with header = false, and only then")
        if encoding is not None:
            encoding = str(encoding)
            try:
                codecs.lookup(encoding)
            except LookupError:
                raise ValueError(
                    f"{scan}: expected an encoding that Python knows, such as 'utf-8' or 'latin-1'; found {encoding!r}"
                ) from None
        return cls(delimiter, quote, names, encoding)
