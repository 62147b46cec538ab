"""The dialect of the CSV files of a scan: delimiter, quote, escape, header, encoding, null texts."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files.file_scan import FileScan, OptionValue

KNOWN_OPTIONS = frozenset(
    {
        "all_varchar", "delim", "delimiter", "encoding", "escape", "header", "hive_partitioning", "names", "null",
        "nullstr", "quote", "sep", "skip", "union_by_name",
    }
)  # fmt: skip
_FIXED = {"all_varchar": True, "union_by_name": True}
"""Options for behaviour that is fixed, with the only value allowed."""
_LONGEST_DELIMITER = 4
"""Characters of the longest delimiter that DuckDB knows too."""
_NUMBERED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([0-7]{3}))")
_SEP_LINE = re.compile(rb'"?sep=([^\r\n"\x80-\xff])"?[ \t;,|]*(?:\r\n|\n|\r|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class CsvDialect:
    """The options of a `read_csv` scan. `names` are the columns of files without a header line.

    `encoding` None means UTF-8, or UTF-16 or UTF-32 where the file starts with its byte order mark. An empty `quote`
    means that nothing is quoted: every line is a record. A quote inside quotes is doubled; an `escape`, if any, may
    precede it instead, and also a delimiter, a line's end and itself. `skip` lines come before the header, or before
    the first record. A delimiter may have several characters (`::`). A field that equals one of `nulls` is NULL, as an
    empty one is.
    """

    delimiter: str = ","
    quote: str = '"'
    names: tuple[str, ...] = ()
    encoding: str | None = None
    escape: str = ""
    skip: int = 0
    nulls: tuple[str, ...] = ()

    @classmethod
    def of(cls, scan: FileScan) -> CsvDialect:
        """The dialect in a scan's options.

        Raises:
            SourceSqlError: an option is unknown, of a wrong kind, or contradicts another.
        """
        options = dict(scan.options)
        if unknown := sorted(options.keys() - KNOWN_OPTIONS):
            raise _wrong(scan, f"options among {', '.join(sorted(KNOWN_OPTIONS))}", ", ".join(unknown))
        for name, value in _FIXED.items():
            if options.get(name, value) is not value:
                raise _wrong(scan, f"{name} = {str(value).lower()}, or nothing", f"{name} = {options[name]}")
        if not isinstance(options.get("hive_partitioning", True), bool):
            raise _wrong(scan, "hive_partitioning = true or false", repr(options["hive_partitioning"]))
        delimiter = options.get("delim", options.get("delimiter", options.get("sep", ",")))
        quote = options.get("quote", '"')
        escape = options.get("escape", "")
        names = options.get("names", ())
        encoding = options.get("encoding")
        skip = options.get("skip", 0)
        if not _is_delimiter(delimiter := _unescaped(delimiter)):
            expected = f"a delimiter of one to {_LONGEST_DELIMITER} characters, which are no line's end"
            raise _wrong(scan, expected, repr(delimiter))
        if quote != "" and (not _is_mark(quote) or str(quote) in str(delimiter)):
            raise _wrong(scan, "a quote of one character other than the delimiter, or none", repr(quote))
        if escape in ("\\\\", quote):
            escape = "\\" if escape == "\\\\" else ""
        if escape != "" and (not _is_mark(escape) or str(escape) in str(delimiter)):
            raise _wrong(scan, "an escape of one character other than the delimiter", repr(escape))
        if not isinstance(names, tuple) or bool(names) == bool(options.get("header", not names)):
            raise _wrong(
                scan,
                "names = ['…'] with header = false, and only then",
                f"names = {names!r} and header = {options.get('header', not names)}",
            )
        if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
            raise _wrong(scan, "skip = the number of lines before the header", repr(skip))
        if encoding is not None:
            encoding = str(encoding)
            try:
                known = codecs.lookup(encoding)._is_text_encoding
            except LookupError:
                known = False
            if not known:
                expected = "an encoding that Python knows, such as 'utf-8' or 'latin-1'"
                raise _wrong(scan, expected, repr(encoding))
        return cls(str(delimiter), str(quote), names, encoding, str(escape), skip, _nulls(scan, options))

    def after_its_first_line(self, start: bytes) -> tuple[CsvDialect, int]:
        """The dialect of a file with this start, and the number of bytes at its start that are an instruction to the
        reader.

        Spreadsheets write and obey a first line such as `sep=;`, which names the delimiter.
        """
        found = _SEP_LINE.match(start)
        if found is None:
            return self, 0
        return replace(self, delimiter=found[1].decode()), found.end()


def _is_mark(value: OptionValue) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in "\r\n\0"


def _is_delimiter(value: OptionValue) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_DELIMITER and all(map(_is_mark, value))


def _unescaped(value: OptionValue) -> OptionValue:
    """A delimiter with the character for a backslash and its letter or number: `\\t`, `\\x01`, `\\u0001`, `\\001`."""
    if not isinstance(value, str):
        return value
    text = value.replace("\\t", "\t")
    return _NUMBERED.sub(
        lambda found: chr(int(found[1] or found[2] or found[3], 8 if found[3] else 16)), text
    )


def _nulls(scan: FileScan, options: dict[str, OptionValue]) -> tuple[str, ...]:
    value = options.get("nullstr", options.get("null", ()))
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, tuple):
        raise _wrong(scan, "nullstr = a text, or a list of texts", repr(value))
    return tuple(dict.fromkeys(text for text in value if text))


def _wrong(scan: FileScan, expected: str, found: str) -> SourceSqlError:
    return SourceSqlError(
        "An option of a scan cannot be used.",
        expected=expected,
        found=found,
        where=str(scan),
        advice="correct the option in the source's SQL",
    )
