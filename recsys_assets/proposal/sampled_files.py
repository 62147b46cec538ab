"""SampledFiles: files of a shop that have the same columns, and what their first rows look like."""

from __future__ import annotations

import codecs
import csv
import fnmatch
import glob
import gzip
import io
import os
import re
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import duckdb
import polars as pl

from recsys_assets.proposal.known_names import known_role
from recsys_assets.proposal.sampled_column import SampledColumn, sampled_column
from recsys_assets.proposal.sampled_moments import written_moments
from recsys_lineage.errors import LineageError
from recsys_lineage.files.mixed_encoding import encoding_parts, in_words
from recsys_lineage.lake.engine import Engine
from recsys_lineage.sql.names import literal

SAMPLE_BYTES = 1 << 20
SAMPLE_ROWS = 10_000
_SAMPLED_FILES = 3
_MOST_APART = 20
"""Files that are named one by one where a pattern would read others too."""
_DAY = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d(?!\d)")
_NUMBERED = re.compile(r"(.*?)\d+((?:\.[^\W\d]\w*)+)")
"""A name that ends with a number, as that of the next file will."""
_DATED = re.compile(r"=|^\d+$|(?<!\d)(?:19|20)\d\d(?!\d)")
"""A folder for files of some days, such as `day=2024-01-31`, `2024` or `sales 2024`."""
_MOST_LINES_BEFORE = 20
_FEWEST_KNOWN = 2
"""Names of known columns in a line that is taken for the header."""
_TEXTS = (".csv", ".tsv", ".txt", ".psv")
_JSON = (".json", ".jsonl", ".ndjson")
_OTHERWISE_COMPRESSED = (".zst", ".bz2", ".xz", ".7z", ".lz4", ".br")
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error, csv.Error, duckdb.Error, pl.exceptions.PolarsError)
"""What a file raises that is damaged, or is not what its name says."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class NothingToSample(LineageError):
    """There is no file that could be looked at."""


@dataclass(frozen=True)
class SampledFiles:
    """Files with the same columns, by the pattern that names them.

    Attributes:
        pattern: relative to the data folder; fits these files and, but for what `notes` say, no others.
        paths: the files, relative to the data folder.
        function: `read_csv` or `read_parquet`.
        options: of that function, as DuckDB spells them.
        columns: what the sample says of each column.
        rows: how many rows were looked at.
        notes: what could not be told, in sentences.
        moments: those that several of the columns hold together, such as a day and its clock.
    """

    pattern: str
    paths: tuple[str, ...]
    function: str
    columns: tuple[SampledColumn, ...]
    rows: int
    options: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    moments: tuple[SampledColumn, ...] = ()

    @property
    def scan(self) -> str:
        """The call that reads them, for a FROM clause."""
        options = "".join(f", {name} = {value}" for name, value in self.options.items())
        return f"{self.function}({literal(self.pattern)}{options})"


@dataclass(frozen=True)
class _Sample:
    function: str
    options: Mapping[str, str]
    frame: pl.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[object, ...]:
        """What files have in common that one scan reads; the order and the case of columns do not matter to it."""
        names = [name.casefold() for name in self.frame.columns]
        return (self.function, tuple(self.options.items()), tuple(sorted(names)))


def sampled_files(root: Path, paths: Iterable[str]) -> tuple[list[SampledFiles], dict[str, str]]:
    """Files of a data folder, those with the same columns together; and why others could not be looked at, by path.

    Of each group the first rows of its first, middle and last file are looked at.

    Raises:
        NothingToSample: none of the paths is a CSV or Parquet file with a row.
    """
    samples: dict[str, _Sample] = {}
    left: dict[str, str] = {}
    for path in sorted(paths):
        try:
            samples[path] = _sample(root / path)
        except _UNREADABLE as error:
            left[path] = str(error).splitlines()[0] or type(error).__name__
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for path, sample in samples.items():
        groups[sample.shape].append(path)
    if not groups:
        raise NothingToSample(
            "No file could be looked at.",
            expected="CSV (also as .tsv, .txt, .gz) or Parquet files with a header and rows",
            found="; ".join(f"{path}: {fault}" for path, fault in list(left.items())[:5]) or "no file",
            where=str(root),
            advice="name the files, or the folder that holds them",
        )
    found = []
    for members in groups.values():
        others = [path for path in samples if path not in members]
        pattern = common_pattern(members)
        alike = [members]
        if len(members) <= _MOST_APART and any(_fits(path, pattern) for path in others):
            alike = [[path] for path in members]  # a pattern would read the others too
        for each in alike:
            found.append(_described(each, others, [samples[path] for path in _spread(each)]))
    return sorted(found, key=lambda files: files.pattern), left


def _described(members: Sequence[str], others: Sequence[str], samples: Sequence[_Sample]) -> SampledFiles:
    pattern = common_pattern(members)
    notes = dict.fromkeys(note for sample in samples for note in sample.notes)
    if (caught := [path for path in others if _fits(path, pattern)]) and len(members) > 1:
        notes[f"the pattern {pattern} also fits {', '.join(caught[:3])}, which differ"] = None
    elif caught:
        pattern = literal_pattern(members[0])
        notes[
            "it is read by its own name, for files of like names differ from it; the next ones are not read"
        ] = None
    names = samples[0].frame.columns
    frames = [_with_names(sample.frame, names) for sample in samples]
    if len({tuple(frame.dtypes) for frame in frames}) > 1:
        notes["the types of its columns differ from file to file"] = None
        frames = [_as_text(frame) for frame in frames]
    frame = pl.concat(frames).head(SAMPLE_ROWS)
    columns = tuple(sampled_column(frame[name]) for name in frame.columns)
    moments, unsure = written_moments(frame, columns)
    notes |= dict.fromkeys(unsure)
    first = samples[0]
    return SampledFiles(
        pattern,
        tuple(members),
        first.function,
        columns,
        frame.height,
        first.options,
        tuple(notes),
        tuple(moments),
    )


def common_pattern(paths: Sequence[str]) -> str:
    """A pattern that fits all the paths: what their names begin and end with, and `*` between.

    Days and numbers differ in the files to come, those of folders too, so none of them is in the pattern.
    """
    folders = [path.rpartition("/")[0] for path in paths]
    names = [_bare(path.rpartition("/")[2]) for path in paths]
    if len(set(names)) == 1:
        name = _of_one(names[0])
    else:
        start = re.sub(r"\d[\d\W_]*$", "", os.path.commonprefix(names))  # noqa: RUF071 - letters are meant
        ends = re.sub(r"^[\d\W_]*\d", "", os.path.commonprefix([name[::-1] for name in names])[::-1])  # noqa: RUF071
        shortest = min(map(len, names)) - len(start)
        end = ends[len(ends) - min(len(ends), shortest) :]
        name = f"{literal_pattern(start)}*{literal_pattern(end)}"
    parts = [folder.split("/") if folder else [] for folder in folders]
    shared = [one[0] for one in takewhile(lambda each: len(set(each)) == 1, zip(*parts, strict=False))]
    kept = [*takewhile(lambda part: not _DATED.search(part), shared)]
    below = ["**"] if any(len(kept) < len(part) for part in parts) else []
    return "/".join([*map(literal_pattern, kept), *below, name])


def _of_one(name: str) -> str:
    """A pattern for one name: its day, or the number that it ends with, is any."""
    days, numbered = _DAY.findall(name), _NUMBERED.fullmatch(name)
    if len(days) == 1:
        return "*".join(map(literal_pattern, name.split(days[0])))
    return "*".join(map(literal_pattern, numbered.groups())) if numbered else literal_pattern(name)


def json_to_parquet(name: str) -> str:
    """A command that makes Parquet of a file of JSON."""
    stem = name.split(".", 1)[0]
    return f"""duckdb -c "COPY (FROM read_json('{name}')) TO '{stem}.parquet'\""""


def literal_pattern(path: str) -> str:
    """A pattern that fits a path, and no other but for signs that no pattern may hold."""
    return re.sub(r"[:\\]", "?", glob.escape(path))


def _fits(path: str, pattern: str) -> bool:
    return fnmatch.fnmatch(_bare(path), pattern.replace("**/", "*"))


def _bare(path: str) -> str:
    """Without `.gz`, which any pattern fits too."""
    return path[:-3] if path.casefold().endswith(".gz") else path


def _spread(paths: Sequence[str]) -> list[str]:
    """The first, the middle and the last."""
    last = len(paths) - 1
    return [paths[place] for place in sorted({0, last // 2, last})][:_SAMPLED_FILES]


def _sample(path: Path) -> _Sample:
    """The first rows of a file.

    Raises:
        ValueError: it is neither CSV nor Parquet, or holds nothing.
    """
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic == b"PAR1":
        return _Sample(
            "read_parquet", {}, _plain_times(pl.scan_parquet(path, glob=False).head(SAMPLE_ROWS).collect())
        )
    if magic == b"PK\3\4":
        raise ValueError("a zip archive or a workbook: unpack it, or save it as CSV")
    if _bare(path.name).casefold().endswith(_JSON):
        raise ValueError(f"JSON: make Parquet of it, as by {json_to_parquet(path.name)}")
    if path.suffix.casefold() in _OTHERWISE_COMPRESSED:
        raise ValueError("compressed in a way that is not read: unpack it, or compress it by gzip")
    if not _bare(path.name).casefold().endswith(_TEXTS):
        raise ValueError("neither CSV nor Parquet")
    with gzip.open(path, "rb") if magic[:2] == b"\x1f\x8b" else path.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    text, encoding, notes = _decoded(head, whole=len(head) < SAMPLE_BYTES)
    if not text.strip():
        raise ValueError("it is empty")
    skipped = _lines_before_header(text)
    options, frame = _sniffed("".join(text.splitlines(keepends=True)[skipped:]))
    if skipped:
        options["skip"] = str(skipped)
    if not frame.height:
        raise ValueError("it has a header and no rows")
    if encoding != "utf-8" and not head.startswith(tuple(mark for mark, _ in _BOMS)):
        options["encoding"] = literal(encoding)
    return _Sample("read_csv", options, frame, notes)


def _decoded(head: bytes, *, whole: bool) -> tuple[str, str, tuple[str, ...]]:
    """A file's first bytes as text of whole lines, the encoding, and what is unsure about it."""
    notes: tuple[str, ...] = ()
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    if not encoding and head[1:64:2].count(0) > 16:
        encoding = "utf-16-le"
    if not encoding:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
            encoding = "utf-8"
        except UnicodeDecodeError:
            encoding = "cp1252"
            notes = ("it is not UTF-8; it was read as cp1252 (Western Europe): look at letters with accents",)
            if parts := in_words(encoding_parts(head.splitlines())):
                encoding = "utf-8"
                notes = (f"it is in two encodings ({parts}); write it in one, or its rows are refused",)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).lstrip("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # all that a sample needs to know of them
    lines = text if whole else text[: text.rfind("\n") + 1]
    return lines, encoding, notes


def _lines_before_header(text: str) -> int:
    """How many lines stand before the one that names columns; 0 where no line is known to name any."""
    for place, line in enumerate(text.split("\n", _MOST_LINES_BEFORE)[:_MOST_LINES_BEFORE]):
        cells = re.split(r"[,;\t|]", line)
        known = {role for cell in cells if (role := known_role(cell)) is not None}
        if len(known) >= _FEWEST_KNOWN:
            return place
    return 0


def _sniffed(text: str) -> tuple[dict[str, str], pl.DataFrame]:
    """The options that differ from the usual, and the sample with every column as text."""
    with tempfile.TemporaryDirectory() as folder, Engine("512MB").connect(folders=[folder]) as connection:
        path = Path(folder, "sample.csv")
        path.write_text(text, encoding="utf-8")
        delimiter, quoted, header = connection.execute(
            "SELECT Delimiter, Quote, HasHeader FROM sniff_csv($path, sample_size = 10000, ignore_errors = true)",
            {"path": str(path)},
        ).fetchall()[0]
    quoted = "" if quoted in ("\0", "(empty)") else quoted
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quoted or None,
                           quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE))[: SAMPLE_ROWS + 1]  # fmt: skip
    width = len(rows[0])
    given = rows[0] if header else [""] * width
    names = [name or f"column_{place}" for place, name in enumerate(given, start=1)]
    cells = [row for row in (rows[1:] if header else rows) if len(row) == width]
    options: dict[str, str] = {}
    if delimiter != ",":
        options["delim"] = literal("\\t" if delimiter == "\t" else delimiter)
    if quoted != '"' and (quoted or '"' in text):
        options["quote"] = literal(quoted)
    if not header:
        options["header"] = "false"
        options["names"] = f"[{', '.join(map(literal, names))}]"
    columns = {name: [row[place] or None for row in cells] for place, name in enumerate(names)}
    return options, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _with_names(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns in another order, by names whose case may differ."""
    if frame.columns == list(names):
        return frame
    own = {name.casefold(): name for name in frame.columns}
    return frame.select(pl.col(own[name.casefold()]).alias(name) for name in names)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    texts = (
        pl.Series(name, [None if v is None else str(v) for v in frame[name]], pl.String)
        for name in frame.columns
    )
    return pl.DataFrame(list(texts))


def _plain_times(frame: pl.DataFrame) -> pl.DataFrame:
    """Parquet columns with text for what is neither a number nor a time."""
    kept = (pl.Date, pl.Datetime, pl.String, pl.Boolean)
    return frame.with_columns(
        pl.col(name).cast(pl.String, strict=False)
        for name, type_ in frame.schema.items()
        if not (type_.is_numeric() or type_.base_type() in kept) and not type_.is_nested()
    )
