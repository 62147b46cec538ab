"""What a person sees in a run's log: how long work goes, and what the code warns of."""

from __future__ import annotations

import logging

import polars as pl

from recsys_lineage.assets.asset_code import Output
from recsys_lineage.orchestration.frame_asset import frame_asset
from recsys_lineage.progress import Progress, tell
from tests.lineage.project import Project


def laborious() -> Output:
    tell(Progress("laborious", "step", "epoch 1: loss 0.5"))
    tell(Progress("another", "step", "epoch 9: of an asset elsewhere"))
    return Output(pl.DataFrame({"x": [1]}), warnings=["out of memory; halved"])


def lines(project: Project, level: int) -> list[str]:
    (run,) = project.instance.get_runs()
    return [entry.user_message for entry in project.instance.all_logs(run.run_id) if entry.level == level]


def test_steps_of_the_asset_and_its_warnings_are_in_the_log(project: Project) -> None:
    project.run(frame_asset(laborious))
    assert "laborious: epoch 1: loss 0.5" in lines(project, logging.INFO)
    assert not [line for line in lines(project, logging.INFO) if "elsewhere" in line]
    assert lines(project, logging.WARNING) == ["laborious: out of memory; halved"]
