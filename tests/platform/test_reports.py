"""A report's record says what became of its files."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from recsys_assets.assets.serving.reports import ReportFiles, assets
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.records.records import Records

METRICS = """SELECT 'lightgcn' AS family, 'new items' AS kind, 'all' AS level, 'ndcg' AS metric, 20 AS k,
    0.25::DOUBLE AS value, 7 AS users"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake that has metrics."""
    lake = Lake(str(tmp_path / "lake"))
    with lake.connect() as connection:
        lake.write("evaluation", METRICS, connection=connection)
    return lake


def run(lake: Lake) -> dg.ExecuteInProcessResult:
    """Make the report of the metrics, whatever comes of it."""
    folder = Path(lake.uri).with_name("reports")
    folder.mkdir(exist_ok=True)
    return dg.materialize(
        assets(),
        selection=["metrics_report"],
        resources={"lake": LakeResource(uri=lake.uri, threads=1), "reports": ReportFiles(folder=str(folder))},
        raise_on_error=False,
    )


def test_a_report_is_a_success_once_both_files_stand(lake: Lake, tmp_path: Path) -> None:
    assert run(lake).success
    csv, parquet = (
        tmp_path / "reports" / "metrics_report.csv",
        tmp_path / "reports" / "metrics_report.parquet",
    )
    assert pd.read_csv(csv)["value"].to_list() == pd.read_parquet(parquet)["value"].to_list() == [0.25]
    (record,) = Records(lake).runs("metrics_report")
    assert (record.status, record.rows) == ("success", 1)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_full_disk_is_a_failure_of_the_record_too_and_the_files_of_before_stay(
    lake: Lake, tmp_path: Path, suffix: str
) -> None:
    assert run(lake).success
    with lake.connect() as connection:
        lake.write("evaluation", METRICS.replace("0.25", "0.5"), connection=connection)
    before = {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir()}
    # what a full disk says is said by the kernel
    partial = tmp_path / "reports" / f".metrics_report.{suffix}.{os.getpid()}"
    partial.symlink_to("/dev/full")
    assert not run(lake).success
    records = [*Records(lake).runs("metrics_report")]
    assert sorted(record.status for record in records) == ["failed", "success"]
    (failed,) = (record for record in records if record.status == "failed")
    assert failed.failure is not None and "OSError" in failed.failure.type
    assert {path.name: path.read_bytes() for path in (tmp_path / "reports").iterdir()} == before


def test_a_report_that_breaks_its_rules_is_a_failure_without_values(lake: Lake, tmp_path: Path) -> None:
    with lake.connect() as connection:
        lake.write("evaluation", METRICS.replace("7", "-7777"), connection=connection)
    assert not run(lake).success
    (record,) = Records(lake).runs("metrics_report")
    assert record.status == "failed" and record.failure is not None
    assert "column rules" in record.failure.message and "7777" not in repr(record)
    assert not [*(tmp_path / "reports").iterdir()]
