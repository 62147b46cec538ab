"""Several processes write one lake at once: nothing is lost, and every commit carries its own number."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest

from recsys_lineage.errors import LineageError, WriteConflict
from recsys_lineage.lake.lake import Lake
from tests.lineage.lake import writers


def _check_numbers(lake: Lake, table: str, committed: list[int]) -> None:
    assert sorted(committed) == list(range(len(committed)))
    assert [version.version for version in lake.versions(table)] == list(range(len(committed)))


def test_different_partitions_of_one_table(
    lake: Lake, processes: ProcessPoolExecutor, aws: dict[str, str]
) -> None:
    keys = [f"p{number:02}" for number in range(30 if lake.storage.is_local else 6)]
    waiting = [
        processes.submit(writers.write_partitions, lake.uri, aws, "t", keys[writer::6], 5 + writer)
        for writer in range(6)
    ]
    committed = [version for done in waiting for version in done.result()]
    _check_numbers(lake, "t", committed)
    latest = lake.version("t")
    assert {key: part.rows for key, part in latest.partitions.items()} == {
        key: 5 + number % 6 for number, key in enumerate(keys)
    }
    assert sorted(part.version for part in latest.partitions.values()) == sorted(committed)
    read = lake.scan(latest).group_by("p").len().collect().rows()
    assert dict(read) == {key: part.rows for key, part in latest.partitions.items()}
    for version in lake.versions("t"):
        assert len(version.partitions) == version.version + 1 == version.files


def test_different_tables(lake: Lake, processes: ProcessPoolExecutor, aws: dict[str, str]) -> None:
    waiting = [
        processes.submit(writers.write_whole, lake.uri, aws, f"t{writer}", f"SELECT {writer} AS i", None, 2)
        for writer in range(6)
    ]
    assert [done.result() for done in waiting] == [[0, 1]] * 6
    assert lake.tables() == [f"t{writer}" for writer in range(6)]
    assert [lake.arrow(lake.version(name))["i"].to_pylist() for name in lake.tables()] == [
        [n] for n in range(6)
    ]


def test_appends(lake: Lake, processes: ProcessPoolExecutor, aws: dict[str, str]) -> None:
    times = 8 if lake.storage.is_local else 2
    waiting = [
        processes.submit(writers.append_rows, lake.uri, aws, "t", writer, times) for writer in range(4)
    ]
    committed = [version for done in waiting for version in done.result()]
    _check_numbers(lake, "t", committed)
    latest = lake.version("t")
    assert sorted(lake.scan(latest).collect().rows()) == [(w, n) for w in range(4) for n in range(times)]
    assert (latest.rows, latest.files) == (4 * times, 4 * times)


def test_changes_of_shape(folder_lake: Lake, processes: ProcessPoolExecutor) -> None:
    shapes = [
        ("SELECT 1 AS i, 'a' AS p, 'x' AS q", "p"),
        ("SELECT 2 AS i, 'b' AS p, 'y' AS q", "q"),
        ("SELECT 3 AS i, TIMESTAMP '2017-01-01' AS t", None),
    ]
    waiting = [
        processes.submit(writers.write_whole, folder_lake.uri, {}, "t", query, by, 6) for query, by in shapes
    ]
    committed = [done.result() for done in waiting]
    _check_numbers(folder_lake, "t", [version for versions in committed for version in versions])
    for (query, by), versions in zip(shapes, committed, strict=True):
        for number in versions:
            version = folder_lake.version("t", number)
            assert version.partition_column == by
            assert folder_lake.scan(version).collect().rows() == duckdb.execute(query).fetchall()


@pytest.mark.parametrize("first_version", [False, True])
def test_one_version_is_committed_once(
    lake: Lake, processes: ProcessPoolExecutor, aws: dict[str, str], tmp_path: Path, first_version: bool
) -> None:
    """delta-rs commits most versions; the first and those that change the table's shape are created here."""
    work = writers.create_first_version if first_version else writers.commit_next_version
    if not first_version:
        with lake.connect() as db:
            lake.write("t", "SELECT 1 AS i", connection=db)
    waiting = [
        processes.submit(work, lake.uri, aws, "t", str(tmp_path / f"opened{n}"), str(tmp_path / "go"))
        for n in range(5)
    ]
    for number in range(5):
        writers.wait_for(str(tmp_path / f"opened{number}"))
    (tmp_path / "go").touch()
    assert Counter(done.result() for done in waiting) == {"won": 1, "lost": 4}


def test_a_live_writers_files_are_left_alone(
    lake: Lake, processes: ProcessPoolExecutor, aws: dict[str, str], tmp_path: Path
) -> None:
    written, go = str(tmp_path / "written"), str(tmp_path / "go")
    held = processes.submit(writers.hold_draft, lake.uri, aws, "t", written, go)
    writers.wait_for(written)
    with lake.connect() as db:
        assert lake.write("t", "SELECT 1::BIGINT AS i", connection=db).version == 0
    Path(go).touch()
    assert held.result() == 1
    assert lake.arrow(lake.version("t"))["i"].to_pylist() == [7]
    assert lake.arrow(lake.version("t", 0))["i"].to_pylist() == [1]


def test_a_writer_taken_for_dead_does_not_commit(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    with (
        pytest.raises(LineageError, match="taken for dead"),
        folder_lake.draft("t", "SELECT 2 AS i", connection=folder_db) as draft,
    ):
        for path in list(folder_lake.storage.files(folder_lake.table_uri("t") + "/_writes")):
            folder_lake.storage.delete(path)
        draft.commit()
    assert folder_lake.version("t").version == 0


def test_a_writer_that_never_wins_gives_up(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys_lineage.lake.commits.draft._COMMIT_ATTEMPTS", 3)
    folder_lake.write("t", "SELECT 0 AS i", connection=folder_db)

    numbers = iter(range(10, 20))

    def overtake(_: object) -> dict[str, int]:
        with folder_lake.connect() as other:
            folder_lake.write("t", f"SELECT {next(numbers)} AS i", connection=other)
        return {}

    with pytest.raises(WriteConflict, match="another writer committing each time"):
        folder_lake.write("t", "SELECT 2 AS i", connection=folder_db, record=overtake)
    assert folder_lake.version("t").version == 3
    assert (
        folder_lake.scan(folder_lake.version("t"))
        .collect()
        .equals(pl.DataFrame({"i": [12]}, {"i": pl.Int32}))
    )
    parquet = [
        path for path in folder_lake.storage.files(folder_lake.table_uri("t")) if path.endswith(".parquet")
    ]
    assert len(parquet) == 4


def test_reading_goes_on_while_others_write(
    folder_lake: Lake, processes: ProcessPoolExecutor, folder_db: duckdb.DuckDBPyConnection
) -> None:
    folder_lake.write("t", "SELECT range AS i FROM range(1000)", connection=folder_db)
    query = "SELECT range AS i FROM range(1000)"
    writing = processes.submit(writers.write_whole, folder_lake.uri, {}, "t", query, None, 15)
    reads = 0
    while not writing.done():
        relation = folder_lake.relation(folder_lake.version("t"))
        assert folder_db.sql(f"SELECT count(*), sum(i) FROM {relation}").fetchall() == [(1000, 499500)]
        reads += 1
    assert reads > 0
    assert writing.result()[-1] == 15
