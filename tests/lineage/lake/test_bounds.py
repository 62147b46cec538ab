"""The earliest and latest time of each file, said in the log: files that hold no such time are not opened."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.compaction import compact
from tests.examples import examples

_BEGAN = datetime(2024, 2, 29, 23, 59, 59, tzinfo=timezone.utc)
_times = st.none() | st.integers(-(10**12), 10**12).map(lambda n: _BEGAN + timedelta(microseconds=n))


def _append(lake: Lake, times: Sequence[datetime | None], *, bounds: Sequence[str] = ("at",)) -> None:
    frame = pl.DataFrame(
        {"at": times, "secret": [f"secret {n}" for n in range(len(times))]},
        schema={"at": pl.Datetime("us", "UTC"), "secret": pl.String},
    )
    lake.write_arrow("t", frame, append=True, bounds=bounds)


def _between(lake: Lake, earliest: datetime, latest: datetime) -> list[datetime]:
    scan = lake.scan_between(lake.version("t"), "at", earliest, latest)
    if scan is None:
        return []
    return sorted(scan.filter(pl.col("at").is_between(earliest, latest)).collect()["at"])


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    batches=st.lists(
        st.tuples(st.lists(_times, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=4
    ),
    compacted=st.booleans(),
    data=st.data(),
)
def test_no_row_is_passed_over(
    batches: list[tuple[list[datetime | None], bool]], compacted: bool, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for times, said in batches:
            _append(lake, times, bounds=["at"] if said else [])
        if compacted:
            compact(lake, "t")
        known = [moment for times, _ in batches for moment in times if moment is not None]
        earliest, latest = sorted(data.draw(st.sampled_from([*known, _BEGAN])) for _ in range(2))
        assert _between(lake, earliest, latest) == sorted(t for t in known if earliest <= t <= latest)


@pytest.mark.parametrize("compacted", [False, True])
def test_files_of_other_times_are_not_opened(lake: Lake, compacted: bool) -> None:
    _append(lake, [_BEGAN])
    _append(lake, [_BEGAN + timedelta(hours=1)])
    if compacted:
        compact(lake, "t")
    old = lake.files(lake.version("t"))
    later = _BEGAN + timedelta(days=1)
    _append(lake, [later])
    for path in old:
        lake.storage.delete(path)
    assert _between(lake, later, later) == [later]
    assert (
        lake.scan_between(lake.version("t"), "at", later + timedelta(seconds=1), later + timedelta(days=1))
        is None
    )


def test_the_log_says_bounds_of_what_was_asked_for_alone(lake: Lake) -> None:
    _append(lake, [_BEGAN, _BEGAN + timedelta(microseconds=1)])
    (add,) = (
        json.loads(line)["add"]
        for line in lake.log("t").contents([0])[0].splitlines()
        if "add" in json.loads(line)
    )
    assert json.loads(add["stats"]) == {
        "numRecords": 2,
        "minValues": {"at": "2024-02-29T23:59:59.000000Z"},
        "maxValues": {"at": "2024-02-29T23:59:59.000001Z"},
    }
    assert b"secret 0" not in lake.log("t").contents([0])[0]
