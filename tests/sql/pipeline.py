"""Raw, clean and features of a source in one DuckDB connection, without the lake.

Run as a script it prints the seconds of each statement, each table written to Parquet as the lake would do it:

    python tests/sql/pipeline.py complete-journey [DATA]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from recsys_assets.assets.raw.file_contributions import file_contributions
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.raw_columns import RAW_COLUMNS
from recsys_assets.shop.source import Source
from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.files import OpenedScan, deduplicate, list_files, open_scan
from tests.examples import JUDGES

CLEAN = ("events", "users", "items", "promotions", "rejected_rows")
FEATURES = ("interactions", "user_profiles", "item_profiles", "item_relations", "user_sequences")
TOMORROW = date(2027, 1, 1)

Write = Callable[[duckdb.DuckDBPyConnection, str, str, dict[str, object]], None]


def small_database() -> duckdb.DuckDBPyConnection:
    """A database for files of a few rows, whose statements take their time in DuckDB's optimizer.

    Where a change is judged, the half of it that copies common table expressions is left out; `tests/sql` and
    `tests/platform` run the same statements with it.
    """
    con = duckdb.connect(config={"threads": 1})
    if JUDGES:
        con.execute("SET disabled_optimizers = 'cte_inlining'").fetchall()
    return con


def create_table(con: duckdb.DuckDBPyConnection, table: str, sql: str, parameters: dict[str, object]) -> None:
    """Keeps a statement's rows as a table in memory."""
    con.execute(f"CREATE OR REPLACE TABLE {table} AS {sql}", parameters).fetchall()


def open_source(con: duckdb.DuckDBPyConnection, source: Source, data: Path) -> list[OpenedScan]:
    """Opens all files of a source, each content once."""
    opened = []
    listed = {}
    for named in source.scans():
        files, _ = deduplicate(list_files(data, named.scan.pattern))
        listed.update({file.path: file for file in files})
        opened.append(open_scan(con, data, named.scan, files, named.relation, named.required_columns))
    days = {file.path: file.modified.date() for file in listed.values()}

    def ask(sql: str, values: Mapping[str, Any]) -> pl.DataFrame:
        return con.sql(sql, params=dict(values)).pl()

    given = file_contributions(source, ask, TOMORROW)
    days |= {path: found.days[0] for path, found in given.items() if found.days}
    con.execute("CREATE OR REPLACE TEMP TABLE file_days (_file VARCHAR, day DATE)").fetchall()
    if days:
        con.execute(
            "INSERT INTO file_days SELECT unnest($files), unnest($days)",
            {"files": list(days), "days": list(days.values())},
        ).fetchall()
    return opened


def run_raw(con: duckdb.DuckDBPyConnection, source: Source, write: Write = create_table) -> None:
    """Makes the raw tables from the opened scans."""
    for table in RAW_COLUMNS:
        sql = source.query(table)
        write(con, table, sql, parameters_of(sql, source.raw_parameters(TOMORROW)))


def run_sql(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    group: str,
    tables: tuple[str, ...],
    write: Write = create_table,
) -> None:
    """Makes tables of a group from those that are there."""
    for table in tables:
        sql = load_sql(group, table)
        write(con, table, sql, parameters_of(sql, source.parameters()))


def run_pipeline(
    con: duckdb.DuckDBPyConnection, source: Source, data: Path, write: Write = create_table
) -> None:
    """Makes every table up to the features."""
    open_source(con, source, data)
    run_raw(con, source, write)
    run_sql(con, source, "clean", CLEAN, write)
    run_sql(con, source, "features", FEATURES, write)


def main(name: str, data: str | None = None) -> None:
    """Prints the seconds, rows and megabytes of each statement."""
    source = load_source(name)
    folder = Path(data) if data else source.data_folder()
    assert folder is not None
    total = 0.0
    with tempfile.TemporaryDirectory() as lake:

        def write_file(
            con: duckdb.DuckDBPyConnection, table: str, sql: str, parameters: dict[str, object]
        ) -> None:
            nonlocal total
            path = Path(lake) / f"{table}.parquet"
            begin, cpu = time.perf_counter(), time.process_time()
            con.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)", parameters).fetchall()
            seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
            total += seconds
            con.execute(f"CREATE VIEW {table} AS FROM read_parquet('{path}')").fetchall()
            rows = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            megabytes = path.stat().st_size / 1e6
            print(
                f"{table:16} {seconds:7.2f} s {cpu:7.2f} CPU s {rows:12,} rows {megabytes:8.1f} MB",
                flush=True,
            )

        con = duckdb.connect(
            config={
                "threads": 2,
                "memory_limit": "3GB",
                "temp_directory": lake,
                "preserve_insertion_order": False,
            }
        )
        begin = time.perf_counter()
        open_source(con, source, folder)
        print(f"{'open files':16} {time.perf_counter() - begin:7.2f} s")
        run_raw(con, source, write_file)
        run_sql(con, source, "clean", CLEAN, write_file)
        run_sql(con, source, "features", FEATURES, write_file)
        print(f"{'all statements':16} {total:7.2f} s")
        for row in con.execute(
            "SELECT table_name, reason, count(*), min(detail) FROM rejected_rows GROUP BY ALL ORDER BY 1, 3 DESC"
        ).fetchall():
            print(*row, sep=" | ")


if __name__ == "__main__":
    main(*sys.argv[1:])
