"""Materializing one asset: observe the reads, write a draft, check it, commit it with its record (`attempt.py`).

Nothing here knows of an orchestrator: a notebook calls `materialize`, the Dagster adapter calls `attempt` and turns
its Outcome into events, and `reproduce` has the result written to a lake of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.attempt import Attempt
from recsys_lineage.assets.attempt import explaining as explaining
from recsys_lineage.assets.outcome import BlockingCheckFailed as BlockingCheckFailed
from recsys_lineage.assets.outcome import Outcome as Outcome
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run


def materialize(asset: AssetCode, lake: Lake, request: Request | None = None) -> Outcome:
    """Make the next version of an asset's table from the latest versions of what it reads.

    Args:
        asset: of `sql_code` or `frame_code`.
        lake: where its inputs are and its table goes.
        request: partitions, and whether parts that are still right may be kept; everything is made when None.

    Raises:
        Exception: what the code raised, or BlockingCheckFailed. Nothing of the new version is visible then, and the
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
        run: what an orchestrator knows of the run, for the record.
        git: the commit of the code, and whether its checkout had other changes, for the record.
        into: a lake for the result, instead of the one that is read; its records stay there.
        pinned: tables of which a given version is read instead of the latest.
        previous: the record that counts as the asset's version before; that of its latest version when None and the
            result goes into the lake itself.
        keys: the orchestrator's keys of the asset and of those upstream, by their tables.
    """
    return Attempt(
        asset, lake, request, run or Run(), git, into, pinned or {}, previous, keys or {}
    ).outcome()
