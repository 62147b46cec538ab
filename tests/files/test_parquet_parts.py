"""Parquet files of many rows in few row groups are read in parts, by several threads: the same rows, in their order."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lineage.files.parquet import parquet_view
from recsys_lineage.files.parquet.parquet_options import ParquetOptions
from recsys_lineage.files.parquet.parquet_view import open_parquet


def opened(con: duckdb.DuckDBPyConnection, root: Path, rows: dict[str, int]) -> list[tuple[object, ...]]:
    open_parquet(con, root, rows, "scan", ParquetOptions(), {"value"})
    return con.execute("SELECT * FROM scan").fetchall()


@settings(max_examples=25, deadline=None)
@given(
    files=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=3),
    part=st.integers(1, 12),
    threads=st.integers(1, 4),
)
def test_parts_have_the_rows_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[int, int]], part: int, threads: int
) -> None:
    root = tmp_path_factory.mktemp("files")
    rows: dict[str, int] = {}
    for number, (count, group) in enumerate(files):
        name = f"o[{number}].parquet"
        values = [f"{number}:{row}" for row in range(count)]
        pq.write_table(pa.table({"value": pa.array(values, pa.string())}), root / name, row_group_size=group)
        rows[name] = count
    with pytest.MonkeyPatch.context() as patched, duckdb.connect(config={"threads": threads}) as con:
        patched.setattr(parquet_view, "PART_ROWS", 1 << 40)
        whole = opened(con, root, rows)
        assert len(whole) == sum(rows.values())
        patched.setattr(parquet_view, "PART_ROWS", part)
        assert opened(con, root, rows) == whole


def test_a_file_of_one_row_group_is_read_by_all_threads(tmp_path: Path) -> None:
    pq.write_table(pa.table({"value": range(100)}), tmp_path / "large.parquet", row_group_size=100)
    with pytest.MonkeyPatch.context() as patched, duckdb.connect(config={"threads": 2}) as con:
        patched.setattr(parquet_view, "PART_ROWS", 10)
        open_parquet(con, tmp_path, {"large.parquet": 100}, "scan", ParquetOptions(), {"value"})
        file = tmp_path / "large.parquet"
        parts, one = (
            con.execute(f"EXPLAIN SELECT value FROM {relation}").fetchall()[0][1].count("READ_PARQUET")
            for relation in ("scan", f"read_parquet('{file}')")
        )
    assert parts == 2 * one
