"""A table that a thread has open is as good as one that it opens anew."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.lake import opened_delta
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.table_files import active_files
from recsys_lineage.lake.versions.table_version import TableVersion


def paths(delta: Any) -> list[str]:
    return sorted(path for path, _, _ in active_files(delta, None))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["append", "append elsewhere", "replace", "begin anew"]), st.integers(0, 5)
        ),
        max_size=12,
    )
)
def test_it_is_at_the_version_that_is_asked_for_whatever_happened_to_the_table(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | int]
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    lake.write_arrow("numbers", pl.DataFrame({"n": [0]}))
    with ThreadPoolExecutor(1) as elsewhere:
        for place, step in enumerate(steps):
            latest = lake.version("numbers").version
            if step == "begin anew":
                shutil.rmtree(lake.table_uri("numbers"))
            if isinstance(step, str):
                rows = pl.DataFrame({"n": [place + 1]})
                writer = elsewhere if step == "append elsewhere" else None
                append = step.startswith("append")
                if writer is None:
                    lake.write_arrow("numbers", rows, append=append)
                else:
                    writer.submit(lake.write_arrow, "numbers", rows, append=append).result()
            asked = min(step, latest) if isinstance(step, int) else None
            found = lake.open_delta("numbers", asked)
            with ThreadPoolExecutor(1) as fresh:  # a thread that has nothing open
                wanted = fresh.submit(lake.open_delta, "numbers", asked).result()
            assert found is not None and wanted is not None
            assert (found.version(), paths(found)) == (wanted.version(), paths(wanted))


def test_appending_again_and_again_opens_the_table_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path))
    lake.write_arrow("numbers", pl.DataFrame({"n": [0]}))
    count = 0

    class Counted(opened_delta.DeltaTable):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            nonlocal count
            count += 1
            super().__init__(*arguments, **options)

    monkeypatch.setattr(opened_delta, "DeltaTable", Counted)
    for number in range(1, 6):
        version = lake.write_arrow("numbers", pl.DataFrame({"n": [number]}), append=True)
        assert sorted(lake.scan(version).collect()["n"]) == list(range(number + 1))
    assert count == 1


def test_a_writer_that_was_overtaken_while_it_looked_again_commits_behind_the_other(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write_arrow("numbers", pl.DataFrame({"n": [0]}))
    asked: list[int] = []

    def record(after: TableVersion) -> dict[str, Any]:
        if not asked:
            with ThreadPoolExecutor(1) as other:
                other.submit(lake.write_arrow, "numbers", pl.DataFrame({"n": [1]}), append=True).result()
            assert lake.open_delta("numbers") is not None
        asked.append(after.version)
        return {"n": after.rows}

    with (
        lake.connect() as connection,
        lake.draft("numbers", "SELECT 2::BIGINT AS n", connection=connection, append=True) as draft,
    ):
        written = draft.commit(record)
    assert asked == [1, 2] and written.version == 2
    latest = lake.version("numbers")
    assert latest == written and latest.rows == 3
    assert sorted(lake.scan(latest).collect()["n"]) == [0, 1, 2]
