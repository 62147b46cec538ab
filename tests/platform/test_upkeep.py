"""What the nightly upkeep keeps whatever its age, and what it treats as the lake's own."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from recsys_assets.assets.model.gate import Promotion
from recsys_assets.service.champion_decisions import promote_candidate, roll_back
from recsys_assets.settings import Settings, SettingsError, load_settings
from recsys_assets.upkeep import keep_up, served_versions
from recsys_lineage.lake.engine import Engine
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import RECORDS_TABLE, TEXTS_TABLE


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(str(tmp_path / "lake"), Engine(memory_limit="500MB", threads=1))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that keep only the newest version of an asset's table."""
    monkeypatch.setenv("RECSYS_RETENTION", "0/0/0")
    monkeypatch.setenv("RECSYS_RETENTION_GRACE_HOURS", "0")
    return load_settings(home=tmp_path / "home")


def written(lake: Lake, table: str, *reads: tuple[str, int], **statistics: object) -> int:
    """A version that an asset wrote."""
    named = [{"kind": "table", "name": name, "version": version} for name, version in reads]
    with lake.connect() as connection:
        query = f"SELECT {0 if lake.latest(table) is None else lake.version(table).version + 1} AS i"
        return lake.write(
            table, query, connection=connection, record={"reads": named, "statistics": statistics}
        ).version


def test_every_version_that_a_person_decided_for_stays(lake: Lake, settings: Settings) -> None:
    for night in range(4):
        written(lake, "split")
        written(lake, "candidate_ease", ("split", night))
        written(lake, "champion", ("split", night))
        if night == 1:
            promote_candidate(lake, "ease", who="ann", reason="better in the experiment")
        if night == 2:
            roll_back(lake, 0, who="ann", reason="odd lists")
    roll_back(lake, 2, who="ann", reason="right again")
    wanted = [("candidate_ease", 1), ("champion", 0), ("champion", 2), ("champion", 3)]
    assert served_versions(lake) == wanted
    keep_up(lake, settings, {name: "model" for name in lake.tables() if not name.startswith("lineage")})
    gone = {name: set(lake.pruned(name).all()) for name in ("champion", "candidate_ease", "split")}
    assert gone == {"champion": {1}, "candidate_ease": {0, 2}, "split": set()}


def test_every_champion_that_the_gate_promoted_stays(lake: Lake, settings: Settings) -> None:
    before = "popularity"
    for champion in ("popularity", "lightgcn", "lightgcn", "ease", "ease"):
        night = written(lake, "gate", **Promotion(champion, before, 0.1).as_statistics())
        written(lake, "champion", ("gate", night))
        before = champion
    assert served_versions(lake) == [("champion", night) for night in (1, 3, 4)]
    keep_up(lake, settings, {"gate": "model", "champion": "model"})
    gone = {name: set(lake.pruned(name).all()) for name in ("champion", "gate")}
    assert gone == {"champion": {0, 2}, "gate": {0, 2}}


def test_a_champion_stays_where_nobody_can_tell_whether_it_was_promoted(
    lake: Lake, settings: Settings
) -> None:
    written(lake, "champion", ("gate", 5))
    written(lake, "champion")
    assert served_versions(lake) == [("champion", 0), ("champion", 1)]
    assert keep_up(lake, settings, {"champion": "model"}).prune.files == 0


def test_old_versions_of_a_table_that_no_asset_wrote_are_kept_as_the_settings_say(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_RETENTION_GRACE_HOURS", "0")
    with lake.connect() as connection:
        for price in (1, 2, 3):
            lake.write("prices", f"SELECT {price} AS price", connection=connection)
    done = keep_up(lake, load_settings(home=tmp_path / "home"), {})
    assert [(table.table, list(table.dropped), str(table.policy)) for table in done.prune.tables] == [
        ("prices", [], "14/8/12")
    ]


def test_the_lakes_own_tables_keep_their_newest_version_only(lake: Lake, settings: Settings) -> None:
    written(lake, "champion")
    written(lake, "champion")
    for reason in ("one", "two"):
        roll_back(lake, 0, who="ann", reason=reason, held=reason == "two")
    done = keep_up(lake, settings, {"champion": "model"})
    assert {table.table: table.kept for table in done.prune.tables if table.table.startswith("lineage")} == {
        name: 1 for name in (RECORDS_TABLE, TEXTS_TABLE) if lake.has(name)
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION", "-1/0/0"), ("RETENTION", "1/2"), ("RETENTION", "1e3/0/0"), ("RETENTION_GRACE_HOURS", "-1"),
        ("RETENTION_GRACE_HOURS", "10000000000"), ("DAGSTER_KEEP_DAYS", "0"), ("DAGSTER_KEEP_DAYS", "10000000000"),
    ],
)  # fmt: skip
def test_silly_values_are_refused_by_name(name: str, value: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(f"RECSYS_{name}", value)
    with pytest.raises(SettingsError, match=f"(?i){name}"):
        load_settings(home=tmp_path / "home")


@pytest.mark.parametrize("policy", ["0/0/0", "1/99999/0", "99999/99999/99999", "0/0/99999, model=0/5/1"])
def test_odd_policies_keep_the_newest_version(policy: str, lake: Lake, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RECSYS_RETENTION", policy)
    monkeypatch.setenv("RECSYS_RETENTION_GRACE_HOURS", "87600")
    monkeypatch.setenv("RECSYS_DAGSTER_KEEP_DAYS", "36500")
    for _ in range(3):
        written(lake, "events")
    lake.clock = lambda: datetime.now(timezone.utc) + timedelta(days=40_000)
    keep_up(lake, load_settings(home=tmp_path / "home"), {"events": "model"})
    assert lake.arrow(lake.version("events")).to_pylist() == [{"i": 2}]
