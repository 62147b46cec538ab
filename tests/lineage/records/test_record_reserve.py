"""A record that the full disk does not take waits in the reserve, and becomes a row once there is room."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.sql_code import sql_code
from recsys_lineage.errors import WriteConflict
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from recsys_lineage.records.table import record_table
from recsys_lineage.records.table.record_reserve import SIZE, RecordReserve
from recsys_lineage.sql.sql_text import SqlText
from tests.lineage.small_disk import fill


def _orders(rows: int) -> AssetCode:
    return sql_code(SqlText(f"SELECT i AS id FROM range({rows}) AS t(i)", "orders.sql"), name="orders")


def _reserve(lake: Lake) -> RecordReserve:
    reserve = RecordReserve(lake)
    reserve.prepare()
    return reserve


def _waiting(lake: Lake) -> list[object]:
    with RecordReserve(lake).taken() as waited:
        return [record["id"] for record in waited]


def test_failures_on_a_full_disk_leave_their_records(disk: Path) -> None:
    lake = Lake(str(disk / "lake"))
    records = Records(lake)
    assert attempt(_orders(3), lake, Request()).error is None
    fill(disk)
    failed = [attempt(_orders(rows), lake, Request()).record for rows in (4, 5)]
    assert [record.status for record in failed] == ["failed", "failed"]
    assert [record.status for record in records.runs("orders")] == ["success"]

    (disk / "fill").unlink()
    assert records.sync() == 2
    assert records.sync() == 0
    assert [*records.runs("orders")][1:] == failed
    assert all(record.failure is not None and record.failure.type == "InsufficientSpace" for record in failed)


def test_a_record_that_the_reserve_does_not_take_either_is_told_as_lost(disk: Path) -> None:
    lake = Lake(str(disk / "lake"))
    assert attempt(_orders(3), lake, Request()).error is None
    while RecordReserve(lake).keep([{"id": "other", "text": "x" * 1000}]):
        pass
    fill(disk)
    (warning,) = attempt(_orders(4), lake, Request()).warnings
    assert "The record of orders is lost" in warning


@pytest.mark.parametrize("fault", [WriteConflict("others won"), OSError("the store hangs"), MemoryError()])
def test_whatever_keeps_a_failure_from_the_table_it_waits(
    tmp_path: Path, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    assert attempt(_orders(3), lake, Request()).error is None

    def fails(*_: object, **__: object) -> int:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(record_table, "append_once", fails)
        failed = attempt(
            sql_code(SqlText("SELECT error('no')", "orders.sql"), name="orders"), lake, Request()
        )
    assert "not yet in the table of records" in failed.warnings[0]
    assert Records(lake).sync() == 1
    assert [*Records(lake).runs("orders")][-1] == failed.record


def test_records_wait_until_they_are_rows(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    reserve = _reserve(lake)
    assert reserve.keep([{"id": "a"}, {"id": "b"}]) and reserve.keep([{"id": "c"}])
    with pytest.raises(OSError, match="still full"), reserve.taken() as waited:
        assert [record["id"] for record in waited] == ["a", "b", "c"]
        raise OSError("still full")
    assert _waiting(lake) == ["a", "b", "c"]
    assert _waiting(lake) == []
    assert reserve.keep([{"id": "d"}])
    assert _waiting(lake) == ["d"]


@pytest.mark.parametrize("cut", range(1, 22))
def test_a_line_that_a_killed_process_began_is_no_record(tmp_path: Path, cut: int) -> None:
    lake = Lake(str(tmp_path / "lake"))
    reserve = _reserve(lake)
    line = json.dumps({"id": "half", "x": 1}).encode() + b"\n"
    assert reserve.keep([{"id": "a"}])
    file = tmp_path / "lake" / "lineage_records" / "_sync" / "reserve"
    begun = file.read_bytes().rstrip(b"\0") + line[:cut]
    file.write_bytes(begun.ljust(SIZE, b"\0"))
    assert reserve.keep([{"id": "b"}])
    assert _waiting(lake) == ["a", "b"]


def test_the_reserve_never_grows(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    assert not RecordReserve(lake).keep([{"id": "a"}]), "no room was set aside"
    reserve = _reserve(lake)
    kept = [number for number in range(20) if reserve.keep([{"id": number, "text": "x" * (SIZE // 10)}])]
    assert len(kept) == 9
    assert not reserve.keep([{"id": "large", "text": "x" * SIZE}])
    assert (tmp_path / "lake" / "lineage_records" / "_sync" / "reserve").stat().st_size == SIZE
    assert _waiting(lake) == kept


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    _ = _reserve(lake)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: RecordReserve(lake).keep([{"id": number}]), range(200)))
    assert sorted(map(str, _waiting(lake))) == sorted(map(str, range(200)))
