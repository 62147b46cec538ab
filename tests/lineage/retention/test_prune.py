"""The prune: what is kept stays whole, what is not goes, and it says so before and after."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys_lineage.errors import VersionPruned
from recsys_lineage.lake.blobs import write_blobs
from recsys_lineage.lake.commits.write_marker import WriteMarker
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.parquet.compaction import compact
from recsys_lineage.lake.parquet.table_files import active_files
from recsys_lineage.retention.holds import Holds
from recsys_lineage.retention.policy import Policy
from recsys_lineage.retention.prune import Prune, plan_prune, prune
from recsys_lineage.retention.table_history import TableHistory, files_held_alone
from tests.examples import examples
from tests.lineage.retention.conftest import ENGINE, Nights

SHORT = Policy(2)
DAY = timedelta(days=1)


def listing(lake: Lake) -> dict[str, int]:
    """Every file of a lake with its bytes."""
    return {file.path: file.bytes for file in lake.storage.listed(lake.uri)}


def contents(lake: Lake) -> dict[tuple[str, int], list[tuple]]:
    """The rows of every version that is there."""
    return {
        (table, version.version): sorted(pl.DataFrame(lake.arrow(version)).rows(), key=repr)
        for table in lake.tables()
        for version in lake.versions(table)
        if version.version not in lake.pruned(table).all()
    }


def write(lake: Lake, kind: str, value: int) -> None:
    """One night's write of one kind of table."""
    with lake.connect() as db:
        if kind == "whole":
            lake.write("whole", f"SELECT {value} AS i", connection=db, record={"reads": []})
        elif kind == "parts":
            rows = f"SELECT {value} AS i, unnest(['0', 'a%b=c', 'é {value % 2}']) AS p"
            lake.write("parts", rows, connection=db, partition_by="p")
        elif kind == "one_part":
            rows = f"SELECT {value} AS i, 'a%b=c' AS p"
            lake.write(
                "parts",
                rows,
                connection=db,
                partition_by="p",
                partitions=["a%b=c"] if lake.has("parts") else None,
            )
        elif kind == "appended":
            lake.write_arrow("appended", pl.DataFrame({"i": [value]}), append=True)
        elif kind == "compact":
            if lake.has("appended"):
                compact(lake, "appended")
        else:
            write_blobs(lake, "model", {"weights": bytes([value % 3]) * 2000, "config": bytes([value])})


KINDS = st.sampled_from(["whole", "parts", "one_part", "appended", "compact", "model"])
NIGHTS = st.lists(st.lists(st.tuples(KINDS, st.integers(0, 5)), max_size=3), min_size=1, max_size=7)


@settings(
    max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    writes=NIGHTS,
    policy=st.builds(Policy, st.integers(0, 3), st.integers(0, 1)),
    grace=st.sampled_from([0, 1, 2]),
)
def test_laws(tmp_path_factory: pytest.TempPathFactory, writes, policy: Policy, grace: int) -> None:
    clock = Nights()
    lake = Lake(str(tmp_path_factory.mktemp("lake")), ENGINE, clock)
    expected: Mapping[tuple[str, int], list[tuple]] = {}
    for night in writes:
        for kind, value in night:
            write(lake, kind, value)
        clock.pass_()
        before, files = contents(lake), listing(lake)
        assert expected == {key: before[key] for key in expected}, "an older version changed"
        for table in lake.tables():
            _history_is_the_log(lake, table)
        plan = plan_prune(lake, lambda _: policy, grace=grace * DAY)
        assert listing(lake) == files, "a dry run wrote or deleted something"
        done = prune(lake, lambda _: policy, grace=grace * DAY)
        assert done == plan
        gone = {f"{t.table}/{path}": size for t in done.tables for path, size in t.gone.items()}
        left = listing(lake)
        assert {path: size for path, size in files.items() if path not in left} == {
            path: files[path] for path in files if path in gone or ("/_pruned/" in path and path not in left)
        }
        dropped = {(t.table, version) for t in done.tables for version in t.dropped}
        expected = contents(lake)
        assert expected == {key: rows for key, rows in before.items() if key not in dropped}
        for table, version in dropped:
            with pytest.raises(
                VersionPruned, match=rf"Version {version} of table '{table}' was pruned (on|between)"
            ):
                lake.arrow(lake.version(table, version))
            assert lake.commit(table, version)["table_version"]["version"] == version
        again = prune(lake, lambda _: policy, grace=grace * DAY)
        assert again.files == 0 and not any(table.dropped for table in again.tables)
    clock.pass_(100)
    for _ in range(3):
        prune(lake, lambda _: policy, grace=grace * DAY)
        clock.pass_(grace + 1)
    for table in lake.tables():
        latest = lake.open_delta(table)
        assert latest is not None
        held = {path for path, _, _ in active_files(latest, lake.version(table).partition_column)}
        assert {path for path in _parquet(lake, table)} == held, "only what the newest version holds is left"


def _parquet(lake: Lake, table: str) -> set[str]:
    root = lake.table_uri(table)
    return {f.path for f in lake.storage.listed(root, lambda path: not path.startswith("_")) if f.bytes}


def _history_is_the_log(lake: Lake, table: str) -> None:
    history = TableHistory.of(lake, table)
    marks = lake.pruned(table).all()
    for version in lake.versions(table):
        if version.version in marks:
            continue
        delta = lake.open_delta(table, version.version)
        assert delta is not None
        by_log = {(path, size) for path, size, _ in active_files(delta, version.partition_column)}
        by_history = {
            (path, file.bytes) for path, file in history.files.items() if file.is_held_by([version.version])
        }
        assert by_history == by_log


def _pruned_twice(lake: Lake, clock: Nights) -> Prune:
    """A prune, and the one after the grace period that deletes what the first one marked."""
    prune(lake, lambda _: SHORT)
    clock.pass_(1.1)
    return prune(lake, lambda _: SHORT)


def test_on_disk_and_on_s3(lake: Lake, nights: Nights) -> None:
    for value in range(5):
        for kind in ("whole", "parts", "appended", "model"):
            write(lake, kind, value)
        nights.pass_(3)
    compact(lake, "appended")
    newest = {(table, lake.version(table).version) for table in lake.tables()}
    before = {key: rows for key, rows in contents(lake).items() if key in newest}
    done = _pruned_twice(lake, nights)
    assert contents(lake) == before
    assert done.bytes > 0 and len(_parquet(lake, "whole")) == 1
    assert Lake(lake.uri, ENGINE).arrow(lake.version("whole")).to_pylist() == [{"i": 4}]
    with pytest.raises(VersionPruned, match="under the policy 2/0/0; its record is kept") as raised:
        lake.scan(lake.version("whole", 0))
    assert raised.value.expected == "a version whose files exist: 4"
    for options in ({}, {"partitions": ["0"]}):
        with pytest.raises(VersionPruned):
            lake.relation(lake.version("parts", 1), **options)
    assert lake.commit("whole", 0)["record"] == {"reads": []}
    url = lake.table_uri("parts")
    by_polars = pl.scan_delta(url, storage_options=dict(lake.storage.options) or None).collect()
    assert sorted(by_polars["i"].to_list()) == [4, 4, 4]


def test_a_version_is_not_pruned_from_under_its_readers(folder_lake: Lake, nights: Nights) -> None:
    write(folder_lake, "whole", 1)
    nights.pass_(30)
    opened = folder_lake.relation(folder_lake.version("whole"))
    write(folder_lake, "whole", 2)
    # It has been the newest until now: whoever reads it may have just begun.
    assert prune(folder_lake, lambda _: Policy(0)).tables[0].dropped == []
    nights.pass_(1.1)
    assert prune(folder_lake, lambda _: Policy(0)).tables[0].dropped == [0]
    with folder_lake.connect() as db:
        assert db.sql(f"SELECT i FROM {opened}").fetchall() == [(1,)]
    nights.pass_(1.1)
    assert prune(folder_lake, lambda _: Policy(0)).files == 1


def test_a_held_version_stays_with_all_that_it_was_made_of(folder_lake: Lake, nights: Nights) -> None:
    def made(table: str, *reads: tuple[str, int]) -> int:
        named = [{"kind": "table", "name": name, "version": version} for name, version in reads]
        with folder_lake.connect() as db:
            return folder_lake.write(
                table, f"SELECT '{nights.now}' AS at", connection=db, record={"reads": named}
            ).version

    for night in range(5):
        made("raw")
        made("clean", ("raw", night))
        made("model", ("clean", night), *([("model", night - 1)] if night else []))
        nights.pass_(3)
    holds = Holds(folder_lake)
    hold = holds.place("model", 2, who="ann", reason="in court")
    assert Holds(Lake(folder_lake.uri)).all() == [hold]
    _pruned_twice(folder_lake, nights)
    there = sorted(contents(folder_lake))
    newest = [("clean", 4), ("model", 4), ("raw", 4)]
    assert there == sorted([*newest, ("clean", 2), ("raw", 2), ("model", 2), ("model", 1)])
    holds.release("model", 2)
    nights.pass_(1)
    _pruned_twice(folder_lake, nights)
    assert sorted(contents(folder_lake)) == newest


def test_orphans_go_once_their_writer_is_dead_and_they_are_old(lake: Lake, nights: Nights) -> None:
    write(lake, "whole", 1)
    names = "part-0123456789abcdef-0.parquet", "_delta_log/_commit_x.json.tmp"
    orphan, other = (f"{lake.table_uri('whole')}/{name}" for name in names)
    with lake.connect() as db, lake.draft("whole", "SELECT 2 AS i", connection=db) as draft:
        lake.storage.write_bytes(orphan, b"left by a killed writer")
        lake.storage.write_bytes(other, b"half")
        assert prune(lake, lambda _: SHORT).files == 0, "they may be somebody's at work"
        nights.pass_(2)
        done = prune(lake, lambda _: SHORT)
        assert (*done.tables[0].orphans, *done.tables[0].leftovers) == names
        assert not lake.storage.exists(orphan) and not lake.storage.exists(other)
        assert draft.commit().version == 1, "the prune took files from under a living writer"
    assert lake.arrow(lake.version("whole")).to_pylist() == [{"i": 2}]


def test_what_a_killed_writer_left_of_a_table_that_never_was_goes_too(lake: Lake, nights: Nights) -> None:
    write(lake, "whole", 1)
    names = [f"part-{number * 16}-0.parquet" for number in "01"]
    dead, alive, foreign = (f"{lake.table_uri('first')}/{name}" for name in (*names, "theirs.parquet"))
    marker = f"{lake.table_uri('first')}/_writes/{'0' * 16}.json"
    lake.storage.make_folder(lake.table_uri("first"))
    WriteMarker(lake.storage, lake.table_uri("first"), "1" * 16).place()
    lake.storage.write_bytes(marker, b"")
    for path in (dead, alive, foreign):
        lake.storage.write_bytes(path, b"rows")
    assert prune(lake, lambda _: SHORT).files == 0, "they may be read yet"
    nights.pass_(2)
    plan = plan_prune(lake, lambda _: SHORT)
    assert lake.storage.exists(dead), "a dry run deletes nothing"
    assert prune(lake, lambda _: SHORT) == plan
    (gone,) = [table for table in plan.tables if table.table == "first"]
    assert gone.orphans == {names[0]: 4}
    there = [lake.storage.exists(path) for path in (dead, marker, alive, foreign)]
    assert there == [False, False, True, True]
    again = prune(lake, lambda _: SHORT)
    assert again.files == 0 and [table.table for table in again.tables] == ["whole"]


def test_a_history_that_is_lost_or_damaged_is_made_again(folder_lake: Lake, nights: Nights) -> None:
    for value in range(4):
        write(folder_lake, "parts", value)
        nights.pass_(3)
        prune(folder_lake, lambda _: SHORT)
    path = Path(folder_lake.table_uri("parts"), "_retention", "history.json")
    whole = plan_prune(folder_lake, lambda _: SHORT)
    for text in (None, b"", b"{}", b"[1]", path.read_bytes()[:50]):
        path.unlink() if text is None else path.write_bytes(text)
        assert plan_prune(folder_lake, lambda _: SHORT) == whole


@pytest.mark.slow
def test_the_log_is_tidied_and_every_kept_version_opens(folder_lake: Lake, nights: Nights) -> None:
    for value in range(130):
        write(folder_lake, "appended", value)
        nights.pass_(0.1)
    Holds(folder_lake).place("appended", 45, who="ann", reason="an audit")
    before = {key: rows for key, rows in contents(folder_lake).items() if key[1] in (45, 129)}
    commits = folder_lake.commits("appended")
    _pruned_twice(folder_lake, nights)
    assert folder_lake.commits("appended") == commits
    log = Path(folder_lake.table_uri("appended"), "_delta_log")
    left = {int(path.stem) for path in log.glob("*.json")}
    assert len(left) < 60 and {*range(40, 46), 129} <= left
    points = sorted(int(path.name[:20]) for path in log.glob("*.checkpoint.parquet"))
    assert len(points) < 130 // 20 and max(p for p in points if p <= 45) > 20
    now = contents(folder_lake)
    assert {key: now[key] for key in before} == before


def test_the_files_that_versions_hold_alone(folder_lake: Lake) -> None:
    for value in (1, 2, 3):
        write(folder_lake, "parts", value)
    with folder_lake.connect() as db:
        erased = set(files_held_alone(folder_lake, "parts", [0, 1]))
        newest = f"FROM {folder_lake.relation(folder_lake.version('parts', 2))}"
        left = db.sql(newest).fetchall()
        for path in erased:
            os.remove(path)
        assert db.sql(newest).fetchall() == left
    assert len(erased) == 6  # three partitions each
    assert {
        os.path.join(folder_lake.table_uri("parts"), p) for p in _parquet(folder_lake, "parts")
    } & erased == set()
    assert files_held_alone(folder_lake, "parts", []) == {}
