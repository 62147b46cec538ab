"""Compaction: fewer files, the same rows, and cursors that still point between the same two of them."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.compaction import compact, is_compactable, plan_compaction
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import prune
from tests.examples import examples
from tests.lineage.lake import writers
from tests.lineage.retention.conftest import ENGINE, Nights


def append(lake: Lake, *values: int) -> int:
    """Append rows; returns the version, which is a cursor."""
    return lake.write_arrow(
        "t", pl.DataFrame({"n": list(values)}, schema={"n": pl.Int64}), append=True
    ).version


def rows(lake: Lake, since: int | None) -> list[int]:
    """What was added since a cursor."""
    return sorted(lake.added_between("t", since, lake.version("t").version)["n"].to_list())


STEPS = st.lists(st.one_of(st.integers(0, 4), st.sampled_from(["compact", "prune"])), min_size=1, max_size=20)


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, largest=st.sampled_from([1, 2000, 1 << 30]))
def test_cursors_survive(tmp_path_factory: pytest.TempPathFactory, steps, largest: int) -> None:
    clock = Nights()
    lake = Lake(str(tmp_path_factory.mktemp("lake")), ENGINE, clock)
    added: list[int] = []
    cursors: dict[int | None, int] = {None: 0}
    for step in steps:
        clock.pass_(2)
        if isinstance(step, int):
            values = list(range(len(added), len(added) + step))
            version = append(lake, *values)
            added += values
            cursors[version] = len(added)
        elif lake.has("t"):
            before = lake.version("t")
            if step == "compact":
                planned = plan_compaction(lake, "t", largest)
                assert compact(lake, "t", largest) == planned
                after = lake.version("t")
                assert (after.fingerprint, after.rows) == (before.fingerprint, before.rows)
                assert after.files == before.files - (planned.files - 1 if planned else 0)
                cursors[after.version] = len(added)
            else:
                prune(lake, lambda _: Policy(0), grace=timedelta(0))
    if lake.has("t"):
        assert lake.arrow(lake.version("t")).num_rows == len(added)
        for cursor, seen in cursors.items():
            assert rows(lake, cursor) == added[seen:]


def test_on_disk_and_on_s3(lake: Lake) -> None:
    for n in range(12):
        append(lake, n, n + 100)
    made = compact(lake, "t")
    assert made is not None and made.files == 12
    assert lake.version("t").files == 1 and lake.version("t").version == 12
    assert rows(lake, 8) == [9, 10, 11, 109, 110, 111]
    last = append(lake, 55)
    assert rows(lake, 10) == [11, 55, 111] and rows(lake, 12) == [55] and rows(lake, last) == []
    assert compact(lake, "t") is not None or lake.version("t").files == 2
    options = dict(lake.storage.options) or None
    assert pl.scan_delta(lake.table_uri("t"), storage_options=options).collect().height == 25


def test_rows_are_written_again_only_a_few_times(folder_lake: Lake) -> None:
    written, drawn = 0, random.Random(1)
    for n in range(120):
        append(folder_lake, *(drawn.getrandbits(62) for _ in range(200)))
        if n % 3 == 2:
            made = compact(folder_lake, "t")
            written += made.bytes if made else 0
    assert folder_lake.version("t").files <= 8
    assert written < 6 * folder_lake.version("t").bytes


def test_appends_go_on_meanwhile(folder_lake: Lake, processes: ProcessPoolExecutor) -> None:
    folder_lake.write_arrow("t", pl.DataFrame({"writer": [9], "n": [9]}))
    running = [processes.submit(writers.append_rows, folder_lake.uri, {}, "t", w, 15) for w in range(3)]
    cursor, seen = 0, [(9, 9)]
    while not all(future.done() for future in running):
        compact(folder_lake, "t")
        now = folder_lake.version("t").version
        seen += folder_lake.added_between("t", cursor, now).select("writer", "n").rows()
        cursor = now
    seen += (
        folder_lake.added_between("t", cursor, folder_lake.version("t").version).select("writer", "n").rows()
    )
    assert all(future.result() for future in running)
    assert sorted(seen) == sorted([(9, 9), *((w, n) for w in range(3) for n in range(15))])


def test_tables_of_assets_are_left_alone(folder_lake: Lake) -> None:
    with folder_lake.connect() as db:
        folder_lake.write("asset", "SELECT 1 AS i", connection=db, record={"id": "1"})
        folder_lake.write("parts", "SELECT 1 AS i, 2 AS p", connection=db, partition_by="p")
    for table in ("asset", "parts"):
        assert not is_compactable(folder_lake, table)
        with pytest.raises(LineageError, match="cannot be compacted"):
            compact(folder_lake, table)
