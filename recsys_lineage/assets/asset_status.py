"""AssetStatus: what an asset's latest version is, and whether it is still right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter

import dagster as dg

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.orchestration.dagster_internals import code_of
from recsys_lineage.records.records import Records
from recsys_lineage.records.staleness import why_stale


@dataclass(frozen=True)
class AssetStatus:
    """The state of one asset. `stale` says why it should be materialized again; None when it is up to date."""

    asset: str
    version: int | None
    rows: int | None
    fingerprint: str | None
    materialized: datetime | None
    stale: str | None


def asset_codes(definitions: Iterable[object]) -> dict[str, AssetCode]:
    """The lineage assets among Dagster definitions, by name, upstream first."""
    codes = {
        code.name: code
        for definition in definitions
        if isinstance(definition, dg.AssetsDefinition) and (code := code_of(definition)) is not None
    }
    order = TopologicalSorter(
        {name: [u for u in code.upstream if u in codes] for name, code in codes.items()}
    )
    return {name: codes[name] for name in order.static_order()}


def asset_statuses(codes: dict[str, AssetCode], records: Records) -> dict[str, AssetStatus]:
    """The status of every asset, upstream first; what lies downstream of a stale asset is stale too.

    An asset that is made on request only is left out until it was made, and makes nothing downstream stale by its age.
    """
    statuses: dict[str, AssetStatus] = {}
    for name, code in codes.items():
        if code.on_request and not records.lake.has(name):
            continue
        reason = why_stale(
            records,
            name,
            code_version=code.code_version,
            upstream=code.upstream,
            observed=code.observe() if code.observe else None,
            takes=code.takes,
        )
        if reason is None:
            behind = [
                upstream
                for upstream in code.upstream
                if upstream in statuses
                and statuses[upstream].stale is not None
                and not codes[upstream].on_request
            ]
            reason = f"{behind[0]} is to be materialized first" if behind else None
        record = records.latest(name)
        statuses[name] = AssetStatus(
            asset=name,
            version=record.version if record else None,
            rows=record.rows if record else None,
            fingerprint=record.fingerprint if record else None,
            materialized=record.ended if record else None,
            stale=reason,
        )
    return statuses
