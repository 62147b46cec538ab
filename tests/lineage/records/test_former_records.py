"""Lakes of older code, whose records lie in one table of JSON, go on working: the records move over, once."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import polars as pl
import pytest

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.records import FORMER_TABLE, Records
from recsys_lineage.records.table.record_table import TABLE
from tests.lineage.processes import BESIDE
from tests.lineage.records.made_records import TODAY, commit_version, record
from tests.lineage.records.record_writers import append_each, die_while_reading, sync_again


def former_record(minute: int, **more: Any) -> dict[str, Any]:
    """A record as format 1 has it."""
    moment = TODAY.replace(minute=minute).isoformat()
    return {
        "id": f"{minute:032x}",
        "asset": "orders",
        "partitions": [],
        "status": "failed",
        "started": moment,
        "ended": moment,
        "code_version": "v0",
        "code": {"kind": "sql", "text": "SELECT 1 AS x", "origin": "orders.sql"},
        "reads": [
            {
                "kind": "table", "name": name, "fingerprint": "f", "version": 3, "schema": [["x", "BIGINT"]],
                "partitions": None, "bytes": 7,
            }
            for name in ("source", "orders")
        ],
        "version": None,
        "fingerprint": None,
        "rows": None,
        "schema": [],
        "parameters": {},
        "statistics": {"observed": "etag", "inputs": {"days": 3}, "n": 1},
        "checks": [{"name": "c", "passed": True, "found": "fine", "blocking": False, "metadata": {}}],
        "run": {"run_id": "r", "job": "nightly", "step": "orders", "retry": 0},
        "git_commit": None,
        "error": "ValueError: wrong",
        **more,
    }  # fmt: skip


def write_former(lake: Lake, records: Sequence[dict[str, Any]]) -> None:
    """Add rows to the former table as older code did, one file each."""
    for each in records:
        row = {
            "id": each["id"], "asset": each["asset"], "version": each["version"], "status": each["status"],
            "record": json.dumps(each),
        }  # fmt: skip
        schema = {
            "id": pl.String,
            "asset": pl.String,
            "version": pl.Int64,
            "status": pl.String,
            "record": pl.String,
        }
        lake.write_arrow(FORMER_TABLE, pl.DataFrame([row], schema=schema), append=True)


@pytest.fixture
def former(lake: Lake) -> list[dict[str, Any]]:
    """Three records that older code wrote."""
    made = [former_record(minute) for minute in range(3)]
    write_former(lake, made)
    return made


def test_former_records_come_back_upgraded_before_new_ones(lake: Lake, former: list[dict[str, Any]]) -> None:
    records = Records(lake)
    new = record("orders", -60)
    records.append([new])
    found, _ = records.read()
    assert found == [*map(Materialization.from_json, former), new]
    assert found[0].observed == "etag" and found[0].reads[1].purpose == "previous"
    assert records.table(columns=["id"])[0]["id"].to_list() == [each.id for each in found]


def test_sync_knows_the_versions_that_former_rows_tell_of(lake: Lake) -> None:
    told, lost = commit_version(lake, "orders", 1), commit_version(lake, "orders", 2)
    write_former(lake, [told.to_json()])
    assert Records(lake).sync() == 1
    assert Records(lake).read()[0] == [told, lost]


def test_a_process_that_is_killed_while_it_moves_them_leaves_all_or_nothing(
    lake: Lake, former: list[dict[str, Any]]
) -> None:
    process = BESIDE.Process(target=die_while_reading, args=(lake.uri,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not lake.has(TABLE)
    assert Records(lake).read()[0] == [Materialization.from_json(each) for each in former]


def test_processes_that_come_first_together_move_them_once(lake: Lake, former: list[dict[str, Any]]) -> None:
    new = [record("orders", 5 + number).to_json() for number in range(3)]
    with ProcessPoolExecutor(3, mp_context=BESIDE) as pool:
        jobs = [pool.submit(append_each, lake.uri, [each]) for each in new[:2]]
        jobs += [pool.submit(sync_again, lake.uri, 2)]
        assert sum(job.result() for job in jobs) == 2
    ids = [each.id for each in Records(lake).read()[0]]
    assert ids[:3] == [each["id"] for each in former], "before anything else"
    assert sorted(ids) == sorted([each["id"] for each in former] + [each["id"] for each in new[:2]])
