"""A column that an export has from some day on, and the SQL names."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from recsys_lineage.files import FileScan, OpenedScan, list_files, open_scan


def opened(con: duckdb.DuckDBPyConnection, root: Path, function: str, *, united: bool) -> OpenedScan:
    scan = FileScan(function, "*.data", (("union_by_name", True),) if united else ())
    return open_scan(con, root, scan, list_files(root, "*.data"), "files", ("item", "colour"))


def write(path: Path, function: str, **columns: str) -> None:
    frame = pl.DataFrame({name: [value] for name, value in columns.items()})
    frame.write_csv(path) if function == "read_csv" else frame.write_parquet(path)


@pytest.mark.parametrize("function", ["read_csv", "read_parquet"])
def test_older_files_lack_it_only_where_the_sql_says_so(tmp_path: Path, function: str) -> None:
    con = duckdb.connect()
    write(tmp_path / "1.data", function, item="a")
    for united in (False, True):  # and none has it yet
        scan = opened(con, tmp_path, function, united=united)
        assert bool(scan.faults) != united
        assert con.sql("SELECT item, colour FROM files").fetchall() == ([("a", None)] if united else [])
    write(tmp_path / "2.data", function, item="b", colour="red")
    scan = opened(con, tmp_path, function, united=False)
    assert "1.data: expected the column 'colour'" in str(scan.faults[0])
    assert "union_by_name = true" in str(scan.faults[0])
    assert not opened(con, tmp_path, function, united=True).faults
    assert con.sql("SELECT item, colour FROM files ORDER BY ALL").fetchall() == [("a", None), ("b", "red")]
    # a file without any of the columns is another one
    write(tmp_path / "3.data", function, name="c")
    scan = opened(con, tmp_path, function, united=True)
    assert [fault.path for fault in scan.faults] == ["3.data"]
