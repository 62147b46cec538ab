"""A code location of one asset and one nightly schedule, for tests of what serves it."""

import os

import dagster as dg


@dg.asset(pool="gpu")
def greeting() -> str:
    """An asset that takes no time."""
    return "hello"


nightly = dg.ScheduleDefinition(
    name="nightly",
    target=[greeting],
    cron_schedule="0 2 * * *",
    default_status=(
        dg.DefaultScheduleStatus.RUNNING
        if os.environ.get("RECSYS_NIGHTLY") == "true"
        else dg.DefaultScheduleStatus.STOPPED
    ),
)

defs = dg.Definitions([greeting], schedules=[nightly])
