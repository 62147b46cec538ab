"""Sync: what a dead process left out is added once, and what was looked at is not looked at again."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor

import pytest

from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records
from recsys_lineage.records.table.record_table import TABLE
from tests.lineage.processes import BESIDE
from tests.lineage.records.made_records import commit_version, record
from tests.lineage.records.record_writers import append_each, sync_again

ASSETS = ("orders", "spend", "visits")


def test_a_gap_below_later_versions_is_found(lake: Lake) -> None:
    records = Records(lake)
    lost, kept = commit_version(lake, "orders", 1), commit_version(lake, "orders", 2)
    records.append([kept])
    assert records.sync() == 1
    assert records.read()[0] == [kept, lost], "the late one comes later"
    assert records.sync() == 0


def test_a_second_sync_opens_no_commit_and_a_third_only_what_is_new(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records(lake)
    for asset in ASSETS:
        for minute in range(4):
            commit_version(lake, asset, minute)
    assert records.sync() == 12
    looked: list[tuple[str, int]] = []
    whole = Lake.commits

    def commits(of: Lake, table: str, since: int = 0) -> object:
        looked.append((table, since))
        return whole(of, table, since)

    monkeypatch.setattr(Lake, "commits", commits)
    monkeypatch.setattr(Lake, "scan", lambda *_: pytest.fail("nothing is new: no row has to be looked at"))
    assert records.sync() == 0
    assert looked == []
    monkeypatch.undo()

    monkeypatch.setattr(Lake, "commits", commits)
    commit_version(lake, "spend", 9)
    assert records.sync() == 1
    assert looked == [("spend", 3)]


def test_a_table_that_was_begun_anew_is_looked_through_again(lake: Lake) -> None:
    """Its new versions have the numbers of old ones."""
    records = Records(lake)
    for minute in range(2):
        commit_version(lake, "orders", minute)
    assert records.sync() == 2
    for count in (1, 3):
        shutil.rmtree(lake.table_uri("orders"))
        new = [commit_version(lake, "orders", 10 * count + minute) for minute in range(count)]
        assert records.sync() == count
        assert {each.id for each in new} <= {each.id for each in records.read()[0]}


@pytest.mark.parametrize("damage", [None, b"", b'{"orders": 1}', b"[3]"])
def test_lost_or_damaged_marks_only_cost_a_look(lake: Lake, damage: bytes | None) -> None:
    records = Records(lake)
    made = commit_version(lake, "orders")
    records.sync()
    (marks,) = [path for path in lake.storage.files(lake.table_uri(TABLE)) if path.endswith("marks.json")]
    lake.storage.delete(marks) if damage is None else lake.storage.write_bytes(marks, damage)
    assert records.sync() == 0
    assert records.read()[0] == [made]


def test_marks_are_kept_only_when_the_rows_are_there(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    made = commit_version(lake, "orders")
    with monkeypatch.context() as full_disk:
        full_disk.setattr(Lake, "write_arrow", lambda *_, **__: (_ for _ in ()).throw(OSError("no space")))
        with pytest.raises(OSError, match="no space"):
            Records(lake).sync()
    assert Records(lake).sync() == 1
    assert Records(lake).read()[0] == [made]


def test_many_processes_that_sync_and_append_at_once_add_each_record_once(lake: Lake) -> None:
    """The same records come from their own processes and from those that sync; a reader's increments miss none."""
    records = Records(lake)
    committed = [commit_version(lake, asset, minute) for asset in ASSETS for minute in range(4)]
    failed = [[record(asset, minute) for minute in range(3)] for asset in ASSETS[:2]]
    own = [[*committed[:6], *failed[0]], [*committed[4:], *failed[1]]]
    plain = [[each.to_json() for each in records_] for records_ in own]
    found, cursor = records.read()
    with ProcessPoolExecutor(4, mp_context=BESIDE) as pool:
        jobs = [pool.submit(append_each, lake.uri, each) for each in plain]
        jobs += [pool.submit(sync_again, lake.uri, 3) for _ in range(2)]
        while not all(job.done() for job in jobs):
            new, cursor = records.read(cursor)
            found += new
        added = sum(job.result() for job in jobs)
    new, _ = records.read(cursor)
    found += new
    expected = {each.id: each for each in [*committed, *failed[0], *failed[1]]}
    assert added == len(expected)
    assert len(found) == len(expected)
    assert {each.id: each for each in found} == expected
    assert records.read()[0] == found
    assert records.sync() == 0
