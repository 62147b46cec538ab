"""A sensor that delivers the records' events while the daemon runs, and an asset check of refused events."""

import inspect
import json
import time
from collections.abc import Callable

import dagster as dg

from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.errors import LineageError
from recsys_lineage.openlineage.delivery.dead_letters import TABLE, DeadLetter, DeadLetters, letters_in
from recsys_lineage.openlineage.emission import Emission
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.check_outcome import CheckOutcome

CHECK = "openlineage_events_are_taken"
_SECONDS = 20.0
_LONGEST_ANSWER = 30.0
_PATIENCE = 2.0
_SHOWN = 10


def openlineage_sensor(
    emission: Callable[[], Emission],
    name: str = "openlineage",
    *,
    seconds: int = 30,
    checked: str | None = None,
) -> dg.SensorDefinition:
    """A sensor that sends pending events to each destination, in its own process, so that no run waits for a catalog.

    A tick ends within a minute, whatever the destinations do, because Dagster allows no more.

    Args:
        emission: returns the settings and destinations of the events; called once.
        name: the sensor's name.
        seconds: the interval between ticks.
        checked: the asset with the check of `openlineage_check`, whose changes the sensor reports.
    """
    known: list[Emission] = []

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends runs as OpenLineage events to every destination in the settings.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        opened = lake.lake()
        try:
            # Records of killed processes first, so that nothing younger overtakes them.
            lake.records().sync()
            if not known:
                known.append(emission())
            delivery = known[0].delivery(opened, patience=_PATIENCE, longest_answer=_LONGEST_ANSWER)
            done = delivery.send(until=time.time() + _SECONDS)
        except LineageError as error:
            return dg.SensorResult(skip_reason=f"Events could not be sent: {error}", cursor=context.cursor)
        reasons = "; ".join(
            f"{each.destination}: {each.taken:,} events, {each.state}{f' ({each.text})' if each.text else ''}"
            for each in done
        )
        letters = DeadLetters(opened).open()
        state = json.dumps(sorted([each.destination, each.message] for each in letters))
        evaluations = [] if checked is None or state == context.cursor else [_evaluation(checked, letters)]
        return dg.SensorResult(
            skip_reason=reasons or "There is no destination.", cursor=state, asset_events=evaluations
        )

    return sensor


def openlineage_check(asset: str) -> dg.AssetChecksDefinition:
    """A check of an asset that fails while destinations refuse events, because they lack a part of the lineage.

    The sensor also reports each change of it at once, without a run. Each run of the check leaves a record.
    """
    description = "No destination of OpenLineage events has refused one."

    @dg.asset_check(
        name=CHECK,
        asset=dg.AssetKey(asset),
        description=description,
    )
    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        code = Code("python", inspect.getsource(_refused), __file__)
        version = code_version(_refused, {})
        with recorded(context, lake, asset, code, version, (TABLE,), kind="check") as recording:
            letters = _refused(recording.inputs)
            found, counts = f"{len(letters):,} events were refused", {"refused": len(letters)}
            recording.checks.append(
                CheckOutcome(CHECK, not letters, found, description=description, counts=counts)
            )
        return dg.AssetCheckResult(
            passed=not letters, severity=dg.AssetCheckSeverity.ERROR, metadata=_metadata(letters)
        )

    return check


def _refused(inputs: Inputs) -> list[DeadLetter]:
    """The events that were refused and not accepted since."""
    return letters_in(inputs.frame(TABLE)) if inputs.exists(TABLE) else []


def _evaluation(asset: str, letters: list[DeadLetter]) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name=CHECK,
        passed=not letters,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=_metadata(letters),
    )


def _metadata(letters: list[DeadLetter]) -> dict[str, dg.MetadataValue]:
    lines = [
        f"- `{each.message}` of `{each.key}`, refused by {each.destination}: "
        f"{each.status or ''} {' '.join(each.answer.split())[:200]}"
        for each in letters[:_SHOWN]
    ]
    found: dict[str, dg.MetadataValue] = {"refused": dg.MetadataValue.int(len(letters))}
    if lines:
        found["events"] = dg.MetadataValue.md("\n".join(lines))
        found["what to do"] = dg.MetadataValue.text(
            "fix what the answers name, then send these runs once more with `openlineage replay`"
        )
    return found
