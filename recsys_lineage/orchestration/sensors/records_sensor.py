"""A sensor that completes the records while the daemon runs."""

from __future__ import annotations

import dagster as dg

from recsys_lineage.errors import LineageError
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded_runs import complete_records


def records_sensor(name: str = "lineage_records", *, seconds: int = 30) -> dg.SensorDefinition:
    """A sensor that adds the records of ended runs, and those that a process died before adding.

    Args:
        name: the sensor's name.
        seconds: the interval between ticks.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Completes the records: runs that have ended, and what a killed process left.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SkipReason:
        try:
            added, runs = complete_records(context.instance, lake)
        except LineageError as error:
            return dg.SkipReason(f"The records could not be completed: {error.message}")
        return dg.SkipReason(f"{added} records and {runs} runs were added.")

    return sensor
