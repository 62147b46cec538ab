"""Scans opened in DuckDB: rows with file and line, faults beside them."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import SourceSqlError
from recsys_lineage.files import FileScan, KnownContent, list_files, open_scan
from tests.examples import examples
from tests.files.scans import CSV, PARQUET, opened

SHARED = Path(__file__).parents[3] / "shared/data/online-retail"


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


def test_a_file_without_its_header_is_told_as_one(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("c1,p1,2,2024-01-01 10:00:00\nc2,p1,1,2024-01-01 11:00:00\n")
    (tmp_path / "b.csv").write_text("client,article,count,2024\nc1,p1,2,3\n")
    scan = opened(con, tmp_path, CSV, "customer", "product")
    headless, renamed = map(str, scan.faults)
    assert "Its first line looks like a row: deliver the file with its header." in headless
    assert "Rename the column in the file" in renamed and "looks like a row" not in renamed


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
        ((("comment", "#"),), "options among"),
        ((("skip", "3"),), "skip = the number of lines"),
        ((("escape", "ab"),), "an escape of one character"),
        ((("nullstr", True),), "nullstr = a text"),
        ((("quote", ","),), "other than the delimiter"),
        ((("union_by_name", False),), "union_by_name = true"),
        ((("encoding", "zlib"),), "an encoding that Python knows"),
        ((("delim", "<||||>"),), "one to 4 characters"),
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


NAME = st.text(st.sampled_from("o1[]*?{}!-^'%=, é"), min_size=1, max_size=6).filter(lambda name: name.strip())


@settings(max_examples=examples(30), deadline=None)
@given(folder=NAME, names=st.sets(NAME, min_size=1, max_size=6))
def test_a_file_s_name_is_no_pattern(folder: str, names: set[str]) -> None:
    with tempfile.TemporaryDirectory() as above, duckdb.connect() as con:
        root = Path(above) / folder
        root.mkdir()
        for number, name in enumerate(sorted(names), start=1):
            pq.write_table(pa.table({"x": range(number)}), root / f"{name}.parquet")
            (root / f"{name}.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(number)))
        expected = [
            (f"{name}.parquet", list(range(number))) for number, name in enumerate(sorted(names), start=1)
        ]
        query = "SELECT _file, list(x::BIGINT ORDER BY _line) FROM files GROUP BY _file ORDER BY _file"
        opened(con, root, PARQUET, "x")
        assert con.execute(query).fetchall() == sorted(expected)
        opened(con, root, CSV, "x")
        assert con.execute(query).fetchall() == sorted(
            (name.replace(".parquet", ".csv"), rows) for name, rows in expected
        )


def test_a_name_that_duckdb_cannot_be_given_is_a_fault_of_its_file(con, tmp_path: Path) -> None:
    for name in ("a\\b", "a[b", "a\\[b"):
        pq.write_table(pa.table({"x": [1]}), tmp_path / f"{name}.parquet")
        (tmp_path / f"{name}.csv").write_text("x\n1\n")
    scan = opened(con, tmp_path, PARQUET, "x")
    assert ["a\\[b.parquet: expected a path without a backslash" in str(fault) for fault in scan.faults] == [
        True
    ]
    assert con.execute("SELECT _file FROM files ORDER BY 1").fetchall() == [
        ("a[b.parquet",),
        ("a\\b.parquet",),
    ]
    assert opened(con, tmp_path, CSV, "x").faults == ()


@pytest.mark.parametrize("function", ["read_parquet", "read_csv"])
def test_folders_give_the_columns_that_files_lack(con, tmp_path: Path, function: str) -> None:
    suffix = function.removeprefix("read_")
    tables = {
        "day=2024-01-01/Kind=a%20b": pa.table({"x": ["1"]}),
        "day=2024-01-02/kind=__HIVE_DEFAULT_PARTITION__": pa.table({"x": ["2"]}),
        "day=2024-01-03": pa.table({"x": ["3"], "KIND": ["own"]}),
        "other": pa.table({"x": ["4"], "day": ["own"]}),
        "_file=x": pa.table({"x": ["5"]}),
    }
    for folder, table in tables.items():
        (tmp_path / folder).mkdir(parents=True)
        write = pq.write_table if suffix == "parquet" else pyarrow.csv.write_csv
        write(table, tmp_path / folder / f"part.{suffix}")
    scan = opened(con, tmp_path, FileScan(function, f"**/*.{suffix}"), "x")
    assert set(scan.columns) >= {"x", "day"}
    assert con.execute("SELECT x, day, kind FROM files ORDER BY x").fetchall() == [
        ("1", "2024-01-01", "a b"),
        ("2", "2024-01-02", None),
        ("3", "2024-01-03", "own"),
        ("4", "own", None),
        ("5", None, None),
    ]
    assert not scan.faults
    without = FileScan(function, f"**/*.{suffix}", (("hive_partitioning", False),))
    faults = opened(con, tmp_path, without, "x", "day").faults
    assert sorted(fault.path.split("/")[0] for fault in faults) == [
        "_file=x", "day=2024-01-01", "day=2024-01-02", "day=2024-01-03",
    ]  # fmt: skip


@pytest.mark.parametrize("function", ["read_parquet", "read_csv"])
def test_a_repeated_column_is_a_fault_only_where_it_is_used(con, tmp_path: Path, function: str) -> None:
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["n"]), pa.array(["m"])], ["x", "note", "Note"])
    if function == "read_parquet":
        pq.write_table(table, tmp_path / "a.parquet")
    else:
        pyarrow.csv.write_csv(table, tmp_path / "a.csv")
    scan = FileScan(function, "*.*")
    assert opened(con, tmp_path, scan, "x").faults == ()
    assert con.execute("SELECT x FROM files").fetchall() == [("1",)]
    (fault,) = opened(con, tmp_path, scan, "x", "note").faults
    assert {"'note'", "'Note'"} <= set(re.findall(r"'\w+'", str(fault)))


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("function", ["read_parquet", "read_csv"])
def test_a_file_that_changed_since_it_was_listed_is_a_fault(
    con, tmp_path: Path, function: str, settled: bool
) -> None:
    path = tmp_path / f"a.{function.removeprefix('read_')}"

    def write(value: int) -> None:
        if function == "read_parquet":
            pq.write_table(pa.table({"x": [value]}), path)
        else:
            path.write_text(f"x\n{value}\n")
        os.utime(path, (86400, 86400))

    write(1)
    (file,) = list_files(tmp_path, path.name)
    if settled:
        began, *state = file.signature
        file = replace(file, signature=(began + 10**10, *state))
    scan = FileScan(function, path.name)
    assert open_scan(con, tmp_path, scan, [file], "files", ["x"]).faults == ()
    write(2)
    (fault,) = open_scan(con, tmp_path, scan, [file], "files", ["x"]).faults
    assert "its hash was taken" in str(fault)
    assert con.execute("FROM files").fetchall() == []


def test_a_csv_file_that_is_known_is_not_read_again(con, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n")
    files = list_files(tmp_path, "*.csv")
    (tmp_path / "a.csv").unlink()
    known = {("a.csv", files[0].sha256): KnownContent(3, 1, ("x",))}
    scan = open_scan(con, tmp_path, CSV, files, "files", ["x"], known=known)
    found = [(report.rows, report.malformed, report.columns, report.known) for report in scan.reports]
    assert found == [(3, 1, ("x",), True), (1, 0, ("x",), False)], (
        "equal content at another path is another file"
    )
    assert con.execute("SELECT _file FROM files").fetchall() == [("b.csv",)]
    known |= {("b.csv", files[1].sha256): KnownContent(1, 0, ("x",))}
    open_scan(con, tmp_path, CSV, files, "files", ["x"], known=known)
    assert con.execute("SELECT x, _file, _line FROM files").fetchall() == []
