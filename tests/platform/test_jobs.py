"""The nightly schedule: one night at a time."""

from __future__ import annotations

from datetime import datetime, timezone

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from recsys_assets.jobs import NIGHTLY, nightly_schedule
from recsys_assets.settings import Settings


@dg.op
def work() -> None:
    """What another process does."""


@pytest.mark.parametrize("status", dg.DagsterRunStatus)
def test_a_tick_starts_a_run_unless_one_is_at_work(status: dg.DagsterRunStatus) -> None:
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("recsys"), "__repository__")
    runs = {}
    with dg.DagsterInstance.local_temp() as instance:
        for job, state in ((NIGHTLY, status), ("other", dg.DagsterRunStatus.STARTED)):
            runs[job] = instance.create_run_for_job(
                dg.GraphDefinition(job, node_defs=[work]).to_job(),
                status=state,
                remote_job_origin=RemoteJobOrigin(location, job),
            )
        context = dg.build_schedule_context(
            instance, scheduled_execution_time=datetime(2024, 3, 1, 3, tzinfo=timezone.utc)
        )
        tick = nightly_schedule(Settings()).evaluate_tick(context)
    if status in NOT_FINISHED_STATUSES:
        assert not tick.run_requests and runs[NIGHTLY].run_id in str(tick.skip_message)
    else:
        assert len(tick.run_requests or []) == 1
