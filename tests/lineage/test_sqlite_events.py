"""Events told inside `many_events` are as good as any others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from recsys_lineage.orchestration.sqlite_events import many_events


def told(instance: dg.DagsterInstance, asset: str) -> int:
    return len(instance.fetch_materializations(dg.AssetKey(asset), limit=100).records)


def test_events_are_all_there_and_the_journals_are_merged(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        with many_events(), many_events():
            for _ in range(20):
                instance.report_runless_asset_event(dg.AssetMaterialization("shelf"))
            assert told(instance, "shelf") == 20
        assert told(instance, "shelf") == 20
    assert list(tmp_path.rglob("*.db"))
    assert not list(tmp_path.rglob("*.db-wal"))


def test_what_was_told_survives_a_killed_process(tmp_path: Path) -> None:
    code = """
import os, sys
import dagster as dg
from recsys_lineage.orchestration.sqlite_events import many_events
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance, many_events():
    for _ in range(5):
        instance.report_runless_asset_event(dg.AssetMaterialization("shelf"))
    os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert told(instance, "shelf") == 5


def test_afterwards_commits_wait_for_the_disk_again(tmp_path: Path) -> None:
    from sqlalchemy import create_engine, text

    def waits() -> int:
        engine = create_engine(f"sqlite:///{tmp_path / 'some.db'}")
        with engine.connect() as connection:
            found = connection.execute(text("PRAGMA synchronous")).scalar_one()
        engine.dispose()
        return found

    usual = waits()
    with many_events():
        assert waits() == 1
    assert waits() == usual == 2
    assert sqlite3.connect(tmp_path / "some.db").execute("PRAGMA synchronous").fetchone() == (2,)


def test_inside_the_block_a_file_has_one_engine_and_afterwards_dagster_makes_its_own(tmp_path: Path) -> None:
    from sqlalchemy import Engine
    from sqlalchemy.event import listen, remove

    def engines_of_three_events() -> int:
        used: set[int] = set()
        kept: list[object] = []  # an object that is gone could give its id to another

        def note(connection: Any) -> None:
            kept.append(connection.engine)
            used.add(id(connection.engine))

        listen(Engine, "engine_connect", note)
        for _ in range(3):
            instance.report_runless_asset_event(dg.AssetMaterialization("shelf"))
        remove(Engine, "engine_connect", note)
        return len(used)

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        usual = engines_of_three_events()
        with many_events():
            with many_events():
                inside = engines_of_three_events()
            assert engines_of_three_events() == inside < usual
        assert engines_of_three_events() >= inside * 2
