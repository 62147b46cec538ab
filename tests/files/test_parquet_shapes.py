"""Parquet files of a scan whose columns have different types: no file keeps the others from being read."""

from __future__ import annotations

import os
import tempfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recsys_lineage.files import FileScan
from tests.examples import examples
from tests.files.scans import PARQUET, opened

SINGLE: dict[str, pa.Array] = {
    "text": pa.array(["c1"]),
    "small": pa.array([7], pa.int8()),
    "number": pa.array([2**53 + 1]),
    "decimal": pa.array([Decimal("2.50")]),
    "float": pa.array([2.5]),
    "truth": pa.array([True]),
    "day": pa.array([date(2024, 1, 2)]),
    "time": pa.array([time(10)]),
    "moment": pa.array([datetime(2024, 1, 2, 10)]),
    "nothing": pa.nulls(1),
}
OTHERS: dict[str, pa.Array] = {
    "bytes": pa.array([b"\xff"]),
    "list": pa.array([["c1"]]),
    "numbers": pa.array([[1]]),
    "structs": pa.array([[{"id": "c1"}]]),
    "struct": pa.array([{"id": "c1"}]),
    "day in a struct": pa.array([{"id": date(2024, 1, 2)}]),
    "number in a struct": pa.array([{"id": 1}]),
    "deeper": pa.array([{"id": {"id": "c1"}}]),
    "map": pa.array([[("id", "c1")]], pa.map_(pa.string(), pa.string())),
}
VALUES = SINGLE | OTHERS


def put(folder: Path, name: str, values: pa.Array, **others: pa.Array) -> None:
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table({"x": values, **others}), path)
    written = 1.7e9 + len(list(folder.iterdir()))
    os.utime(path, (written, written))


@pytest.mark.parametrize("kind", [kind for kind in SINGLE if kind not in ("text", "nothing")])
def test_single_values_of_all_kinds_are_read_beside_each_other(tmp_path: Path, kind: str) -> None:
    for other, values in SINGLE.items():
        folder = tmp_path / other
        folder.mkdir()
        put(folder, "a", SINGLE[kind])
        put(folder, "b", values)
        with duckdb.connect() as con:
            assert opened(con, folder, PARQUET, "x").faults == ()
            ((first,), (second,)) = con.execute(
                "SELECT CAST(x AS VARCHAR) FROM files ORDER BY _file"
            ).fetchall()
            for text, value in ((first, SINGLE[kind]), (second, values)):
                assert _alike(text, value[0].as_py()), (text, value)


def _alike(text: str | None, value: Any) -> bool:
    """Whether a text is a value's, up to zeros at the end and a time of midnight."""
    if isinstance(value, bool) or value is None:
        return text == (None if value is None else str(value).lower())
    if isinstance(value, (int, float, Decimal)):
        return Decimal(str(text)) == Decimal(str(value))
    return str(text).removesuffix(" 00:00:00") == str(value)


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from([*VALUES]), st.sampled_from([*VALUES]))
@example("number", "day")
@example("text", "list")
@example("day in a struct", "number in a struct")
def test_a_file_of_another_shape_is_a_fault_of_its_own(most: str, other: str) -> None:
    with tempfile.TemporaryDirectory() as name, duckdb.connect() as con:
        folder = Path(name)
        put(folder, "new", VALUES[other])
        for file in ("z1", "z2"):
            put(folder, file, VALUES[most])
        scan = opened(con, folder, PARQUET, "x")
        assert {fault.path for fault in scan.faults} <= {"new.parquet"}
        rows = con.execute("SELECT _file, CAST(x AS VARCHAR) FROM files ORDER BY _file").fetchall()
        assert [file for file, _ in rows][-2:] == ["z1.parquet", "z2.parquet"]
        assert len(rows) == 3 - len(scan.faults)
        if scan.faults:
            assert ".parquet" in str(scan.faults[0].expected), "a file of the others is named"
            assert not {most, other} <= SINGLE.keys()


def test_of_equally_many_files_the_oldest_decides(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(tmp_path, "b", VALUES["text"])
    put(tmp_path, "a", VALUES["struct"])
    (fault,) = opened(con, tmp_path, PARQUET, "x").faults
    assert (fault.path, fault.found) == ("a.parquet", "a struct")
    assert fault.expected == "the column 'x' as text, as in b.parquet"
    assert "UNION ALL BY NAME" in str(fault)


def test_files_that_are_read_together_are_read_apart_too(con, tmp_path: Path) -> None:
    parts = {"a": "struct", "b": "struct", "c": "number in a struct", "d": "day in a struct"}
    for name, kind in parts.items():
        put(tmp_path, name, VALUES[kind])
    assert [fault.path for fault in opened(con, tmp_path, PARQUET, "x").faults] == ["d.parquet"]
    for name in "abd":
        (tmp_path / f"{name}.parquet").unlink()
    assert opened(con, tmp_path, PARQUET, "x").faults == ()


def test_bytes_beside_text_lead_to_the_option(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(tmp_path, "a", pa.array(["Zoë"]))
    put(tmp_path, "b", pa.array(["Zoë".encode()]))
    (fault,) = opened(con, tmp_path, PARQUET, "x").faults
    assert fault.path == "b.parquet"
    assert "binary_as_string = true" in str(fault)
    scan = FileScan("read_parquet", "*.parquet", (("binary_as_string", True),))
    assert opened(con, tmp_path, scan, "x").faults == ()
    assert con.execute("SELECT DISTINCT x FROM files").fetchall() == [("Zoë",)]


def test_columns_that_the_sql_does_not_name_may_have_any_shape(con, tmp_path: Path) -> None:
    put(tmp_path, "a", SINGLE["text"], y=OTHERS["list"], z=SINGLE["day"])
    put(tmp_path, "b", SINGLE["text"], y=OTHERS["struct"], z=SINGLE["number"])
    assert opened(con, tmp_path, PARQUET, "x").faults == ()
    assert con.execute("SELECT x, _file, _line FROM files ORDER BY _file").fetchall() == [
        ("c1", "a.parquet", 1),
        ("c1", "b.parquet", 1),
    ]


def test_a_column_is_not_changed_for_what_lies_inside_another(con, tmp_path: Path) -> None:
    put(tmp_path, "a", pa.array([{"day": 20240102}]), day=SINGLE["day"])
    put(tmp_path, "b", pa.array([{"day": 20240103}]), day=SINGLE["day"])
    assert dict(opened(con, tmp_path, PARQUET, "x", "day").schema)["day"] == "DATE"


def test_a_header_among_rows_of_a_faulty_file_is_not_told_twice(con, tmp_path: Path) -> None:
    put(tmp_path, "a", pa.array([["c1"]]), y=pa.array(["b"]))
    put(tmp_path, "b", pa.array(["c1", "x"]), y=pa.array(["b", "y"]))
    scan = opened(con, tmp_path, PARQUET, "x")
    assert [fault.path for fault in scan.faults] == ["b.parquet"]
    assert con.execute(f"FROM {scan.malformed}").fetchall() == []
