"""FirstRows: the first rows of one file of a shop, and its format."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from recsys_assets.proposal.names.known_names import known_role
from recsys_assets.proposal.sample.decoded_text import decoded
from recsys_assets.proposal.sample.json_advice import json_to_parquet, of_one_line, unlisted
from recsys_assets.proposal.sample.json_rows import NotJsonLines, RecordsInOneLine, json_cells, json_lines
from recsys_assets.proposal.sample.keyed_things import keyed_things
from recsys_assets.proposal.sample.listed_rows import listed_things, shown_and_clicked
from recsys_assets.proposal.sample.sniffed_dialects import SniffedDialects, records
from recsys_assets.proposal.sample.typed_rows import unnested
from recsys_assets.proposal.sample.unpacked_rows import WHOLE_LINES, UnpackedRows, parts_of_lines
from recsys_assets.shop.shop_rules import NO_VALUE
from recsys_lineage.files.csv.other_format import other_format
from recsys_lineage.files.csv.utf8_stream import MARKS
from recsys_lineage.spelling import folded
from recsys_lineage.sql.names import literal

SAMPLE_BYTES = 1 << 20
SAMPLE_ROWS = 10_000
UNREADABLE = (
    OSError, EOFError, ValueError, OverflowError, zlib.error, csv.Error, duckdb.Error, pl.exceptions.PolarsError,
)  # fmt: skip
"""Errors on reading a file that is damaged or not what its name says."""
_MOST_LINES_BEFORE = 20
_FEWEST_KNOWN = 2
"""The fewest known column names in a line for it to be the header."""
TEXTS = (".csv", ".tsv", ".txt", ".psv")
_JSON = (".json", ".jsonl", ".ndjson")
_FOR_PEOPLE = re.compile("(readme|licen[cs]e|copying|changelog|citation)[^/]*$|.*readme[.]", re.IGNORECASE)
_TWO_SIGNS = "::"
_DELIMITERS = (",", ";", "\t", "|")
_RARE_DELIMITERS = ("^", "~", "\x01", "\x1f", "\x07", "!", "#", "*", "\xa7", "\xa6", "\xac", "\xfe")
"""Delimiters of some exports, chosen because no text has them; recognised by the names in the header."""
_SEPARATOR = re.compile(f"[{''.join(map(re.escape, (*_DELIMITERS, *_RARE_DELIMITERS)))}]")
_OPEN = re.compile(rf"(?:^|{_SEPARATOR.pattern})\"(?:[^\"]|\"\")*$")
"""Pattern of a record whose last field has no closing quote yet."""
_OF_HIVE = "\x01"
_ESCAPES = {"\t": r"\t", _OF_HIVE: r"\x01"}
_LIST = re.compile(r"\d+( \d+)*")
_HEADING = re.compile(r"^(\w+:)\n[^:\n]*,[^:\n]*\n", re.MULTILINE)
"""Pattern of a line that applies to the lines below it, as in `1:` and `1488844,3,2005-09-06`."""
_FEWEST_COLUMNS, _FEWEST_ROWS = 2, 5
"""The fewest columns and rows for a file to be a table when its name does not say so."""
_WORDS_FOR_NONE = tuple(word for word in NO_VALUE if any(map(str.isalpha, word)))
_OF_DATA_FRAMES = "NA"
"""Word of R for no value; it may be an id too, and is the code of Namibia."""
_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_OTHERWISE_COMPRESSED = (".zst", ".bz2", ".xz", ".7z", ".lz4", ".br")


@dataclass(frozen=True)
class FirstRows:
    """The first rows of a file.

    Attributes:
        function: `read_csv` or `read_parquet`.
        options: of that function that differ from the defaults, in DuckDB's syntax.
        frame: the rows; columns of text where the file is text.
        notes: uncertain guesses, in sentences.
        unpacked: how the columns of the frame are extracted from those of the function, if they are.
        no_value: words such as `NULL` in cells without a value; in the frame these are empty.
    """

    function: str
    options: Mapping[str, str]
    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    unpacked: UnpackedRows | None = None
    no_value: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[object, ...]:
        """Properties that files must share to be read by one scan; order and case of columns do not matter."""
        return (*self.way, tuple(sorted(folded(name) for name in self.frame.columns)))

    @property
    def way(self) -> tuple[object, ...]:
        """The scan function and options for the file."""
        taken_apart: tuple[object, ...] = ()
        if self.unpacked:
            taken_apart = (self.unpacked.checks.keys(), self.unpacked.elements, *self.unpacked.outer.values())
        return (self.function, tuple(self.options.items()), *map(str, taken_apart))


def first_rows(path: Path, dialects: SniffedDialects) -> FirstRows:
    """The first rows of a file.

    Args:
        path: of the file.
        dialects: those of the files that were looked at before.

    Raises:
        ValueError: it is neither CSV nor Parquet, or holds no row.
        UNREADABLE: it is damaged, or is not what its name says.
    """
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic == b"PAR1":
        rows = pl.scan_parquet(path, glob=False).head(SAMPLE_ROWS).collect()
        unpacked, rows = json_cells(rows, SAMPLE_ROWS) or unnested(rows) or (None, rows)
        return FirstRows("read_parquet", {}, _plain_times(rows), unpacked=unpacked)
    if path.suffix.casefold() in _OTHERWISE_COMPRESSED:
        raise ValueError("compressed in a way that is not read: unpack it, or compress it by gzip")
    if _FOR_PEOPLE.match(path.name):
        raise ValueError("a text for people")
    with gzip.open(path, "rb") if magic[:2] == b"\x1f\x8b" else path.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    if other := other_format(head):
        advice = other.advice[0].lower() + other.advice[1:].rstrip(".")
        raise ValueError(f"{other.what}: {advice}")
    text, encoding, notes = decoded(head, whole=len(head) < SAMPLE_BYTES)
    if not text.strip() and len(head) < SAMPLE_BYTES:
        raise ValueError("it is empty")
    if not text.strip():
        raise ValueError(of_one_line(path.name, head, SAMPLE_BYTES))
    is_named_text = without_gz(path.name).casefold().endswith(TEXTS)
    if path.suffix.casefold() == ".sql":
        raise ValueError("SQL: load it into its database and export the tables as CSV")
    if not is_named_text and "\0" in text:
        raise ValueError("neither CSV nor Parquet")
    if without_gz(path.name).casefold().endswith(_JSON) or text.lstrip()[:1] in ("{", "["):
        return _of_json(path.name, text, notes)
    if heading := _HEADING.search(text):
        awk = """awk '/:$/ {id = substr($0, 1, length($0) - 1); next} {print id "," $0}'"""
        raise ValueError(
            f"a line such as {heading[1]} says what the lines below are of: write that into each line, as by "
            f"{awk} {path.name} > {path.name.partition('.')[0]}.csv"
        )
    if not _parts_by(text, " ") and all(
        _LIST.fullmatch(line) for line in text.split("\n")[:_MOST_LINES_BEFORE] if line
    ):
        raise ValueError(
            "lists of ids of different lengths: where they are lines of `user item item …`, "
            "RECSYS_SOURCE=interaction-lists reads them without init"
        )
    if width := _parts_by(text, _TWO_SIGNS):
        unpacked = parts_of_lines(width, _TWO_SIGNS)
        parts = [line.split(_TWO_SIGNS) for line in text.split("\n")[:SAMPLE_ROWS] if line]
        columns = {name: [row[place] or None for row in parts] for place, name in enumerate(unpacked.columns)}
        options = {**WHOLE_LINES} | ({"encoding": literal(encoding)} if encoding != "utf-8" else {})
        return FirstRows("read_csv", options, pl.DataFrame(columns), notes, unpacked)
    skipped = _lines_before_header(text)
    options, frame, more = _sniffed("\n".join(text.split("\n")[skipped:]), skipped, dialects)
    if encoding != "utf-8" and not head.startswith(tuple(MARKS)):
        options["encoding"] = literal(encoding)
    if not is_named_text and (frame.width < _FEWEST_COLUMNS or frame.height < _FEWEST_ROWS):
        raise ValueError("neither CSV nor Parquet")
    frame, no_value = _without_words(frame)
    if _OF_DATA_FRAMES in no_value:
        more += (f"{_OF_DATA_FRAMES} stands among its numbers, so it is read as no value in all its columns",)
    unpacked, frame = _rows_in_cells(frame) or (None, frame)
    return FirstRows("read_csv", options, frame, notes + more, unpacked, no_value)


def _rows_in_cells(frame: pl.DataFrame) -> tuple[UnpackedRows, pl.DataFrame] | None:
    """The rows in cells with records or lists of products; None if no column has such cells."""
    return (
        json_cells(frame, SAMPLE_ROWS)
        or shown_and_clicked(frame)
        or keyed_things(frame)
        or listed_things(frame)
    )


def _without_words(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The frame without words for "no value", as databases write them, and these words in their spelling."""
    words = [*_WORDS_FOR_NONE, *([_OF_DATA_FRAMES] if _is_among_numbers(frame, _OF_DATA_FRAMES) else [])]
    is_word = pl.all().str.to_lowercase().is_in([word.casefold() for word in words])
    found = {
        word
        for column in frame.select(pl.when(is_word).then(pl.all())).iter_columns()
        for word in column.drop_nulls().unique()
    }
    return frame.with_columns(pl.when(is_word.fill_null(value=False).not_()).then(pl.all())), tuple(
        sorted(found)
    )


def _is_among_numbers(frame: pl.DataFrame, word: str) -> bool:
    """Whether a column has nothing but numbers beside a word, which then means no value and is no id or country."""
    is_word, is_number = pl.all().eq(word), pl.all().str.contains(_NUMBER)
    checks = frame.select(is_word.any() & is_number.any() & (is_word | is_number).all())
    return any(checks.row(0))


def _of_json(name: str, text: str, notes: tuple[str, ...]) -> FirstRows:
    """The first rows of a file of JSON lines.

    Raises:
        ValueError: the file has none.
    """
    try:
        unpacked, frame, note = json_lines(text, SAMPLE_ROWS)
    except RecordsInOneLine as error:
        raise ValueError(f"{error}: make Parquet of these, as by {unlisted(error.path, name)}") from error
    except NotJsonLines as error:
        first = text.lstrip().partition("\n")[0]
        if first.startswith("{'"):
            raise ValueError(
                "its lines are literals of Python and no JSON: write them as JSON, as by "
                """python -c "import ast, gzip, json; [print(json.dumps(ast.literal_eval(line))) for line in """
                f"""{"gzip.open" if name.endswith(".gz") else "open"}('{name}', 'rt')]" """
                f"> {name.split('.', 1)[0]}.jsonl"
            ) from error
        raise ValueError(
            f"JSON without a record in each line: make Parquet of it, as by {json_to_parquet(name)}"
        ) from error
    return FirstRows("read_csv", WHOLE_LINES, frame, (*notes, *filter(None, [note])), unpacked)


def _parts_by(text: str, separator: str) -> int:
    """Number of fields of all lines between separators of several characters; 0 if it differs, or is 1."""
    widths = {line.count(separator) + 1 for line in text.split("\n")[:SAMPLE_ROWS] if line}
    return max(widths) if len(widths) == 1 and widths != {1} else 0


def without_gz(path: str) -> str:
    """A path without `.gz`; patterns match it with and without."""
    return path[:-3] if path.casefold().endswith(".gz") else path


def _lines_before_header(text: str) -> int:
    """Number of lines before the header; 0 if no line is recognised as one.

    Quoted names may hold line ends, so lines are joined up to the closing quote, unless that leads nowhere.
    """
    lines = text.split("\n", _MOST_LINES_BEFORE)[:_MOST_LINES_BEFORE]
    for joined in (True, False):
        record, start = "", 0
        for place, line in enumerate(lines):
            record, start = (f"{record}\n{line}", start) if record else (line, place)
            if joined and _OPEN.search(record):
                continue
            if _known_names(_SEPARATOR.split(record)) >= _FEWEST_KNOWN:
                return start
            record = ""
    return 0


def _sniffed(
    text: str, skipped: int, dialects: SniffedDialects
) -> tuple[dict[str, str], pl.DataFrame, tuple[str, ...]]:
    """Options that differ from the defaults, the sample with every column as text, and doubts.

    Args:
        text: the beginning of the file, without the lines before its header.
        skipped: number of these lines.
        dialects: those of the files that were sampled before.

    Raises:
        ValueError: there is no row, or no row with as many fields as the header.
    """
    delimiter, quote, header = dialects.of(text)
    delimiter = _likelier_delimiter(text, delimiter)
    options: dict[str, str] = {}
    if delimiter != ",":
        options["delim"] = literal(_ESCAPES.get(delimiter, delimiter))
    if quote != '"' and (quote or '"' in text):
        options["quote"] = literal(quote)
    rows = records(text, delimiter, quote, SAMPLE_ROWS + 1)
    width = len(rows[0])
    whole = sum(len(row) == width for row in rows)
    header = _names_columns(rows, sniffed=header)
    if quote and f"\\{quote}" in text:
        escaped = records(text, delimiter, quote, SAMPLE_ROWS + 1, escape="\\")
        if len(escaped[0]) == width and sum(len(row) == width for row in escaped) >= whole:
            rows = escaped
            options["escape"] = literal("\\")
    header_names = rows[0] if header else [""] * width
    notes: tuple[str, ...] = ()
    others = rows[1:] if header else rows
    if header and others and all(len(row) == width + 1 and not row[-1] for row in others):
        # a separator stands behind each row and not behind the header
        header_names, width, header = [*header_names, ""], width + 1, False
        skipped += 1
        notes = ("a separator ends its rows and not its header, so its columns are named in the SQL",)
    names = [name or f"column_{place}" for place, name in enumerate(header_names, start=1)]
    if skipped:
        options["skip"] = str(skipped)
    if not header:
        options["header"] = "false"
        options["names"] = f"[{', '.join(map(literal, names))}]"
    keys = [folded(name) for name in names]
    alike = sorted({name for name in names if keys.count(folded(name)) > 1})
    if alike:
        notes += (
            f"its columns {', '.join(alike)} are called alike, so they cannot be used: rename all but one",
        )
    cells = [row for row in others if len(row) == width]
    if others and not cells:
        raise ValueError(
            f"none of its rows has as many fields as its header, {width}; the first has {len(others[0])}"
        )
    if not others:
        raise ValueError("it has a header and no rows")
    columns = {
        name: [row[place] or None for row in cells] for place, name in enumerate(names) if name not in alike
    }
    return options, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), notes


def _likelier_delimiter(text: str, sniffed: str) -> str:
    """The sniffed delimiter of a text, or one that fits better: titles and few lines mislead the sniffer."""
    first, delimiter = text.partition("\n")[0], sniffed
    if _OF_HIVE in first:
        return _OF_HIVE
    if _known_names(first.split(delimiter)) < _FEWEST_KNOWN:
        best = max((*_DELIMITERS, *_RARE_DELIMITERS), key=lambda sign: _known_names(first.split(sign)))
        delimiter = best if _known_names(first.split(best)) >= _FEWEST_KNOWN else delimiter
    return " " if delimiter != " " and _parts_by(text, " ") and delimiter not in text else delimiter


def _known_names(cells: Sequence[str]) -> int:
    return len({role for cell in cells if (role := known_role(cell)) is not None})


def _names_columns(rows: Sequence[Sequence[str]], *, sniffed: bool) -> bool:
    """Whether the first row names columns: it has known names, or neither a number nor a value that its column repeats.

    Args:
        rows: all rows.
        sniffed: whether DuckDB found a header by types, which says nothing if all columns are text.
    """
    first, others = rows[0], rows[1:]
    known = _known_names(first)
    if known >= _FEWEST_KNOWN:
        return True
    if not sniffed or known or not others:
        return sniffed
    below = [{row[place] for row in others if place < len(row)} for place in range(len(first))]
    return not any(
        cell and (cell in values or re.fullmatch(r"-?\d+(\.\d+)?", cell.strip()))
        for cell, values in zip(first, below, strict=True)
    )


def _plain_times(frame: pl.DataFrame) -> pl.DataFrame:
    """Parquet columns, as text unless they are numbers or times, and without NaN, which data frames write for no
    value."""
    kept = (pl.Date, pl.Datetime, pl.String, pl.Boolean)
    return frame.with_columns(pl.selectors.float().fill_nan(None)).with_columns(
        pl.col(name).cast(pl.String, strict=False)
        for name, type_ in frame.schema.items()
        if not (type_.is_numeric() or type_.base_type() in kept) and not type_.is_nested()
    )
