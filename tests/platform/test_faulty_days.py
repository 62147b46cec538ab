"""The days that faulty files hold, against the same question asked in SQL."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.assets.raw.found_files import SCHEMA, faulty_days, newest_files
from recsys_assets.jobs import landing_sensor
from recsys_lineage.files import source_file
from recsys_lineage.lake.lake import Lake
from tests.platform.conftest import Shop, opened
from tests.platform.shop import DAYS as SHOP_DAYS
from tests.platform.shop import day_file, day_name, day_rows, write_day

DAYS = st.lists(st.dates(date(2026, 1, 1), date(2026, 1, 5)), max_size=3, unique=True)
STATUSES = st.sampled_from(["loaded", "faulty", "duplicate"])
FILES = st.lists(st.tuples(STATUSES, DAYS, st.sampled_from("abc"), st.sampled_from("xyz")), max_size=8)


@settings(deadline=None)
@given(FILES)
def test_each_day_names_every_faulty_file_that_holds_it(rows: list[tuple]) -> None:
    names = ("status", "days", "sha256", "fault")
    given_rows = [dict(zip(names, row, strict=True)) for row in rows]
    files = pl.DataFrame(given_rows, schema=SCHEMA)
    found = faulty_days(files)
    with duckdb.connect() as connection:
        connection.register("files", files)
        expected = connection.execute(
            """SELECT CAST(day AS VARCHAR), list_sort(list((sha256, fault)))
            FROM (SELECT unnest(days) AS day, sha256, fault FROM files WHERE status = 'faulty')
            GROUP BY day ORDER BY day"""
        ).fetchall()
    told = [(day, sorted((file.sha256, file.fault) for file in files)) for day, files in found.items()]
    assert told == [(day, [tuple(pair) for pair in pairs]) for day, pairs in expected]


def test_before_the_first_look_at_the_files_no_day_is_faulty(tmp_path: Path) -> None:
    files = newest_files(Lake(str(tmp_path)))
    assert files.columns == list(SCHEMA)
    assert faulty_days(files) == {}


def test_the_sensor_reads_files_of_the_landing_folder_only_and_only_when_one_changed(
    new_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = new_shop.data / "landing"
    landing.mkdir()
    hashed: list[str] = []
    true = source_file.hashed_file

    def noted(path: Path, name: str, inside: Path) -> source_file.SourceFile:
        hashed.append(path.relative_to(new_shop.data).as_posix())
        return true(path, name, inside)

    monkeypatch.setattr(source_file, "hashed_file", noted)

    def tick(cursor: str | None) -> tuple[str, int, list[str]]:
        hashed.clear()
        context = dg.build_sensor_context(
            instance=platform.instance, resources={"lake": platform.lake_resource}, cursor=cursor
        )
        found = landing_sensor(platform.settings)(context)
        assert isinstance(found, dg.SensorResult) and found.cursor is not None
        return found.cursor, len(found.run_requests or ()), sorted(hashed)

    with opened(new_shop) as platform:
        cursor, asked, read = tick(None)
        assert (asked, read) == (0, [])
        (landing / "notes.md").write_text("no file of the source")
        write_day(landing / day_file(SHOP_DAYS), day_rows(SHOP_DAYS))
        cursor, asked, read = tick(cursor)
        assert (asked, read) == (1, [f"landing/{day_file(SHOP_DAYS)}"])
        assert tick(cursor) == (cursor, 0, [])
        os.utime(landing / day_file(SHOP_DAYS), (1, 1))
        cursor, asked, read = tick(cursor)
        assert (asked, read) == (0, [f"landing/{day_file(SHOP_DAYS)}"]), "the same content at another time"
        write_day(landing / day_file(SHOP_DAYS), day_rows(SHOP_DAYS)[1:])
        assert tick(cursor)[1] == 1


@pytest.mark.slow
def test_the_sensor_asks_for_the_faulty_day_with_a_key_of_the_file(new_shop: Shop) -> None:
    broken = new_shop.data / "landing" / day_file(SHOP_DAYS)
    broken.parent.mkdir(exist_ok=True)
    keys = []
    for content in (b"\x00\xff", b"\x00\xff", b"\x00\xff\xff"):
        broken.write_bytes(content)
        with opened(new_shop) as platform:
            assert platform.run(["source_files"]).success
            context = dg.build_sensor_context(
                instance=platform.instance, resources={"lake": platform.lake_resource}
            )
            tick = landing_sensor(platform.settings)(context)
            assert isinstance(tick, dg.SensorResult)
        (asked,) = [request for request in tick.run_requests or () if request.partition_key]
        assert asked.partition_key == day_name(SHOP_DAYS)
        assert asked.asset_selection == [dg.AssetKey("raw_events")]
        keys.append(asked.run_key)
    assert keys[0] == keys[1] != keys[2]
