"""Laws of reading CSV: any text, any blocks, any dialect."""

from __future__ import annotations

import csv
import io
import itertools
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recsys_lineage.files.csv import csv_reader, csv_record
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.fault import FileFault
from tests.examples import examples
from tests.files.csv_content import faults, no_block_is_short, read, rows

__all__ = ["no_block_is_short"]

FIELD = st.text(st.sampled_from('ab ,"\n\r\té0'), max_size=6)
RECORDS = st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=12)


@settings(max_examples=examples(150), deadline=None)
@given(records=RECORDS, block_bytes=st.integers(1, 80), end=st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read_with_its_line(records: list[list[str]], block_bytes: int, end: str) -> None:
    text = io.StringIO(newline="")
    # Python's writer leaves a lone carriage return unquoted, which no reader can tell from a line's end
    quoting = (
        csv.QUOTE_ALL if any("\r" in field for record in records for field in record) else csv.QUOTE_MINIMAL
    )
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    writer.writerow(["a", "b", "c"])
    expected = []
    for record in records:
        line = len(text.getvalue().encode().splitlines()) + 1
        writer.writerow(record)
        expected.append((*(value or None for value in record), line))
    with tempfile.TemporaryDirectory() as folder:
        content = read(Path(folder), text.getvalue(), block_bytes=block_bytes)
    assert faults(content) == []
    assert rows(content) == expected


DIRT = st.lists(
    st.sampled_from(
        [b"a", b"b", b",", b",", b'"', b"\n", b"\n", b"\r\n", b"\r", b"\0", b"\xe9", b" ", b"\\", b"N"]
    ),
    max_size=60,
)


DIALECTS = st.builds(
    CsvDialect,
    quote=st.sampled_from(['"', ""]),
    escape=st.sampled_from(["", "\\"]),
    names=st.sampled_from([(), ("a", "b")]),
    skip=st.sampled_from([0, 0, 2]),
    nulls=st.sampled_from([(), ("b", "\\N")]),
)


@settings(max_examples=examples(400), deadline=None)
@example(dirt=[b'"', b"\n", b'"', b"\n"], long=50, block_bytes=1, dialect=CsvDialect())
@example(dirt=[b'"', b"\n"], long=50, block_bytes=13, dialect=CsvDialect())
@given(dirt=DIRT, long=st.sampled_from([1, 1, 50]), block_bytes=st.integers(1, 60), dialect=DIALECTS)
def test_all_ways_of_reading_give_the_same(
    dirt: list[bytes], long: int, block_bytes: int, dialect: CsvDialect
) -> None:
    content = b"a,b\n" + b"".join(part * (long if part in (b"a", b"\n") else 1) for part in dirt)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setattr(csv_reader, "UNREADABLE_SHARE", 1)
        patch.setattr(csv_reader, "LARGEST_TEXT", 40)
        patch.setattr(csv_record, "LARGEST_TEXT", 40)
        patch.setattr(csv_record, "_PIECES", 3)
        fast = outcome(folder, content, dialect, 1 << 20)
        blocks = outcome(folder, content, dialect, block_bytes)
        patch.setattr(csv_reader.CsvReader, "_fast", lambda *_: None)
        exact = outcome(folder, content, dialect, 1 << 20)
        patch.setattr(csv_reader.CsvReader, "_by_module", lambda _self, _lines, at, _taken: at)
        by_line = outcome(folder, content, dialect, 1 << 20)
    assert fast == exact == by_line == blocks


def outcome(folder: Path, content: bytes, dialect: CsvDialect, block_bytes: int) -> object:
    try:
        found = read(folder, content, dialect, block_bytes)
    except FileFault as fault:
        return str(fault)
    return found.columns, rows(found), faults(found)


@settings(max_examples=examples(300), deadline=None)
@given(dirt=DIRT)
def test_rows_are_those_of_a_reader_of_the_whole_file(dirt: list[bytes]) -> None:
    """Where Python's strict reader takes the whole file, its rows are the file's; else they are those up to there."""
    content = b"a,b\n" + b"".join(part for part in dirt if part not in (b"\0", b"\xe9"))
    expected: list[tuple[str | None, ...]] = []
    whole = True
    try:
        for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True):
            if len(row) == 2 and [value.strip(' "') for value in row] != ["a", "b"]:
                expected.append(tuple(value or None for value in row))
    except csv.Error:
        whole = False
    with tempfile.TemporaryDirectory() as folder:
        found = [row[:-1] for row in rows(read(Path(folder), content))]
    assert found == expected if whole else found[: len(expected)] == expected


@settings(max_examples=examples(150), deadline=None)
@given(dirt=DIRT)
def test_no_line_is_lost(dirt: list[bytes]) -> None:
    content = b"a,b\n" + b"".join(dirt)
    lines = content.splitlines()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_reader, "UNREADABLE_SHARE", 1)
        found = read(Path(folder), content)
    starts = sorted([*found.table().column("_line").to_pylist(), *(row.line for row in found.malformed)])
    assert len(starts) == len(set(starts))
    for line in starts:
        assert lines[line - 1]
    texts = [str(value) for row in rows(found) for value in row[:-1] if value] + [
        row.row for row in found.malformed
    ]
    kept = "".join(texts).count("a") + "".join(texts).count("b")
    # header apart, no letter vanishes (backslash escapes add none: \xe9 and \0 hold neither a nor b)
    assert kept == content.count(b"a") + content.count(b"b") - 2


@settings(deadline=None, max_examples=examples(40))
@given(st.text("abcäöüéñß,\n", min_size=1), st.sampled_from(["cp1252", "latin-1"]), st.integers(3, 64))
def test_utf8_is_never_read_as_letters_of_one_byte(text: str, encoding: str, block: int) -> None:
    dialect = CsvDialect(encoding=encoding)
    with tempfile.TemporaryDirectory() as folder:
        content = f"name\n{text.replace(',', '')}\n"
        expected = [line for line in content.split("\n")[1:] if line]
        if expected:
            found = read(Path(folder), content.encode(encoding), dialect, block_bytes=block)
            assert [value for value, _ in rows(found)] == expected
        if not text.isascii():
            with pytest.raises(FileFault, match="UTF-8, which read as"):
                read(Path(folder), content.encode(), dialect, block_bytes=64)


@settings(deadline=None, max_examples=examples(40))
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["utf-8", "cp1252"]),
            st.lists(st.sampled_from(["Zoë", "Müller", "Á", "anna"]), min_size=1),
        ),
        min_size=1,
        max_size=4,
    ),
    named=st.sampled_from([None, "cp1252"]),
    block=st.integers(3, 64),
)
def test_a_file_in_two_encodings_is_a_fault_that_says_which_lines(
    parts: list[tuple[str, list[str]]], named: str | None, block: int
) -> None:  # fmt: skip
    lines = [
        (2 + n, name, encoding) for n, (encoding, name) in enumerate((e, x) for e, xs in parts for x in xs)
    ]
    content = b"name\n" + b"".join(f"{name}\n".encode(encoding) for _, name, encoding in lines)
    kinds = {number: encoding for number, name, encoding in lines if not name.isascii()}
    runs = [[*run] for _, run in itertools.groupby(sorted(kinds), key=lambda number: kinds[number])]
    words = ", ".join(
        (f"line {run[0]} is " if len(run) == 1 else f"lines {run[0]} to {run[-1]} are ")
        + ("UTF-8" if kinds[run[0]] == "utf-8" else "in another encoding")
        for run in runs[:4]
    )
    strays = sum(encoding == "cp1252" for encoding in kinds.values())
    with tempfile.TemporaryDirectory() as folder:
        if len(runs) > 1 and (named or strays > 1):
            with pytest.raises(FileFault, match=f"two encodings in one file: {re.escape(words)}"):
                read(Path(folder), content, CsvDialect(encoding=named), block_bytes=block)
        elif not named and strays <= 1:
            found = read(Path(folder), content, CsvDialect(), block_bytes=block)
            assert [(name, line) for name, line in rows(found)] == [
                (name, number) for number, name, _ in lines if kinds.get(number) != "cp1252"
            ]
            assert [row.line for row in found.malformed] == [
                n for n, kind in kinds.items() if kind == "cp1252"
            ]
        elif named and "utf-8" not in kinds.values():
            found = read(Path(folder), content, CsvDialect(encoding=named), block_bytes=block)
            assert [name for name, _ in rows(found)] == [name for _, name, _ in lines]


def test_a_long_file_whose_encoding_changes_late_is_told_with_either_encoding(tmp_path: Path) -> None:
    content = b"name\r\n" + "Zoë\r\n".encode("cp1252") * 5_000 + "Zoë\r\n".encode() * 5_000
    for named in (None, "cp1252"):
        with pytest.raises(FileFault) as told:
            read(tmp_path, content, CsvDialect(encoding=named))
        assert "lines 2 to 5001 are in another encoding, lines 5002 to 10001 are UTF-8" in str(told.value)
        assert "iconv" in (told.value.advice or "")
