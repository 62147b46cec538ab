"""Materializing one asset: observe the reads, write a draft, check it, commit it with its record (see `attempts`).

No orchestrator is needed: a notebook calls `materialize`, the Dagster adapter calls `attempt` and turns its Outcome
into events, and `reproduce` writes the result to a lake of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.attempts.attempt import Attempt
from recsys_lineage.assets.attempts.attempt import explaining as explaining
from recsys_lineage.assets.outcome import BlockingCheckFailed as BlockingCheckFailed
from recsys_lineage.assets.outcome import Outcome as Outcome
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run


def materialize(asset: AssetCode, lake: Lake, request: Request | None = None) -> Outcome:
    """Materialize the next version of an asset's table from the latest versions of its inputs.

    Args:
        asset: an asset made by `sql_code` or `frame_code`.
        lake: the lake of its inputs and its table.
        request: partitions, and whether parts that are up to date may be kept; everything is made when None.

    Raises:
        Exception: the error of the code, or BlockingCheckFailed. No part of the new version is visible then, and the
            failure is recorded.
    """
    outcome = attempt(asset, lake, request or Request())
    if outcome.error is not None:
        raise outcome.error
    return outcome


def attempt(
    asset: AssetCode,
    lake: Lake,
    request: Request,
    *,
    run: Run | None = None,
    git: tuple[str | None, bool | None] = (None, None),
    into: Lake | None = None,
    pinned: Mapping[str, int] | None = None,
    previous: Materialization | None = None,
    keys: Mapping[str, str] | None = None,
) -> Outcome:
    """Like `materialize`, but a failure is also returned as an Outcome.

    Args:
        run: the orchestrator's facts about the run, for the record.
        git: the commit of the code, and whether its checkout had uncommitted changes, for the record.
        into: a lake for the result and its record, instead of the one that is read.
        pinned: table → the version to read instead of the latest.
        previous: the record of the asset's previous version; that of its latest version when None and the result goes
            into the lake itself.
        keys: table → the orchestrator's key, for the asset and those upstream.
    """
    return Attempt(
        asset, lake, request, run or Run(), git, into, pinned or {}, previous, keys or {}
    ).outcome()
