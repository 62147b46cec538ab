"""CSV files are read exactly: every record with its line, every fault with its words."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import lzma
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from recsys_lineage.files import source_bytes
from recsys_lineage.files.csv import csv_reader
from recsys_lineage.files.csv.csv_dialect import CsvDialect
from recsys_lineage.files.csv.csv_file import csv_blocks
from recsys_lineage.files.fault import FileFault
from tests.files.csv_content import faults, no_block_is_short, read, rows

__all__ = ["no_block_is_short"]


def test_a_record_has_the_line_on_which_it_starts(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n1,"two\nlines"\n2,x\n\n3,"y ""z"""\n')
    assert content.columns == ("a", "b")
    assert rows(content) == [("1", "two\nlines", 2), ("2", "x", 4), ("3", 'y "z"', 6)]


@pytest.mark.parametrize("block_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize("end", ["\x1a", "\n\x1a", "\r\n\x1a\x1a", '"\x1a'])
def test_the_mark_of_dos_behind_the_last_character_belongs_to_no_row(
    tmp_path: Path, end: str, block_bytes: int
) -> None:
    last = '"x' if end.startswith('"') else "x"
    found = read(tmp_path, f"a,b\n1,\x1ay\n2,{last}{end}", block_bytes=block_bytes)
    assert rows(found) == [("1", "\x1ay", 2), ("2", "x", 3)] and not found.malformed


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


def test_no_row_starts_inside_an_open_quote(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n1,"open\n2,x\n3,"y"\n4,z\n')
    assert rows(content) == [("4", "z", 5)]
    assert faults(content) == [
        (
            2,
            "a quote is opened on line 2, and text follows where it is closed on line 4; lines 2 to 4 are one record",
            '1,"open\n2,x\n3,"y"',
        )
    ]


def test_a_quote_that_is_never_closed_takes_the_lines_to_the_end(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n0,0\n1,"open\n2,x\n3,y\n')
    assert rows(content) == [("0", "0", 2)]
    fault = "a quote is opened on line 3 and never closed; lines 3 to 5 are one record"
    assert faults(content) == [(3, fault, '1,"open\n2,x\n3,y')]


def test_a_stray_quote_that_would_take_a_file_s_rows_is_the_file_s_fault(tmp_path: Path) -> None:
    text = 'a,b\n0,0\n1,"open\n' + "2,x\n" * 2_000
    where = r"a quote is opened on line 3 and never closed, so that lines 3 to 2003 are one record"
    with pytest.raises(FileFault, match=where):
        read(tmp_path, text)
    with pytest.raises(
        FileFault, match=r"opened on line 3, and text follows where it is closed on line 2004"
    ):
        read(tmp_path, text + '5,"quoted"\n6,y\n')


@pytest.mark.parametrize("block_bytes", [1 << 10, 1 << 20])
@pytest.mark.parametrize(
    "body", ["x" * 300_000, "<p>\n" * 75_000, 'say ""hello"",\n' * 20_000, "\r\n" * 150_000]
)
def test_a_field_may_be_long(tmp_path: Path, body: str, block_bytes: int) -> None:
    content = read(tmp_path, f'a,b\n1,"{body}"\n2,x\n"{body}\n", y\n3,z\n', block_bytes=block_bytes)
    lines = len(body.encode().splitlines()) - (not body.endswith("\n"))
    value = body.replace('""', '"')
    assert rows(content) == [
        ("1", value, 2),
        ("2", "x", 3 + lines),
        (f"{value}\n", " y", 4 + lines),
        ("3", "z", 6 + 2 * lines),
    ]
    assert faults(content) == []


def test_a_long_row_that_is_none_is_kept_in_part(tmp_path: Path) -> None:
    content = read(tmp_path, f'a,b\n1,"{"x" * 200_000}",2\n{"y" * 200_000}\n')
    assert [row.fault for row in content.malformed] == [
        "row has 3 fields where the header names 2",
        "row has 1 field where the header names 2",
    ]
    assert [(len(row.row), row.row[-1]) for row in content.malformed] == [((1 << 16) + 1, "…")] * 2


@pytest.mark.parametrize("content", [b"\0" * 5000, b"a,b\n1," + b"x" * 5000, b'a,b\n1,"' + b"x\n" * 2500])
def test_a_record_has_a_largest_size(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "LARGEST_RECORD", 4000)
    monkeypatch.setattr(csv_reader, "SWALLOWED_LINES", 1 << 20)
    for packed in (content, gzip.compress(content)):
        with pytest.raises(FileFault, match=r"a\.csv.*a (line|record) of more than"):
            read(tmp_path, packed, block_bytes=100)


def test_a_file_without_line_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(400 << 20)
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    with pytest.raises(FileFault, match="a line of more than 64 MiB"):
        list(csv_blocks(path, "a.csv", CsvDialect()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 << 20
    assert pool.bytes_allocated() == before


def test_a_compressed_file_that_unpacks_to_far_more_than_text_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_bytes, "FREE_EXPANSION", 1 << 20)
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)
    with pytest.raises(FileFault, match=r"a\.csv: .*unpacks to more than 200 times its size"):
        read(tmp_path, packed)
    monkeypatch.setattr(source_bytes, "FREE_EXPANSION", 5 << 20)
    assert read(tmp_path, packed).rows == 1_000_000


def test_a_header_again_is_no_row(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n1,2\na,b\n3,4\n"a",b\na,c\n')
    assert rows(content) == [("1", "2", 2), ("3", "4", 4), ("a", "c", 6)]
    assert [(row.line, row.fault) for row in content.malformed] == [
        (3, "row is the header again"),
        (5, "row is the header again"),
    ]


@pytest.mark.parametrize("again", ["\ufeffa,b", '\ufeff"a",b', "\ufeff\ufeffa,b"])
def test_a_header_of_a_file_that_was_put_behind_another_is_no_row(tmp_path: Path, again: str) -> None:
    content = read(tmp_path, f"\ufeffa,b\n1,2\n{again}\n3,4\n")
    assert rows(content) == [("1", "2", 2), ("3", "4", 4)]
    assert [(row.line, row.fault) for row in content.malformed] == [(3, "row is the header again")]


@pytest.mark.parametrize("again", ["SKU,Name", " sku , name ", '"Sku","NAME"', "\ufeffSKU ,name"])
def test_a_header_in_other_letters_or_with_blanks_is_no_row(tmp_path: Path, again: str) -> None:
    text = "sku,name\n" + "s1,sku and name\n" * 20 + f"{again}\ns2,name\n"
    for block_bytes in (5, 1 << 20):
        content = read(tmp_path, text, block_bytes=block_bytes)
        assert content.rows == 21
        assert [(row.line, row.fault) for row in content.malformed] == [(22, "row is the header again")]


def test_a_header_in_another_order_is_a_fault_for_the_rows_after_it_have_other_columns(
    tmp_path: Path,
) -> None:
    text = "customer,age,city\n" + "c1,30,Bonn\n" * 20
    again = "Age,customer,city\n30,c2,Bonn\n"
    for block_bytes in (5, 1 << 20):
        with pytest.raises(FileFault, match="its header again in another order on line 22"):
            read(tmp_path, text + again, block_bytes=block_bytes)
    assert rows(read(tmp_path, "a,b\nb,a\n")) == [("b", "a", 2)]


def test_a_text_in_ebcdic_is_read_where_its_code_page_is_named(tmp_path: Path) -> None:
    content = read(tmp_path, "who,what\nanna,tea\n".encode("cp037"), CsvDialect(encoding="cp037"))
    assert rows(content) == [("anna", "tea", 2)]


def test_columns_of_one_name_get_numbers(tmp_path: Path) -> None:
    content = read(tmp_path, "a,note,Note,NOTE_1,note\n1,2,3,4,5\n")
    assert content.columns == ("a", "note", "Note_2", "NOTE_1", "note_3")
    assert rows(content) == [("1", "2", "3", "4", "5", 2)]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;;;;"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_first_line_that_names_the_delimiter_is_obeyed(tmp_path: Path, first: str, end: str) -> None:
    text = end.join([first, "a;b", "1;2"])
    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        assert rows(read(tmp_path, content, block_bytes=2)) == [("1", "2", 3)]


def test_lines_before_the_header_are_skipped(tmp_path: Path) -> None:
    text = 'Report of "May\n\n,,\na,b\n1,2\n'
    for block_bytes in (1, 5, 1 << 20):
        assert rows(read(tmp_path, text, CsvDialect(skip=3), block_bytes=block_bytes)) == [("1", "2", 5)]
    assert rows(read(tmp_path, text, CsvDialect(skip=4, names=("x", "y")))) == [("1", "2", 5)]
    with pytest.raises(FileFault, match="no header after 9 lines"):
        read(tmp_path, text, CsvDialect(skip=9))


def test_an_escape_before_marks_makes_them_text(tmp_path: Path) -> None:
    text = 'a,b\n"15\\" frame","x, \\"y\\"\nz"\nends\\\\,\\N\n"a""b",\\,\\t\nx\\\ny,"\\N"\n'
    content = read(tmp_path, text, CsvDialect(escape="\\", nulls=("\\N",)))
    assert rows(content) == [
        ('15" frame', 'x, "y"\nz', 2),
        ("ends\\", None, 4),
        ('a"b', ",\\t", 5),
        ("x\ny", None, 6),
    ]


def test_a_row_with_escapes_says_how_they_are_declared(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\n"15\\" frame","x"\n')
    assert r"if \" stands for a quote, add escape = '\' to its read_csv" in content.malformed[0].fault


def test_texts_that_stand_for_no_value(tmp_path: Path) -> None:
    content = read(tmp_path, 'a,b\nNULL,"NULL"\n-,null\n,x\n', CsvDialect(nulls=("NULL", "-")))
    assert rows(content) == [(None, None, 2), (None, "null", 3), (None, "x", 4)]


def test_a_file_of_another_content_than_its_hash_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content in (b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n") + b"\0" * 9):
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        assert len(list(csv_blocks(path, "a.csv", CsvDialect(), sha256=sha256))) == 2
        with pytest.raises(FileFault, match="its hash was taken; found another one"):
            list(csv_blocks(path, "a.csv", CsvDialect(), sha256="0" * 64))


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
        ("a,b\né,2\n".encode("utf-32"), None),
        (codecs.BOM_UTF32_BE + "a,b\né,2\n".encode("utf-32-be"), None),
        ("a,b\né,2\n".encode("utf-32-le"), "utf-32-le"),
        ("a,b\né,2\n".encode("latin-1"), "latin-1"),
        ("a,b\né,2\n".encode("utf-16-le"), "utf-16-le"),
        (gzip.compress("a,b\né,2\n".encode(), mtime=0), None),
    ],
)
def test_encodings_and_compression(tmp_path: Path, content: bytes, encoding: str | None) -> None:
    found = read(tmp_path, content, CsvDialect(encoding=encoding), block_bytes=3)
    assert (found.columns, rows(found)) == (("a", "b"), [("é", "2", 2)])


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\x1a", gzip.compress(b"", mtime=0)]
)
def test_a_file_whose_columns_the_sql_names_may_hold_no_rows(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, content, CsvDialect(names=("a", "b")))
    assert (found.columns, rows(found), found.malformed) == (("a", "b"), [], [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\n\n", "only blank lines"),
        (b"PAR1....", "a Parquet file"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"SQLite format 3\0....", "a database of SQLite"),
        (b"Obj\x01....", "a file of Avro"),
        ("who,what\nanna,tea 10\n".encode("cp037"), "text in EBCDIC"),
        (b"<!DOCTYPE html>\n<html>403</html>", "a page of HTML"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "a gzip file inside a gzip file"),
        (bz2.compress(b"a,b\n1,2\n"), "compressed by bzip2"),
        (lzma.compress(b"a,b\n1,2\n"), "compressed by xz"),
        (gzip.compress(lzma.compress(b"a,b\n1,2\n"), mtime=0), "xz inside a gzip file"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 99, mtime=0)[:-9], "truncated"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 99, mtime=0)[:-8] + b"12345678", "damaged gzip"),
        ("abc,b\nc,d\n".encode("utf-16-le"), "encoding = 'utf-16-le'"),
        ("abc,b\nc,d\n".encode("utf-16-be"), "encoding = 'utf-16-be'"),
        ("abc,b\nc,d\n".encode("utf-32-le"), "encoding = 'utf-32-le'"),
        ("abc,b\nc,d\n".encode("utf-32-be"), "encoding = 'utf-32-be'"),
        (b"a\0,b\nc,d\n", "NUL"),
        (b"a,b\n" + b"c,\0\n" * 3, "3 of 4 lines that hold NUL bytes"),
        ("é,b\nc,d\n".encode("latin-1"), "no UTF-8"),
        ("a,b\né,d\né,e\n".encode("latin-1"), "2 of 3 lines that are no UTF-8 text"),
        (b'a,"b\nc,d\n', "only blank lines"),
        (b'a,"b" c\n', "a header that is no CSV"),
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


@pytest.mark.parametrize("delimiter", ["::", "||", "~|~", "|~|~", "\t\t"])
@pytest.mark.parametrize("times", [1, 3000])
def test_a_delimiter_may_have_several_characters(tmp_path: Path, delimiter: str, times: int) -> None:
    mark = delimiter[0]
    lines = [
        f"1{delimiter}a{mark}b{delimiter}",
        f'2{delimiter}"x{delimiter}\ny"{delimiter}z',
        f"3{delimiter}",
    ]
    text = f"id{delimiter}title{delimiter}more\n" + "".join(f"{line}\n" for line in lines * times)
    content = read(tmp_path, text, CsvDialect(delimiter=delimiter), block_bytes=97)
    assert content.columns == ("id", "title", "more")
    assert rows(content)[:2] == [("1", f"a{mark}b", None, 2), ("2", f"x{delimiter}\ny", "z", 3)]
    assert len(rows(content)) == 2 * times
    assert faults(content)[0] == (5, "row has 2 fields where the header names 3", f"3{delimiter}")
    with pytest.raises(FileFault, match="U\\+001F"):
        read(tmp_path, text + "4\x1f", CsvDialect(delimiter=delimiter))
