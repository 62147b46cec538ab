"""What a process remembers of the records in a table never hides what others added, and never adds a record twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import RECORDS_TABLE, Records
from recsys_lineage.records.table import recent_ids, texts
from tests.lineage.records.made_records import TODAY, record


@contextmanager
def another_process() -> Iterator[None]:
    """Inside the block, nothing is known that is known outside, as in another process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recent_ids, "_known", {})
        patched.setattr(texts, "_seen", {})
        yield


def ids(lake: Lake) -> list[str]:
    return sorted(each.id for each in Records(lake).read()[0])


def made(number: int, hours: int = 0) -> Materialization:
    began = TODAY + timedelta(hours=hours)
    return replace(record(f"asset_{number}"), id=f"id-{number}", started=began, ended=began)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def _joined(lake: Lake) -> None:
    Records(lake).compact()


def _nothing(_lake: Lake) -> None:
    return


@pytest.mark.parametrize("between", [_nothing, _joined])
@pytest.mark.parametrize("hours", [0, -5, 5])
def test_what_another_process_added_is_not_added_again(
    lake: Lake, between: Callable[[Lake], None], hours: int
) -> None:
    assert Records(lake).append([made(1), made(2, hours)]) == 2
    with another_process():
        assert Records(lake).append([made(2, hours), made(3, hours)]) == 1
        between(lake)
    assert Records(lake).append([made(1), made(2, hours), made(3, hours), made(4, -9)]) == 1
    assert Records(lake).append([made(4, -9), made(3, hours)]) == 0
    assert ids(lake) == ["id-1", "id-2", "id-3", "id-4"]


def test_a_table_that_was_begun_anew_has_none_of_the_former_records(lake: Lake) -> None:
    for number in range(3):
        Records(lake).append([made(number)])
    shutil.rmtree(lake.table_uri(RECORDS_TABLE))
    with another_process():
        for number in (7, 8, 9):
            Records(lake).append([made(number)])
    assert Records(lake).append([made(0), made(9)]) == 1
    assert ids(lake) == ["id-0", "id-7", "id-8", "id-9"]


def test_a_small_and_a_large_append_give_the_same_columns(lake: Lake) -> None:
    Records(lake).append([made(number) for number in range(1_100)])
    Records(lake).append([made(number) for number in range(1_100, 1_103)])
    version = lake.version(RECORDS_TABLE)
    assert lake.scan(version).collect().height == version.rows == 1_103
    whole = pl.DataFrame(lake.arrow(version))
    assert whole.sort("id").equals(lake.scan(version).collect().sort("id"))
    assert " + " in str(version.hashed_by) and version.bytes == sum(
        Path(path).stat().st_size for path in lake.files(version)
    )
