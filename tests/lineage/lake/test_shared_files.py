"""Content that did not change is stored once, whatever is written again."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.blobs import read_blobs, write_blobs
from recsys_lineage.lake.lake import Lake
from tests.examples import examples


def _parquet(lake: Lake, table: str = "t") -> set[str]:
    return {path for path in lake.storage.files(lake.table_uri(table)) if path.endswith(".parquet")} - {
        path for path in lake.storage.files(lake.table_uri(table)) if "_delta_log" in path
    }


@pytest.mark.parametrize("by", [None, "p"])
def test_the_same_rows_again_are_no_new_bytes(
    lake: Lake, db: duckdb.DuckDBPyConnection, by: str | None
) -> None:
    first = lake.write("t", "SELECT i, i % 3 AS p FROM range(100) t(i)", connection=db, partition_by=by)
    files = _parquet(lake)
    again = lake.write(
        "t", "SELECT 99 - i AS i, (99 - i) % 3 AS p FROM range(100) t(i)", connection=db, partition_by=by
    )
    assert _parquet(lake) == files
    assert (again.version, again.fingerprint, again.files, again.bytes) == (
        1,
        first.fingerprint,
        first.files,
        first.bytes,
    )
    assert lake.arrow(again).sort_by("i").equals(lake.arrow(first).sort_by("i"))
    assert lake.log("t").has_write(1, again.write_id)


def test_partitions_that_did_not_change_stay_where_they_are(
    lake: Lake, db: duckdb.DuckDBPyConnection
) -> None:
    lake.write("t", "SELECT i, i % 3 AS p FROM range(9) t(i)", connection=db, partition_by="p")
    files = _parquet(lake)
    version = lake.write(
        "t", "SELECT i + (i = 8)::INT AS i, i % 3 AS p FROM range(9) t(i)", connection=db, partition_by="p"
    )
    new = _parquet(lake) - files
    assert len(new) == 1 and "p=2" in new.pop()
    assert sorted(row["i"] for row in lake.arrow(version).to_pylist()) == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    assert version.files == 3


def test_models_share_the_files_that_they_have_in_common(lake: Lake) -> None:
    weights = bytes(range(256)) * 4096 * 3
    first = write_blobs(lake, "model", {"weights": weights, "config": b"1"})
    before = _parquet(lake, "model")
    second = write_blobs(lake, "model", {"weights": weights, "config": b"2", "more": b"x"})
    assert len(before) == 2 and len(_parquet(lake, "model")) == 4
    assert read_blobs(lake, second) == {"weights": weights, "config": b"2", "more": b"x"}
    assert read_blobs(lake, first) == {"weights": weights, "config": b"1"}
    third = write_blobs(lake, "model", {"weights": weights, "config": b"2", "more": b"x"})
    assert len(_parquet(lake, "model")) == 4 and third.fingerprint == second.fingerprint


def test_a_damaged_file_is_mended_by_the_same_rows_again(
    folder_lake: Lake, folder_db: duckdb.DuckDBPyConnection
) -> None:
    for damage in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9] + b"123456789")):
        folder_lake.write("t", "SELECT range AS i FROM range(1000)", connection=folder_db)
        for path in _parquet(folder_lake):
            damage(Path(path))
        with pytest.raises(LineageError, match="missing or damaged"):
            folder_lake.arrow(folder_lake.version("t"))
        version = folder_lake.write("t", "SELECT range AS i FROM range(1000)", connection=folder_db)
        assert folder_lake.arrow(version).num_rows == 1000


FILES = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "é'"]), st.sampled_from([b"", b"1", b"22"]), max_size=4
)


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(nights=st.lists(FILES, min_size=1, max_size=5))
def test_every_version_of_a_model_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, nights
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    versions = [write_blobs(lake, "model", files) for files in nights]
    for version, files in zip(versions, nights, strict=True):
        assert read_blobs(lake, version) == files
    for n in range(1, len(nights)):
        assert (versions[n - 1].fingerprint == versions[n].fingerprint) == (nights[n - 1] == nights[n])
    stored = {(name, content) for files in nights for name, content in files.items()}
    runs = sum(
        content != (nights[n - 1].get(name) if n else None)
        for n, files in enumerate(nights)
        for name, content in files.items()
    )
    empty = sum(not files and (n == 0 or bool(nights[n - 1])) for n, files in enumerate(nights))
    assert len(stored) <= len(_parquet(lake, "model")) - empty <= runs
