"""What SQL cannot reach: a table of ways out of an asset, each tried on a lake in a folder and on S3."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.lineage.lake.conftest import ENGINE


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that nobody allowed, with a file of each kind that an attack needs."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.csv").write_text("word\nsesame\n")
    (folder / "schema.sql").write_text("CREATE TABLE stolen AS SELECT 'sesame' AS word")
    (folder / "load.sql").write_text("")
    with duckdb.connect(str(folder / "own.db")) as db:
        db.execute("CREATE TABLE t AS SELECT 'sesame' AS word")
        db.execute(f"COPY t TO '{folder}/secret.parquet'")
    return folder


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder that the connection may open."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "open.csv").write_text("word\nopen\n")
    return folder


@pytest.fixture
def db(lake: Lake, allowed: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with lake.connect(opens=[allowed]) as connection:
        yield connection


READS = (
    "FROM read_csv('{out}/secret.csv')",
    "FROM read_csv_auto('{out}/*.csv')",
    "FROM '{out}/secret.csv'",
    "FROM '{out}/secret.parquet'",
    "FROM read_parquet(['{ok}/open.csv', '{out}/secret.parquet'])",
    "FROM parquet_scan('{out}/secret.parquet')",
    "FROM parquet_metadata('{out}/secret.parquet')",
    "FROM parquet_schema('{out}/secret.parquet')",
    "FROM parquet_kv_metadata('{out}/secret.parquet')",
    "FROM read_json('{out}/secret.csv')",
    "FROM read_ndjson_objects('{out}/secret.csv')",
    "FROM read_text('{out}/secret.csv')",
    "FROM read_blob('{out}/secret.csv')",
    "FROM sniff_csv('{out}/secret.csv')",
    "FROM glob('{out}/*')",
    "FROM read_text('{ok}/../outside/secret.csv')",
    "FROM read_text('{ok}/./../outside/secret.csv')",
    "FROM read_text('{ok}/*/../../outside/secret.csv')",
    "FROM read_text('{ok}*/secret.csv')",
    "FROM read_text('{out}//secret.csv')",
    "FROM read_text('file://{out}/secret.csv')",
    "FROM read_text('file:{out}/secret.csv')",
    "FROM read_text('/proc/self/environ')",
    "FROM read_text('/proc/self/root{out}/secret.csv')",
    "FROM read_text('http://127.0.0.1:9/secret.csv')",
    "FROM 'https://example.org/secret.parquet'",
    "FROM read_text('s3://other/secret.csv')",
    "FROM read_text('gcs://other/secret.csv')",
    "FROM query('FROM read_text(''{out}/secret.csv'')')",
    "FROM query_table('{out}/secret.csv')",
    "FROM query_table(['{out}/secret.csv'])",
    "SELECT (SELECT content FROM read_text('{out}/secret.csv'))",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT content FROM read_text(''{out}/secret.csv'')'))",
    "CREATE OR REPLACE TEMP VIEW v AS FROM read_text('{out}/secret.csv'); FROM v",
    "CREATE OR REPLACE TEMP MACRO m(p) AS TABLE FROM read_text(p); FROM m('{out}/secret.csv')",
    "PREPARE p AS FROM read_text('{out}/secret.csv'); EXECUTE p",
    "CREATE TABLE w (word VARCHAR); COPY w FROM '{out}/secret.csv'",
    "ATTACH '{out}/own.db' AS own; FROM own.t",
    "ATTACH '{out}/own.db' AS own (READ_ONLY); FROM own.t",
    "IMPORT DATABASE '{out}'; FROM stolen",
    "SELECT getenv('RECSYS_TEST_WORD')",
    "FROM sesame_frame",
    "FROM globals_frame",
)  # fmt: skip
"""Each would bring the word "sesame", a file's name or a listing to the other side."""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("attack", READS)
def test_nothing_outside_is_read(
    db: duckdb.DuckDBPyConnection, outside: Path, allowed: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sesame_frame = pl.DataFrame({"word": ["sesame"]})
    monkeypatch.setitem(globals(), "globals_frame", sesame_frame)
    monkeypatch.setenv("RECSYS_TEST_WORD", "sesame")
    with pytest.raises(duckdb.Error) as raised:
        for statement in attack.format(out=outside, ok=allowed).split("; "):
            db.execute(statement).fetchall()
    assert "sesame" not in str(raised.value).replace("sesame_frame", "")
    assert len(sesame_frame) == 1


@pytest.mark.parametrize("pattern", ["[.][.]", "?[.]", ".*", "..*", "*/[.][.]/[.][.]", "[.-.][.]"])
def test_no_pattern_matches_the_folder_above(
    db: duckdb.DuckDBPyConnection, outside: Path, allowed: Path, pattern: str
) -> None:
    (allowed / "sub").mkdir()
    assert db.execute(f"FROM glob('{allowed}/{pattern}/outside/secret.csv')").fetchall() == []


WRITES = (
    "COPY (SELECT 1 AS i) TO '{out}/new.parquet'",
    "COPY (SELECT 1 AS i) TO '{ok}/../outside/new.csv'",
    "COPY (SELECT 1 AS i) TO '{out}/new' (FORMAT parquet, PARTITION_BY (i))",
    "COPY (SELECT 1 AS i, 2 AS j) TO '{out}/new' (FORMAT parquet, PER_THREAD_OUTPUT)",
    "EXPORT DATABASE '{out}/new'",
    "ATTACH '{out}/new.db'",
    "PRAGMA enable_profiling = 'json'",
    "PRAGMA profiling_output = '{out}/new'",
    "SET profiling_output = '{out}/new'",
    "SET log_query_path = '{out}/new'",
    "SET temp_directory = '{out}/new'",
    "SET secret_directory = '{out}/new'",
    "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "INSTALL httpfs",
    "INSTALL '{out}/new.duckdb_extension'",
    "LOAD httpfs",
    "LOAD '{out}/new.duckdb_extension'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET allowed_paths = ['/etc/passwd']",
    "RESET allowed_directories",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET python_enable_replacements = true",
    "SET autoinstall_known_extensions = true",
    "SET allow_unsigned_extensions = true",
    "SET home_directory = '{out}'",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET GLOBAL memory_limit = '100GB'",
    "SET SESSION threads = 64",
)


if not duckdb.__version__.startswith("1."):
    # DuckDB 1.5 takes the folder, refuses to write there, and aborts the process when the connection closes
    WRITES += ("CALL enable_logging(storage = 'file', storage_path = '{out}/new')",)


@pytest.mark.parametrize("attack", WRITES)
def test_nothing_outside_is_written_and_no_setting_changed(
    db: duckdb.DuckDBPyConnection, outside: Path, allowed: Path, attack: str
) -> None:
    before = sorted(outside.rglob("*"))
    with pytest.raises(duckdb.Error):
        for statement in attack.format(out=outside, ok=allowed).split("; "):
            db.execute(statement).fetchall()
    assert sorted(outside.rglob("*")) == before


def test_what_is_allowed_is_read_and_frames_are_registered(
    db: duckdb.DuckDBPyConnection,
    lake: Lake,
    allowed: Path,
) -> None:
    db.register("arrow", pa.table({"i": [1]}))
    db.register("polars", pl.DataFrame({"i": [2]}))
    db.register("relation", db.sql("SELECT 3 AS i"))
    assert db.sql("FROM arrow UNION ALL FROM polars UNION ALL FROM relation ORDER BY i").fetchall() == [
        (1,), (2,), (3,),
    ]  # fmt: skip
    assert db.sql(f"FROM read_csv('{allowed}/*.csv')").fetchall() == [("open",)]
    version = lake.write("t", "SELECT 1 AS i, 'a' AS p", connection=db, partition_by="p")
    assert db.sql(f"FROM {lake.relation(version)}").fetchall() == [(1, "a")]


def test_one_file_may_be_read_and_its_neighbour_not(lake: Lake, allowed: Path) -> None:
    (allowed / "other.csv").write_text("word\nother\n")
    with lake.connect(opens=[allowed / "open.csv"]) as db:
        assert db.sql(f"FROM '{allowed}/open.csv'").fetchall() == [("open",)]
        for attack in (f"FROM '{allowed}/other.csv'", f"FROM '{allowed}/*.csv'"):
            with pytest.raises(duckdb.PermissionException):
                db.sql(attack).fetchall()


def test_another_lake_of_the_same_bucket_is_outside(s3_uri: str) -> None:
    one, other = Lake(f"{s3_uri}/one", ENGINE), Lake(f"{s3_uri}/one-more", ENGINE)
    with other.connect() as db:
        version = other.write("t", "SELECT 'sesame' AS word", connection=db)
    with one.connect() as db, pytest.raises(duckdb.Error, match="disabled by configuration"):
        db.sql(f"FROM {other.relation(version)}").fetchall()


def test_the_spill_folder_holds_spilled_blocks_only_and_goes(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("word\nsesame\n")
    engine = Engine(memory_limit="40MB", threads=1, temp_folder=str(tmp_path))
    with engine.connect() as db:
        query = "SELECT count(*) FROM (SELECT i, hash(i) AS h FROM range(3000000) t(i) ORDER BY h)"
        reader = db.execute("SELECT i, hash(i) AS h FROM range(3000000) t(i) ORDER BY h")
        assert reader.fetchone() is not None
        assert len(os.listdir(tmp_path)) == 3, "the secret, the spill folder, and what holds it"
        reader.fetchall()
        assert db.execute(query).fetchall() == [(3000000,)]
        with pytest.raises(duckdb.PermissionException):
            db.execute(f"FROM '{tmp_path}/secret.csv'")
    assert os.listdir(tmp_path) == ["secret.csv"]


def test_cursors_are_locked_and_names_on_them_are_their_own(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("word\nsesame\n")
    with lake.cursor() as one, lake.cursor() as other:
        one.register("_frame", pa.table({"i": [1]}))
        other.register("_frame", pa.table({"i": [2]}))
        assert [db.sql("FROM _frame").fetchall() for db in (one, other)] == [[(1,)], [(2,)]]
        assert one.sql("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
        with pytest.raises(duckdb.Error, match="disabled by configuration"):
            one.sql(f"FROM read_csv('{tmp_path / 'other.csv'}')").fetchall()
        with pytest.raises(duckdb.Error, match="locked"):
            one.execute("SET threads = 1")
