"""Scans of Parquet files: damaged ones, options, types that differ from file to file."""

from __future__ import annotations

import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import FilesChanged, SourceSqlError
from recsys_lineage.files import FileFault, FileScan, list_files, open_scan
from recsys_lineage.files.parquet.parquet_file import decode_parquet
from tests.examples import examples
from tests.files.scans import PARQUET, opened


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


def test_rows_are_those_of_the_footers(con, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    monkeypatch.setattr(
        "recsys_lineage.files.scan.read_parquet_footer", lambda *_: (pa.schema({"x": pa.int64()}), 3)
    )
    with pytest.raises(FilesChanged, match=r"(?s)file a\.parquet has another number of rows.*3 rows.*2 rows"):
        opened(con, tmp_path, PARQUET, "x")


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


@pytest.mark.parametrize("again", [("id", "Name"), (" ID ", "name")])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_header_among_the_rows_is_no_row(
    con, tmp_path: Path, again: tuple, groups: int, kind: pa.DataType
) -> None:
    rows = [("a1", "name"), ("id", None), ("i2", "x"), again, ("id", "other"), again]
    columns = {name: pa.array([row[at] for row in rows]).cast(kind) for at, name in enumerate(("id", "Name"))}
    pq.write_table(pa.table(columns), tmp_path / "joined.parquet", row_group_size=6 // groups)
    pq.write_table(pa.table({"id": ["id"], "Name": [7]}), tmp_path / "typed.parquet")
    scan = opened(con, tmp_path, PARQUET, "id")
    assert [(report.rows, report.malformed) for report in scan.reports] == [(6, 2), (1, 0)]
    kept = con.execute("SELECT _line FROM files WHERE _file = 'joined.parquet' ORDER BY _line").fetchall()
    assert kept == [(1,), (2,), (3,), (5,)]
    told = con.execute(f"SELECT _file, _line, _fault FROM {scan.malformed} ORDER BY _line").fetchall()
    assert told == [("joined.parquet", line, "row is the header again") for line in (4, 6)]


TIMES = [
    pa.date32(),
    *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.timestamp(unit, zone) for unit in ("ms", "us", "ns") for zone in ("UTC", "America/New_York")),
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


PLACES = {
    "{}.at": lambda kind: (
        pa.struct([("n", pa.int64()), ("at", kind)]),
        lambda moment: {"n": 1, "at": moment},
    ),
    "{}.other.at": lambda kind: (
        pa.struct([("other", pa.struct([("at", kind)]))]),
        lambda moment: {"other": {"at": moment}},
    ),
    "{}[1].at": lambda kind: (pa.list_(pa.struct([("at", kind)])), lambda moment: [{"at": moment}]),
    "{}['a b']": lambda kind: (pa.map_(pa.string(), kind), lambda moment: [("a b", moment)]),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_time_inside_a_column_keeps_its_zone_or_has_none(tmp_path: Path, place: str) -> None:
    moment = datetime(2024, 1, 3, 10)
    kinds = {
        "1": pa.timestamp("us"),
        "2": pa.timestamp("us", "UTC"),
        "3": pa.timestamp("ms"),
        "4": pa.date32(),
    }
    for number, kind in kinds.items():
        type_, value = PLACES[place](kind)
        values = pa.array([value(moment.date() if kind == pa.date32() else moment)], type_)
        pq.write_table(
            pa.table({"x": [number], "E" if number == "2" else "e": values}), tmp_path / f"{number}.parquet"
        )
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'Asia/Tokyo'")
        assert opened(con, tmp_path, PARQUET, "e", "x").faults == ()
        found = con.execute(f"SELECT CAST({place.format('e')} AS VARCHAR) FROM files ORDER BY x").fetchall()
    assert [text for (text,) in found] == [
        "2024-01-03 10:00:00", "2024-01-03 19:00:00+09", "2024-01-03 10:00:00", "2024-01-03"
    ]  # fmt: skip


WHOLE = (5, -7, 2**24 + 1, 2**53 + 1, -(2**53) - 1, 2**63 - 1)
NUMBERS = [
    *((number, kind) for number in WHOLE for kind in ("int64", "decimal(38, 0)", "decimal(38, 10)")),
    *((number, "int32") for number in WHOLE[:3]),
    *((Decimal("12.34"), kind) for kind in ("decimal(10, 2)", "decimal(30, 20)")),
    *((number, kind) for number in (2.5, 7.0, None) for kind in ("double", "float")),
]


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=5))
def test_whole_numbers_and_decimals_are_not_rounded_whatever_other_files_have(
    values: list[tuple[float | Decimal | None, str]],
) -> None:
    with tempfile.TemporaryDirectory() as name, duckdb.connect() as con:
        for number, (value, kind) in enumerate(values):
            typed = f"SELECT CAST({value if value is not None else 'NULL'} AS {kind}) AS {('id', 'ID')[number % 2]}"
            con.execute(f"COPY ({typed}) TO '{name}/{number}.parquet'").fetchall()
        assert opened(con, Path(name), PARQUET, "id").faults == ()
        found = con.execute("SELECT CAST(id AS VARCHAR), typeof(id) FROM files ORDER BY _file").fetchall()
    for (value, _), (text, _) in zip(values, found, strict=True):
        assert (None if text is None else Decimal(text)) == (None if value is None else Decimal(str(value)))
        assert text is None or "e" not in text, "an id in scientific notation is another one"
    plain = {"int32", "int64", "decimal(10, 2)", "decimal(38, 10)", "double"}
    if all((value is None or abs(value) < 1e4) and kind in plain for value, kind in values):
        assert "VARCHAR" not in {type_ for _, type_ in found}, "numbers stay numbers where none is rounded"


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([MOMENT, "9999-12-31 23:59:59", "0001-01-01 00:00:00"]),
            st.sampled_from(["date32", "s", "us", "ns", "us UTC", "ns UTC"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_times_beyond_nanoseconds_are_read_beside_files_of_nanoseconds(times: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as name, duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'").fetchall()
        for number, (moment, kind) in enumerate(times):
            exact = pa.array([moment]).cast(pa.timestamp("s"))
            unit, *zone = kind.split()
            far = unit == "ns" and moment != MOMENT
            column = exact.cast(
                pa.date32() if unit == "date32" else pa.timestamp("us" if far else unit, *zone), safe=False
            )
            pq.write_table(pa.table({"when": column}), Path(name) / f"{number}.parquet")
        assert opened(con, Path(name), PARQUET, "when").faults == ()
        found = con.execute(
            'SELECT CAST("when" AS VARCHAR), typeof("when") FROM files ORDER BY _file'
        ).fetchall()
    assert [text[:10] for text, _ in found] == [moment[:10] for moment, _ in times]
    if all(moment == MOMENT for moment, _ in times) and len({kind.endswith("UTC") for _, kind in times}) == 1:
        assert all(type_ == "DATE" or type_.startswith("TIMESTAMP") for _, type_ in found)


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
