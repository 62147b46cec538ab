"""CSV files are read exactly: every record with its line, every fault with its words."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.files import csv_file
from recsys_lineage.files.csv_dialect import CsvDialect
from recsys_lineage.files.csv_file import MalformedRow, csv_blocks
from recsys_lineage.files.fault import FileFault


@dataclass
class CsvContent:
    """All blocks of a file together."""

    columns: tuple[str, ...]
    batches: list[pa.Table]
    malformed: list[MalformedRow]

    def table(self) -> pa.Table:
        return pa.concat_tables(self.batches)

    @property
    def rows(self) -> int:
        return self.table().num_rows


def read(
    folder: Path, content: bytes | str, dialect: CsvDialect | None = None, block_bytes: int = 1 << 20
) -> CsvContent:
    path = folder / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    blocks = list(csv_blocks(path, "a.csv", dialect or CsvDialect(), block_bytes=block_bytes))
    (columns,) = {block.columns for block in blocks}
    return CsvContent(
        columns, [block.rows for block in blocks], [row for block in blocks for row in block.malformed]
    )


def rows(content: CsvContent) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in content.table().to_pylist()]


def faults(content: CsvContent) -> list[tuple[int, str, str]]:
    return [(row.line, row.fault, row.row) for row in content.malformed]


def test_a_record_has_the_line_on_which_it_starts(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n1,"two\nlines"\n2,x\n\n3,"y ""z"""\n')
    assert content.columns == ("a", "b")
    assert rows(content) == [("1", "two\nlines", 2), ("2", "x", 4), ("3", 'y "z"', 6)]


def test_an_empty_field_is_null_quoted_or_not(tmp_path: Path) -> None:
    assert rows(read(tmp_path, 'a,b\n1,\n"",2\n')) == [("1", None, 2), (None, "2", 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(tmp_path: Path, end: str) -> None:
    content = read(tmp_path, end.join(["a,b", "1,2", "3,4"]))
    assert rows(content) == [("1", "2", 2), ("3", "4", 3)]


def test_rows_with_too_many_or_too_few_fields_are_kept_as_they_were(tmp_path: Path) -> None:
    content = read(tmp_path, "a,b\n1,2\n1,2,3\n\n4\n5,6\n")
    assert rows(content) == [("1", "2", 2), ("5", "6", 6)]
    assert faults(content) == [
        (3, "row has 3 fields where the header names 2", "1,2,3"),
        (5, "row has 1 field where the header names 2", "4"),
    ]


def test_a_quote_that_is_never_closed_costs_only_its_own_line(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n1,"open\n2,x\n3,"y"\n4,z\n')
    assert rows(content) == [("2", "x", 3), ("3", "y", 4), ("4", "z", 5)]
    assert faults(content) == [(2, "a quote is opened and never closed", '1,"open')]


def test_text_after_a_closing_quote_is_a_fault_of_its_row(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n1,"12" ruler"\n2,x\n')
    assert rows(content) == [("2", "x", 3)]
    assert content.malformed[0].line == 2
    assert content.malformed[0].fault.startswith("row is no CSV")


def test_a_stray_byte_is_a_fault_of_its_row(tmp_path: Path) -> None:
    content = read(tmp_path, b"a,b\n1,2\n3,\xe9\n4,\0\n5,6\n" + b"7,8\n" * 300)
    assert rows(content)[:3] == [("1", "2", 2), ("5", "6", 5), ("7", "8", 6)]
    assert faults(content) == [
        (3, "row holds the byte 0xe9, which is no UTF-8 text", "3,\\xe9"),
        (4, "row holds a NUL byte", "4,\\0"),
    ]


def test_a_header_alone_is_no_rows(tmp_path: Path) -> None:
    content = read(tmp_path, "a,b\n")
    assert (content.columns, content.rows, content.malformed) == (("a", "b"), 0, [])


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("a,b\né,2\n".encode("utf-8-sig"), None),
        ("a,b\né,2\n".encode("utf-16"), None),
        ("a,b\né,2\n".encode("latin-1"), "latin-1"),
        ("a,b\né,2\n".encode("utf-16-le"), "utf-16-le"),
        (gzip.compress("a,b\né,2\n".encode(), mtime=0), None),
    ],
)
def test_encodings_and_compression(tmp_path: Path, content: bytes, encoding: str | None) -> None:
    found = read(tmp_path, content, CsvDialect(encoding=encoding), block_bytes=3)
    assert (found.columns, rows(found)) == (("a", "b"), [("é", "2", 2)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\n\n", "only blank lines"),
        (b"PAR1....", "a Parquet file"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 99, mtime=0)[:-9], "truncated"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 99, mtime=0)[:-8] + b"12345678", "damaged gzip"),
        ("a,b\nc,d\n".encode("utf-16-le"), "NUL"),
        ("é,b\nc,d\n".encode("latin-1"), "no UTF-8"),
        ("a,b\né,d\né,e\n".encode("latin-1"), "2 of 3 lines that are no UTF-8 text"),
        (b"a,b,A\n1,2,3\n", "more than once"),
    ],
)
def test_a_file_that_is_no_csv_says_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(FileFault, match=words) as raised:
        read(tmp_path, content)
    assert raised.value.path == "a.csv"
    assert raised.value.advice


def test_a_wrong_encoding_is_a_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match="no utf-16 text"):
        read(tmp_path, b"\xff\xfea\0,", CsvDialect())


def test_lines_kept_whole(tmp_path: Path) -> None:
    content = read(tmp_path, '0 1 2\n1 "3\n', CsvDialect(delimiter="\t", quote="", names=("line",)))
    assert rows(content) == [("0 1 2", 1), ('1 "3', 2)]


FIELD = st.text(st.sampled_from('ab ,"\n\r\té0'), max_size=6)
RECORDS = st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=12)


@settings(max_examples=150, deadline=None)
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
    st.sampled_from([b"a", b"b", b",", b",", b'"', b"\n", b"\n", b"\r\n", b"\r", b"\0", b"\xe9", b" "]),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(dirt=DIRT, block_bytes=st.integers(1, 60))
def test_both_ways_of_reading_give_the_same(dirt: list[bytes], block_bytes: int) -> None:
    content = b"a,b\n" + b"".join(dirt)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "UNREADABLE_SHARE", 1)
        fast = read(Path(folder), content, block_bytes=1 << 20)
        blocks = read(Path(folder), content, block_bytes=block_bytes)
        patch.setattr(csv_file._Reader, "_fast", lambda *_: None)
        exact = read(Path(folder), content, block_bytes=1 << 20)
    assert rows(fast) == rows(exact)
    assert faults(fast) == faults(exact)
    assert rows(blocks) == rows(exact)
    assert faults(blocks) == faults(exact)


@settings(max_examples=150, deadline=None)
@given(dirt=DIRT)
def test_no_line_is_lost(dirt: list[bytes]) -> None:
    content = b"a,b\n" + b"".join(dirt)
    lines = content.splitlines()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "UNREADABLE_SHARE", 1)
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
