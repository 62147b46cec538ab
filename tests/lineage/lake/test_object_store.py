"""What a lake on S3 costs in requests, and that what is remembered of it is never older than what is there."""

from __future__ import annotations

from collections import Counter

import duckdb
import pytest
import s3fs.core

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.object_store import ObjectStore
from tests.lineage.lake.conftest import ENGINE

pytestmark = pytest.mark.slow


@pytest.fixture
def s3_lake(s3_uri: str) -> Lake:
    """An empty lake on S3."""
    return Lake(s3_uri, ENGINE)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The requests made from here on, by what they do; those of delta-rs are not among them."""
    found: Counter[str] = Counter()
    real = s3fs.core._error_wrapper

    async def call(method, **options):
        found[method.__name__] += 1
        return await real(method, **options)

    monkeypatch.setattr(s3fs.core, "_error_wrapper", call)
    return found


def write(lake: Lake, rows: int, table: str = "t") -> None:
    """Write a version of so many rows, each in a file of its own."""
    with lake.connect() as db:
        lake.write(
            table,
            f"SELECT i, CAST(i AS text) AS p FROM range({rows}) AS r(i)",
            connection=db,
            partition_by="p",
        )


def rows(lake: Lake, table: str = "t", version: int | None = None) -> int:
    """The rows that are read of a version."""
    with lake.connect() as db:
        found = db.execute(f"SELECT count(p), sum(i) FROM {lake.relation(lake.version(table, version))}")
        return found.fetchall()[0][0]


@pytest.mark.parametrize("commits", [1, 12, 45])
def test_the_newest_version_is_found_by_one_request(s3_lake: Lake, commits: int, asked: Counter[str]) -> None:
    for _ in range(commits):
        write(s3_lake, 1)
    assert s3_lake.log("t").latest() == commits - 1
    asked.clear()
    write(Lake(s3_lake.uri, ENGINE), 1)
    asked.clear()
    assert s3_lake.log("t").latest() == commits
    assert asked == {"list_objects_v2": 1}


def test_a_table_that_is_not_there_is_told_by_three_requests(s3_lake: Lake, asked: Counter[str]) -> None:
    assert not s3_lake.has("t")
    assert asked.total() <= 3, asked


def test_each_file_is_asked_for_its_size_once_and_fetched_whole(s3_lake: Lake, asked: Counter[str]) -> None:
    write(s3_lake, 10)
    asked.clear()
    assert rows(s3_lake) == 10
    assert asked["head_object"] <= 10 + 2, "each file, and the commit that is opened"
    assert asked["get_object"] <= 2 * 10 + 3, (
        "DuckDB opens each file twice; the commit and the last checkpoint"
    )
    asked.clear()
    assert rows(s3_lake) == 10
    assert asked["head_object"] <= 2
    assert asked["list_objects_v2"] <= 3, "the log, once for each question"


def test_another_writers_commits_are_seen(s3_lake: Lake) -> None:
    write(s3_lake, 1)
    other = Lake(s3_lake.uri, ENGINE)
    for count in (2, 3):
        assert rows(s3_lake) == count - 1
        write(other, count)
    assert rows(s3_lake) == 3
    assert [rows(s3_lake, version=n) for n in (1, 0, 2)] == [2, 1, 3]


@pytest.mark.parametrize("again", [1, 5])
def test_a_table_that_was_deleted_by_hand_and_begun_anew_is_the_new_one(s3_lake: Lake, again: int) -> None:
    for count in (1, 2, 3):
        write(s3_lake, count)
    assert rows(s3_lake) == 3
    for path in list(s3_lake.storage.files(s3_lake.table_uri("t"))):
        s3_lake.storage.delete(path)
    assert not s3_lake.has("t")
    with pytest.raises(TableNotFound):
        s3_lake.version("t", 1)
    for count in range(again):
        write(s3_lake, 7 + count)
    assert s3_lake.version("t").version == again - 1
    assert rows(s3_lake) == 6 + again


def test_a_file_that_went_since_it_was_read_is_told_by_name(s3_lake: Lake) -> None:
    write(s3_lake, 3)
    assert rows(s3_lake) == 3
    (gone,) = [path for path in s3_lake.files(s3_lake.version("t")) if "p=1" in path]
    ObjectStore.clear_instance_cache()  # as another process deletes it, which this one's memory does not hear of
    Lake(s3_lake.uri, ENGINE).storage.delete(gone)
    with pytest.raises(duckdb.Error, match=r"part-[0-9a-f]{16}-\d+\.parquet"):
        rows(s3_lake)
