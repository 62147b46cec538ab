"""Libraries that can change a result stand in every record; another version makes nothing stale by itself."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from recsys_lineage.assets import asset_status
from recsys_lineage.assets.asset_status import asset_statuses
from recsys_lineage.lake.parquet import table_files
from recsys_lineage.orchestration.defined_assets import asset_codes
from recsys_lineage.records.parts.engine_versions import LIBRARIES, engine_changes, engine_versions
from tests.lineage.project import REUSE, Project, table

SPEND = "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer"
MORE = "SELECT * FROM (VALUES (1, 'ann', 10.0)) AS t(id, customer, amount)"


def test_every_record_names_the_versions_of_what_computed_it(project: Project) -> None:
    project.run(table("orders"))
    engine = project.records.get("orders").engine
    assert engine == engine_versions()
    assert engine["duckdb"] == version("duckdb") and set(engine) <= {"python", *LIBRARIES}


def test_another_version_is_told_and_makes_nothing_stale(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    now = {**engine_versions(), "duckdb": "99.1", "polars": engine_versions()["polars"]}
    monkeypatch.setattr(asset_status, "engine_versions", lambda: now)

    statuses = asset_statuses(asset_codes(assets), project.records)

    assert {status.stale for status in statuses.values()} == {None}
    assert statuses["spend"].engine == (f"duckdb {version('duckdb')} → 99.1",)


def test_a_library_that_one_side_does_not_name_is_no_change() -> None:
    assert engine_changes({"duckdb": "1", "torch": "2"}, {"duckdb": "1", "dgl": "3"}) == []


def test_fingerprints_of_two_engines_are_not_comparable_and_never_called_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend = table("spend", SPEND)
    project.run(table("orders"), spend)
    monkeypatch.setattr(table_files, "HASHED_BY", "rows-sum-1 duckdb 99.1")
    project.run(table("orders", MORE))

    stale = asset_statuses(asset_codes([table("orders", MORE), spend]), project.records)["spend"].stale

    assert stale is not None and "not comparable" in stale and "changed" not in stale
    assert "99.1" in stale and version("duckdb") in stale


def test_versions_with_parts_of_two_engines_equal_none_and_name_each_engine_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(part: int) -> str:
        with project.lake.connect() as connection:
            version = project.lake.write(
                "days", f"SELECT {part} AS n, 'd{part}' AS day", connection=connection,
                partition_by="day", partitions=[f"d{part}"],
            )  # fmt: skip
        return str(version.hashed_by)

    first = written(1)
    monkeypatch.setattr(table_files, "HASHED_BY", "rows-sum-1 duckdb 99.1")
    mixed = [written(part) for part in (1, 2, 3, 1)]
    assert len({first, *mixed}) == 5
    assert all(
        first in each and each.count("99.1") == 1 and len(each) < 2 * len(first) + 40 for each in mixed
    )


def test_equal_fingerprints_are_equal_whoever_made_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = [table("orders"), table("spend", SPEND)]
    project.run(*assets)
    monkeypatch.setattr(table_files, "HASHED_BY", "rows-sum-1 duckdb 99.1")
    project.run(assets[0])
    result = project.run(*assets, tags=REUSE)
    assert result.success and project.lake.version("spend").version == 0
