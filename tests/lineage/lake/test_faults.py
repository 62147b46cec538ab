"""Faults, each caused: killed writers, full and read-only disks, damaged logs and files."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from recsys_lineage.errors import InsufficientSpace, LineageError
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from tests.lineage.lake import writers
from tests.lineage.lake.conftest import ENGINE
from tests.lineage.processes import BESIDE
from tests.lineage.small_disk import fill

PARTS = "SELECT i, i % 3 AS p FROM range(100) t(i)"


def _killed(work: Callable[..., None], lake: Lake) -> None:
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    process = BESIDE.Process(target=work, args=(lake.uri, aws, "t"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _files(lake: Lake, ending: str = ".parquet") -> list[str]:
    return [path for path in lake.storage.files(lake.table_uri("t")) if path.endswith(ending)]


def _markers(lake: Lake) -> list[str]:
    return [path for path in lake.storage.files(lake.table_uri("t")) if "/_writes/" in path]


def test_a_writer_killed_before_its_commit_leaves_nothing_visible(
    lake: Lake, db: duckdb.DuckDBPyConnection
) -> None:
    _killed(writers.die_before_commit, lake)
    assert not lake.has("t")
    assert lake.tables() == []
    assert len(_files(lake)) == 3
    assert len(_markers(lake)) == 1
    version = lake.write("t", PARTS, connection=db, partition_by="p")
    assert (version.version, version.rows) == (0, 100)
    assert len(_files(lake)) == 3
    assert _markers(lake) == []
    assert lake.arrow(version).num_rows == 100


def test_a_writer_killed_after_its_commit_loses_nothing(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    _killed(writers.die_after_commit, lake)
    assert lake.version("t").rows == 100
    assert len(_markers(lake)) == 1
    lake.write("t", PARTS, connection=db, partition_by="p")
    assert _markers(lake) == []
    assert len(_files(lake)) == 3  # the same rows again: both versions hold the killed writer's files
    assert lake.arrow(lake.version("t", 0)).num_rows == lake.arrow(lake.version("t", 1)).num_rows == 100


def test_an_exception_in_a_draft_leaves_no_files(lake: Lake, db: duckdb.DuckDBPyConnection) -> None:
    with (
        pytest.raises(OSError, match="the check's own"),
        lake.draft("t", PARTS, connection=db, partition_by="p"),
    ):
        raise OSError("the check's own fault")
    assert not lake.has("t")
    assert list(lake.storage.files(lake.table_uri("t"))) == []


def test_an_interrupt_after_the_commit_keeps_it(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        folder_lake.draft("t", PARTS, connection=folder_db, partition_by="p") as draft,
    ):
        draft.commit()
        draft.committed = None  # the interrupt came before commit() noted its success
        raise KeyboardInterrupt
    assert folder_lake.arrow(folder_lake.version("t")).num_rows == 100
    assert _markers(folder_lake) == []


def test_a_commit_whose_checkpoint_fails_stands(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    folder_lake.write("t", "SELECT 0 AS i", connection=folder_db)
    for number in range(1, 25):
        # A folder where delta-rs wants to write its checkpoint, which it does after the commit.
        Path(folder_lake.table_uri("t"), "_delta_log", f"{number:020d}.checkpoint.parquet").mkdir()
        assert folder_lake.write("t", f"SELECT {number} AS i", connection=folder_db).version == number
    assert len(_files(folder_lake)) == 25
    assert folder_lake.arrow(folder_lake.version("t"))["i"].to_pylist() == [24]


@pytest.mark.parametrize("by", [None, "p"])
def test_a_full_disk(disk: Path, by: str | None) -> None:
    lake = Lake(str(disk / "lake"), ENGINE)
    with lake.connect() as db:
        before = lake.write("t", "SELECT 1::UBIGINT AS h, 1::BIGINT AS p", connection=db, partition_by=by)
        with pytest.raises(InsufficientSpace, match=r"disk is full(.|\n)*No space left(.|\n)*free space"):
            lake.write("t", "SELECT hash(i) AS h, i % 3 AS p FROM range(2000000) t(i)",
                       connection=db, partition_by=by)  # fmt: skip
        assert lake.version("t") == before
        assert lake.arrow(before).num_rows == 1
        assert len(_files(lake)) == 1
        assert _markers(lake) == []
        again = lake.write("t", "SELECT 2::UBIGINT AS h, 1::BIGINT AS p", connection=db, partition_by=by)
        assert again.version == 1


def test_a_disk_without_room_for_the_commit(disk: Path) -> None:
    lake = Lake(str(disk / "lake"), ENGINE)
    with lake.connect() as db:
        before = lake.write("t", "SELECT 1 AS i", connection=db)
        with (
            pytest.raises(InsufficientSpace, match="disk is full"),
            lake.draft("t", "SELECT 2 AS i", connection=db) as draft,
        ):
            fill(disk)
            draft.commit()
        assert lake.version("t") == before
        with pytest.raises(InsufficientSpace, match="disk is full"):
            lake.write("t", "SELECT 2 AS i", connection=db)
        (disk / "fill").unlink()
        assert lake.arrow(before)["i"].to_pylist() == [1]
        assert lake.write("t", "SELECT 3 AS i", connection=db).version == 1
        assert len(_files(lake)) == 2
        assert _markers(lake) == []


def test_no_room_for_temporary_files(disk: Path, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), Engine(memory_limit="40MB", threads=1, temp_folder=str(disk)))
    with lake.connect() as db, pytest.raises(InsufficientSpace, match="temp_directory"):
        lake.write("t", "SELECT i, hash(i) AS h FROM range(3000000) t(i) ORDER BY h", connection=db)
    assert lake.tables() == []


def test_a_read_only_disk(disk: Path) -> None:
    lake = Lake(str(disk / "lake"), ENGINE)
    with lake.connect() as db:
        before = lake.write("t", "SELECT 1 AS i", connection=db)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for table in ("t", "u"):
            with pytest.raises(InsufficientSpace, match=r"Read-only file system(.|\n)*fix the place"):
                lake.write(table, "SELECT 2 AS i", connection=db)
        assert lake.arrow(lake.version("t")).num_rows == before.rows


def test_a_lake_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lake = Lake(str(tmp_path / "file" / "lake"), ENGINE)
    assert lake.tables() == []
    with lake.connect() as db, pytest.raises(InsufficientSpace, match="Not a directory"):
        lake.write("t", "SELECT 1 AS i", connection=db)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff garbage", b"[1]\n", b'{"commitInfo": 1}\n', None], ids=repr
)
def test_a_damaged_log(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, content: bytes | None
) -> None:
    for number in range(3):
        folder_lake.write("t", f"SELECT {number} AS i", connection=folder_db)
    log = Path(folder_lake.table_uri("t"), "_delta_log", f"{2:020d}.json")
    log.write_bytes(log.read_bytes()[:300] if content is None else content)
    with pytest.raises(LineageError, match=rf"log of table 't' is damaged(.|\n)*{log}(.|\n)*restore"):
        folder_lake.version("t")
    with pytest.raises(LineageError, match="log of table 't' is damaged"):
        folder_lake.write("t", "SELECT 3 AS i", connection=folder_db)
    assert folder_lake.arrow(folder_lake.version("t", 1))["i"].to_pylist() == [1]
    assert len(_files(folder_lake)) == 3
    assert folder_lake.tables() == ["t"]


def test_a_commit_of_another_program(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    delta = folder_lake.open_delta("t")
    assert delta is not None
    delta.delete()
    with pytest.raises(LineageError, match="was not written by this lake"):
        folder_lake.version("t")


def _remove(path: Path) -> None:
    path.unlink()


def _garble(path: Path) -> None:
    path.write_bytes(b"not parquet at all")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize("damage", [_remove, _garble, _truncate])
def test_a_missing_or_damaged_file(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, damage: Callable[[Path], None]
) -> None:
    old = folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    spared = _files(folder_lake)
    new = folder_lake.write("t", "SELECT 2 AS i", connection=folder_db)
    (path,) = set(_files(folder_lake)) - set(spared)
    damage(Path(path))
    message = rf"A file of table 't' is missing or damaged(.|\n)*Where: {path}(.|\n)*materialize t again"
    with pytest.raises(LineageError, match=message):
        folder_lake.arrow(new)
    with pytest.raises(LineageError, match=message):
        folder_lake.write("u", f"SELECT i + 1 AS i FROM {folder_lake.relation(new)}", connection=folder_db)
    with pytest.raises(LineageError, match=message), folder_lake.reading():
        folder_db.sql(f"FROM {folder_lake.relation(new)}").fetchall()
    if damage is _remove:  # Polars does not say which file it could not parse
        with pytest.raises(LineageError, match=message), folder_lake.reading():
            folder_lake.scan(new).collect()
    assert folder_lake.tables() == ["t"]
    assert folder_lake.arrow(old)["i"].to_pylist() == [1]
    assert folder_lake.write("t", "SELECT 3 AS i", connection=folder_db).version == 2


def test_a_file_with_flipped_bytes(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    version = folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    path = Path(_files(folder_lake)[0])
    content = bytearray(path.read_bytes())
    content[20:60] = bytes(byte ^ 0xFF for byte in content[20:60])
    path.write_bytes(content)
    with pytest.raises(LineageError, match="Table 't' could not be read"):
        folder_lake.arrow(version)


def test_a_marker_of_another_machine_is_kept_for_a_day(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _killed(writers.die_before_commit, folder_lake)
    marker = Path(_markers(folder_lake)[0])
    marker.write_text(marker.read_text().replace('"processes": "', '"processes": "another '))
    folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    assert _markers(folder_lake) == [str(marker)]
    assert len(_files(folder_lake)) == 4
    monkeypatch.setattr("recsys_lineage.lake.commits.write_marker.FOREIGN_HOST_SECONDS", 0)
    folder_lake.write("t", "SELECT 2 AS i", connection=folder_db)
    assert _markers(folder_lake) == []
    assert len(_files(folder_lake)) == 2


def test_a_zombie_is_dead(folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection) -> None:
    """A killed process whose parent has not reaped it still has its id and its start time."""
    process = multiprocessing.get_context("spawn").Process(
        target=writers.die_before_commit, args=(folder_lake.uri, {}, "t")
    )
    process.start()
    assert process.pid is not None
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    assert _markers(folder_lake) == []
    assert len(_files(folder_lake)) == 1
    process.join()


def test_a_table_can_be_deleted_by_deleting_its_folder(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    folder_lake.write("t", "SELECT 1 AS i", connection=folder_db)
    shutil.rmtree(folder_lake.table_uri("t"))
    assert folder_lake.tables() == []
    assert folder_lake.write("t", "SELECT 2 AS i", connection=folder_db).version == 0
