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

from recsys_lineage.errors import FilesChanged, SourceSqlError
from recsys_lineage.files import FileFault, FileScan, KnownContent, OpenedScan, list_files, open_scan
from recsys_lineage.files.parquet.parquet_file import decode_parquet
from tests.examples import examples

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
        ((("comment", "#"),), "options among"),
        ((("skip", "3"),), "skip = the number of lines"),
        ((("escape", "ab"),), "an escape of one character"),
        ((("nullstr", True),), "nullstr = a text"),
        ((("quote", ","),), "other than the delimiter"),
        ((("union_by_name", False),), "union_by_name = true"),
        ((("encoding", "zlib"),), "an encoding that Python knows"),
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((("filename", True),), "the path of its file as _file"),
        ((("file_row_number", True),), "its number, from 1, as _line"),
        ((("hive_types", "x"),), "cast it in the SELECT"),
        ((("compression", "zstd"),), "options among binary_as_string, hive_partitioning"),
        ((("union_by_name", False),), "by their names"),
        ((("binary_as_string", "yes"),), "binary_as_string = true or false"),
    ],
)
def test_options_of_parquet_are_honoured_or_refused(con, tmp_path: Path, options, words: str) -> None:
    with pytest.raises(SourceSqlError, match=words):
        opened(con, tmp_path, FileScan("read_parquet", "*.parquet", options))


def test_bytes_are_text_where_the_sql_says_so(con, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": ["Zoë".encode()]}), tmp_path / "a.parquet")
    scan = FileScan("read_parquet", "*.parquet", (("binary_as_string", True),))
    assert opened(con, tmp_path, scan, "x").schema == (("x", "VARCHAR"),)
    assert con.execute("SELECT x FROM files").fetchall() == [("Zoë",)]


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


def test_rows_are_those_of_the_footers(con, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    monkeypatch.setattr("recsys_lineage.files.scan.read_parquet_footer", lambda *_: (("x",), 3))
    with pytest.raises(FilesChanged, match=r"(?s)a\.parquet does not give.*3 rows.*2 rows"):
        opened(con, tmp_path, PARQUET, "x")


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


def test_parquet_columns_of_reserved_names(con, tmp_path: Path) -> None:
    pq.write_table(pa.table({"filename": ["f"], "_path": ["p"], "x": [1]}), tmp_path / "a.parquet")
    for name in ("file_row_number", "_file", "_Line"):
        pq.write_table(pa.table({name: [7], "x": [1]}), tmp_path / f"{name}.parquet")
    scan = opened(con, tmp_path, PARQUET, "x")
    assert {fault.path for fault in scan.faults} == {
        "file_row_number.parquet", "_file.parquet", "_Line.parquet",
    }  # fmt: skip
    assert "file_row_number, by which every row is traced" in str(scan.faults[-1]) + str(scan.faults[0])
    assert con.execute("SELECT filename, _path, x, _file, _line FROM files").fetchall() == [
        ("f", "p", 1, "a.parquet", 1)
    ]


TIMES = [
    pa.date32(),
    *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.timestamp(unit, zone) for unit in ("ms", "us") for zone in ("UTC", "America/New_York")),
    pa.string(),
]
MOMENT = "2024-01-03 00:00:00"


@settings(max_examples=examples(40), deadline=None)
@given(
    kinds=st.lists(st.sampled_from(TIMES), min_size=1, max_size=4),
    rest=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_a_time_keeps_its_zone_or_has_none_whatever_other_files_have(
    kinds: list[pa.DataType], rest: list[bool]
) -> None:
    moment = pa.array([MOMENT]).cast(pa.timestamp("us"))
    with tempfile.TemporaryDirectory() as name, duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        zoned: dict[str, bool] = {}
        for number, kind in enumerate(kinds):
            when = pa.array([MOMENT]) if kind == pa.string() else moment.cast(kind)
            # the column may have another spelling and place
            columns = {"x": pa.array([number]), "When" if rest[number] else "when": when}
            shown = dict(reversed(columns.items())) if rest[number] else columns
            pq.write_table(pa.table(shown), Path(name) / f"[{number}].parquet")
            zoned[f"[{number}].parquet"] = pa.types.is_timestamp(kind) and kind.tz is not None
        scan = opened(con, Path(name), PARQUET, "when", "x")
        assert scan.faults == ()
        rows = con.execute('SELECT _file, _line, x, CAST("when" AS VARCHAR) FROM files ORDER BY x').fetchall()
        (type_,) = con.execute('SELECT DISTINCT typeof("when") FROM files').fetchall()[0]
    for number, (file, line, x, text) in enumerate(rows):
        assert (file, line, x) == (f"[{number}].parquet", 1, number)
        assert text.startswith(MOMENT[:10])
        assert text.endswith("+00") == zoned[file]
    if len(set(zoned.values())) == 1 and pa.string() not in kinds:
        assert type_ != "VARCHAR", "where all agree they stay times"


@settings(max_examples=examples(40), deadline=None)
@given(
    st.lists(
        st.sampled_from([5, -7, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2.5, None]), min_size=1, max_size=5
    )
)
def test_whole_numbers_are_not_rounded_beside_floats(values: list[float | None]) -> None:
    with tempfile.TemporaryDirectory() as name, duckdb.connect() as con:
        for number, value in enumerate(values):
            column = pa.array([value, None]) if isinstance(value, int) else pa.array([value], pa.float64())
            table = pa.table({"ID" if number % 2 else "id": column})
            pq.write_table(table, Path(name) / f"{number}.parquet")
        assert opened(con, Path(name), PARQUET, "id").faults == ()
        query = "SELECT CAST(id AS VARCHAR), typeof(id) FROM files WHERE _line = 1 ORDER BY _file"
        found = con.execute(query).fetchall()
    for value, (text, _) in zip(values, found, strict=True):
        # ids lose such a point and zeros later on
        assert (None if text is None else text.removesuffix(".0")) == (None if value is None else str(value))
    if all(value is None or abs(value) <= 2**53 for value in values):
        assert {type_ for _, type_ in found} <= {"BIGINT", "DOUBLE"}, (
            "numbers stay numbers where none is rounded"
        )


def test_only_columns_of_the_file_itself_become_text_not_what_lies_inside_one(con, tmp_path: Path) -> None:
    large = 2**53 + 1
    tables = (
        {"s": pa.array([{"id": large, "at": MOMENT}]), "l": pa.array([[large]]), "x": [1]},
        {"id": [2.5], "l": pa.array([[2.5]]), "at": pa.array([MOMENT]).cast(pa.timestamp("us")), "x": [2]},
        {
            "x": [3],
            "id": [large],
            "at": pa.array([MOMENT]).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
        },
    )
    for number, columns in enumerate(tables):
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")
    assert opened(con, tmp_path, PARQUET, "x").faults == ()
    assert con.execute("SELECT x, id, s.id FROM files ORDER BY x").fetchall() == [
        (1, None, large),
        (2, "2.5", None),
        (3, str(large), None),
    ]


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
