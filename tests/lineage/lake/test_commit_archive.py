"""The archive: commits leave the log, and whoever asks for one finds it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import LineageError, TableNotFound
from recsys_lineage.lake.commits.commit_archive import CommitArchive
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.stores.storage import Storage
from tests.examples import examples


def _archive(lake: Lake, numbers: range) -> None:
    log = lake.log("t")
    log.archive.add(log.contents(numbers))
    for number in numbers:
        lake.storage.delete(log.path(number))


def _filled(lake: Lake, commits: int) -> list[dict]:
    for number in range(commits):
        lake.write_arrow("t", pl.DataFrame({"i": [number]}), append=number > 0, record={"number": number})
    return lake.commits("t")


def test_archived_commits_are_found_and_the_table_goes_on(lake: Lake) -> None:
    before = _filled(lake, 25)
    for numbers in (range(0, 10), range(10, 19)):
        _archive(lake, numbers)
    assert len([p for p in lake.storage.files(lake.table_uri("t") + "/_commits")]) == 1
    assert lake.has("t") and lake.tables() == ["t"]
    assert lake.commits("t") == before
    asked = [0, 9, 10, 18, 19, 24]
    assert [lake.commit("t", n)["record"]["number"] for n in asked] == asked
    assert lake.log("t").find(before[7]["table_version"]["write_id"]) == 7
    assert lake.log("t").find("0" * 16) is None
    assert lake.write_arrow("t", pl.DataFrame({"i": [25]}), append=True).version == 25
    options = dict(lake.storage.options) or None
    for version in (19, 21, 25):
        frame = pl.scan_delta(lake.table_uri("t"), version=version, storage_options=options).collect()
        assert sorted(frame["i"].to_list()) == list(range(version + 1))
    with pytest.raises(TableNotFound, match="has no version 26"):
        lake.version("t", 26)


def test_a_log_without_its_last_checkpoint_still_ends_where_it_ends(folder_lake: Lake) -> None:
    _filled(folder_lake, 45)
    _archive(folder_lake, range(39))
    log = Path(folder_lake.table_uri("t"), "_delta_log")
    (log / "_last_checkpoint").unlink()
    assert folder_lake.version("t").version == 44
    assert folder_lake.version("t", 3).rows == 4


def test_a_commit_that_is_nowhere_is_an_error(folder_lake: Lake) -> None:
    _filled(folder_lake, 8)
    folder_lake.storage.delete(folder_lake.log("t").path(5))
    with pytest.raises(LineageError):
        folder_lake.commits("t")


ADDED = st.lists(
    st.dictionaries(st.integers(0, 200), st.binary(max_size=3000), min_size=1, max_size=20), max_size=8
)


@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(added=ADDED)
def test_what_was_added_is_found(
    tmp_path_factory: pytest.TempPathFactory, added: list[dict[int, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("table")
    archive = CommitArchive(Storage.open(folder), str(folder))
    expected: dict[int, bytes] = {}
    for commits in added:
        fresh = {number: content for number, content in commits.items() if number not in expected}
        if fresh:
            archive.add(fresh)
            expected |= fresh
    assert archive.contents(range(250)) == expected
    assert len(list(folder.rglob("*.parquet"))) <= max(1, len(added))
