"""Scans opened in DuckDB: rows with file and line, faults beside them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files import FileFault, FileScan, OpenedScan, list_files, open_scan
from recsys_lineage.files.parquet_file import decode_parquet

CSV = FileScan("read_csv", "*.csv")
PARQUET = FileScan("read_parquet", "*.parquet")
SHARED = Path(__file__).parents[3] / "shared/data/online-retail"


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})


def opened(con: duckdb.DuckDBPyConnection, root: Path, scan: FileScan, *required: str) -> OpenedScan:
    return open_scan(con, root, scan, list_files(root, scan.pattern), "files", required)


def test_csv_rows_carry_file_and_line(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3\n")
    (tmp_path / "b.csv").write_text("Y,z\n5,6\n")
    scan = opened(con, tmp_path, CSV)
    assert scan.columns == ("x", "y", "z")
    assert con.execute("FROM files ORDER BY _file, _line").fetchall() == [
        ("1", "2", None, "a.csv", 2),
        (None, "5", "6", "b.csv", 2),
    ]
    assert con.execute("FROM files_malformed").fetchall() == [
        ("a.csv", 3, "row has 1 field where the header names 2", "3")
    ]
    assert [(report.rows, report.malformed) for report in scan.reports] == [(2, 1), (1, 0)]


def test_parquet_rows_carry_file_and_row_number(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    for name in ("it's.parquet", "landing/b.parquet"):
        path = str(tmp_path / name).replace("'", "''")
        con.execute(
            f"COPY (SELECT 10 * i AS x FROM range(2) AS t(i)) TO '{path}' (FORMAT parquet)"
        ).fetchall()
    scan = opened(con, tmp_path, PARQUET, "x")
    assert scan.columns == ("x",)
    assert con.execute("FROM files ORDER BY _file, _line").fetchall() == [
        (0, "it's.parquet", 1),
        (10, "it's.parquet", 2),
        (0, "landing/b.parquet", 1),
        (10, "landing/b.parquet", 2),
    ]
    assert con.execute("FROM files_malformed").fetchall() == []


def test_one_bad_file_does_not_hide_the_others(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Quantity,b\n1,2\n")
    (tmp_path / "b.csv").write_text("Qty,b\n1,2\n")
    (tmp_path / "c.csv").write_bytes(b"")
    (tmp_path / "d.csv").write_text("Quantity;b\n1;2\n")
    (tmp_path / "e.csv").write_text("Quantity,b\n")
    (tmp_path / "f.csv").symlink_to("/etc/hostname")
    scan = opened(con, tmp_path, CSV, "Quantity")
    assert con.execute("SELECT _file FROM files").fetchall() == [("a.csv",)]
    words = {fault.path: str(fault) for fault in scan.faults}
    assert set(words) == {"b.csv", "c.csv", "d.csv", "f.csv"}
    assert "the column 'Quantity'; found the columns 'Qty', 'b'" in words["b.csv"]
    assert "an empty file" in words["c.csv"]
    assert "add delim = ';'" in words["d.csv"]
    assert "outside" in words["f.csv"]
    assert [report.rows for report in scan.reports] == [1, None, None, None, 0, None]


def test_a_renamed_column_is_guessed(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Quantitty,Price\n1,2\n")
    scan = opened(con, tmp_path, CSV, "Quantity", "Price")
    assert "'Quantity': Did you mean 'Quantitty'?" in str(scan.faults[0])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: b"", "empty file"),
        (lambda content: content[:-20], "truncated"),
        (lambda content: b"a,b\n1,2\n", "starts with"),
        (lambda content: content[:-8] + b"\xff\xff\xff\x0fPAR1", "damaged"),
    ],
)
def test_damaged_parquet_is_a_fault_of_its_file(con, tmp_path: Path, damage, words: str) -> None:
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    con.execute(f"COPY (SELECT 1 AS x) TO '{good}' (FORMAT parquet)").fetchall()
    bad.write_bytes(damage(good.read_bytes()))
    scan = opened(con, tmp_path, PARQUET, "x")
    assert [fault.path for fault in scan.faults] == ["bad.parquet"]
    assert words in str(scan.faults[0])
    assert con.execute("FROM files").fetchall() == [(1, "good.parquet", 1)]


@pytest.mark.parametrize("value", ["hash(i)", "chr(97 + (hash(i) % 20)::INT)", "hash(i)::VARCHAR"])
@pytest.mark.parametrize("compression", ["snappy", "uncompressed"])
def test_a_damaged_page_shows_when_the_file_is_decoded(
    con, tmp_path: Path, value: str, compression: str
) -> None:
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    con.execute(
        f"COPY (SELECT {value} AS x FROM range(10000) AS t(i)) TO '{good}' "
        f"(FORMAT parquet, COMPRESSION {compression})"
    ).fetchall()
    content = bytearray(good.read_bytes())
    content[20:2000] = b"\xff" * 1980
    bad.write_bytes(content)
    files = list_files(tmp_path, "*.parquet")
    assert open_scan(con, tmp_path, PARQUET, files, "files").faults == ()
    scan = open_scan(con, tmp_path, PARQUET, files, "files", decode=True)
    assert [fault.path for fault in scan.faults] == ["bad.parquet"]
    assert "a page that cannot be read" in str(scan.faults[0])
    assert con.execute("SELECT count(*) FROM files").fetchall() == [(10000,)]


def test_numbers_into_a_dictionary_must_have_their_entry(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": [f"word{n % 5}" for n in range(64)]}), path, compression="none")
    decode_parquet(path, path.name)
    content = path.read_bytes()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(
        content[: end - 8] + b"\xff" * 8 + content[end:]
    )  # three bits a row: 7 is no word's number
    with pytest.raises(FileFault, match="a page that cannot be read"):
        decode_parquet(path, path.name)


def test_without_good_files_the_relation_is_empty_with_the_required_columns(con, tmp_path: Path) -> None:
    for scan in (CSV, PARQUET):
        assert opened(con, tmp_path, scan, "x").columns == ("x",)
        assert con.execute("SELECT x, _file, _line FROM files").fetchall() == []


def test_a_scan_can_be_opened_again_after_its_files_changed(con, tmp_path: Path) -> None:
    for text in ("x\n1\n", "x\n2\n"):
        (tmp_path / "a.csv").write_text(text)
        opened(con, tmp_path, CSV)
    assert con.execute("SELECT x FROM files").fetchall() == [("2",)]


def test_a_file_that_vanished_is_a_fault(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    files = list_files(tmp_path, "*.csv")
    (tmp_path / "a.csv").unlink()
    scan = open_scan(con, tmp_path, CSV, files, "files")
    assert "a readable file" in str(scan.faults[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((("encoding", "klingon"),), "an encoding that Python knows"),
        ((("skip", 3),), "options among"),
        ((("delim", "||"),), "one character"),
        ((("header", False),), "names"),
    ],
)
def test_wrong_options_say_what_is_expected(con, tmp_path: Path, options, words: str) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(SourceSqlError, match=words):
        opened(con, tmp_path, FileScan("read_csv", "*.csv", options))


def test_a_column_that_has_a_name_of_ours_is_a_fault(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,_line\n1,2\n")
    assert "other than _file and _line" in str(opened(con, tmp_path, CSV).faults[0])


def test_real_files_are_read_as_duckdb_reads_them(con: duckdb.DuckDBPyConnection) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the Online Retail files are not at {SHARED}")
    opened(con, SHARED, FileScan("read_csv", "2011-11-*.csv"))
    differ = con.execute(
        f"""SELECT count(*) FROM (
            (SELECT * EXCLUDE (_file, _line) FROM files)
            EXCEPT ALL (FROM read_csv('{SHARED}/2011-11-*.csv', all_varchar = true)))"""
    ).fetchall()
    assert differ == [(0,)]
    assert con.execute(
        "SELECT min(_line), count(*) = count(DISTINCT (_file, _line)) FROM files"
    ).fetchall() == [(2, True)]
