"""Failures for Dagster's event log: without any value, because Dagster stores them."""

from __future__ import annotations

from typing import Any

import dagster as dg

from recsys_lineage.interruption import INTERRUPTIONS
from recsys_lineage.orchestration.transient import is_transient
from recsys_lineage.records.parts.failure import Failure, labelled_parts

_STATUS, _INTERRUPTED = "status", "canceled"


def dagster_failure(asset: str, error: BaseException, failure: Failure) -> dg.Failure:
    """The failure to raise in a step, `from None`, because with a cause Dagster would store the whole message.

    Args:
        asset: the asset that failed.
        error: the error.
        failure: the same error, as in the record.
    """
    metadata: dict[str, Any] = {"type": failure.type, **labelled_parts(failure.message)}
    if failure.stack:
        metadata["stack"] = dg.MetadataValue.md("\n".join(f"- `{frame}`" for frame in failure.stack))
    return dg.Failure(
        description=f"{asset}: {failure.message}",
        metadata=metadata,
        allow_retries=error.allow_retries if isinstance(error, dg.Failure) else is_transient(error),
    )


def interrupted(asset: str) -> dg.Failure:
    """The failure of a step whose run others stopped; `is_interrupted` knows it again."""
    return dg.Failure(f"{asset} was interrupted.", metadata={_STATUS: _INTERRUPTED}, allow_retries=False)


def is_interrupted(event: dg.DagsterEvent) -> bool:
    """Whether a step ended because others stopped its run."""
    if not event.is_step_failure:
        return False
    fault = event.step_failure_data
    reported = {} if fault.user_failure_data is None else fault.user_failure_data.metadata
    if _STATUS in reported and reported[_STATUS].value == _INTERRUPTED:
        return True
    return fault.error is not None and fault.error.cls_name in {kind.__name__ for kind in INTERRUPTIONS}
