"""The bare statements: raw to features with DuckDB alone, no orchestrator, no Delta, no lineage.

It runs the same SQL texts, in the same order, with the same engine settings and the same Parquet options as the
platform, and writes plain Parquet. What the platform takes longer is what its records, checks, fingerprints,
commits and events cost.

Run as `python -m benchmarks.platform.bare FOLDER`; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb

from recsys_assets.settings import Settings, load_settings
from recsys_assets.shop.loaded_source import load_source
from recsys_assets.shop.source import Source
from recsys_assets.sql import load_sql, parameters_of
from recsys_lineage.lake.engine import Engine

RAW = ("raw_events", "raw_users", "raw_items", "raw_promotions")
CLEAN = ("events", "users", "items", "promotions", "rejected_rows")
FEATURES = ("interactions", "user_profiles", "item_profiles", "item_relations", "user_sequences")
# As recsys_lineage writes them, so that neither side writes larger or better compressed files.
PARQUET = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES '64MB'"


def run(folder: Path, settings: Settings) -> dict[str, float]:
    """Write every raw, clean and feature table of the settings' source below `folder`; seconds by table."""
    source = load_source(settings.source)
    root = settings.data or source.data_folder()
    assert root is not None
    tomorrow = datetime.now(timezone.utc).date() + timedelta(days=1)
    seconds: dict[str, float] = {}
    with Engine(settings.memory_bytes, settings.threads).connect(folders=[root, folder]) as connection:
        _open_files(connection, source, root, tomorrow)
        for table in RAW:
            parameters = source.raw_parameters(tomorrow) if table == "raw_events" else {}
            by = "_day" if table == "raw_events" else None
            seconds[table] = _write(connection, folder, table, source.query(table), parameters, by)
        values: dict[str, Any] = source.parameters()
        for group, tables in (("clean", CLEAN), ("features", FEATURES)):
            for table in tables:
                sql = load_sql(group, table)
                seconds[table] = _write(connection, folder, table, sql, parameters_of(sql, values), None)
    return seconds


def rows_of(folder: Path) -> dict[str, int]:
    """Rows of every table that `run` wrote, as the files' footers say."""
    counts = {}
    for table in (*RAW, *CLEAN, *FEATURES):
        files = (
            folder / table / "**" / "*.parquet" if (folder / table).is_dir() else folder / f"{table}.parquet"
        )
        counts[table] = duckdb.execute(f"SELECT count(*) FROM read_parquet('{files}')").fetchall()[0][0]
    return counts


def _open_files(connection: duckdb.DuckDBPyConnection, source: Source, root: Path, tomorrow: date) -> None:
    """A view over the files of each scan, and the day of files whose rows have none."""
    paths: dict[str, Path] = {}
    for named in source.scans():
        if named.scan.function != "read_parquet":
            raise SystemExit(
                f"expected a source of Parquet files; found {named.scan}. CSV has a reader of its own."
            )
        connection.execute(
            f"""CREATE TEMP VIEW "{named.relation}" AS SELECT * EXCLUDE (filename, file_row_number),
            parse_filename(filename) AS _file, file_row_number + 1 AS _line
            FROM read_parquet('{root / named.scan.pattern}', filename = true, file_row_number = true)"""
        )
        connection.execute(  # the platform looks for rows of text that are the header again; here are none
            f"""CREATE TEMP VIEW "{named.relation}_malformed" AS SELECT NULL::VARCHAR AS _file, NULL::BIGINT AS _line,
            NULL::VARCHAR AS _fault, NULL::VARCHAR AS _row WHERE false"""
        )
        paths.update({path.name: path for path in root.glob(named.scan.pattern)})
    modified = [
        (name, datetime.fromtimestamp(p.stat().st_mtime, timezone.utc).date()) for name, p in paths.items()
    ]
    connection.execute("CREATE TEMP TABLE file_days (_file VARCHAR, day DATE)")
    connection.executemany("INSERT INTO file_days VALUES (?, ?)", modified)


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    table: str,
    sql: str,
    parameters: dict[str, Any],
    partition_by: str | None,
) -> float:
    began = time.perf_counter()
    target = folder / table if partition_by else folder / f"{table}.parquet"
    layout = f", PARTITION_BY ({partition_by})" if partition_by else ""
    connection.execute(f"COPY ({sql}) TO '{target}' ({PARQUET}{layout})", parameters or None).fetchall()
    files = (
        f"'{target}/**/*.parquet', hive_partitioning = true, hive_types = {{'{partition_by}': DATE}}"
        if partition_by
        else f"'{target}'"
    )
    connection.execute(f"CREATE TEMP VIEW {table} AS FROM read_parquet({files})")
    return time.perf_counter() - began


if __name__ == "__main__":
    began, cpu = time.perf_counter(), time.process_time()
    tables = run(Path(sys.argv[1]), load_settings())
    timed = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**timed, "tables": tables, "rows": rows_of(Path(sys.argv[1]))}))
