"""AssetStatus: an asset's latest version, and whether it is stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recsys_lineage.assets.asset_code import AssetCode
from recsys_lineage.records.parts.engine_versions import engine_changes, engine_versions
from recsys_lineage.records.records import Records
from recsys_lineage.records.staleness import why_stale


@dataclass(frozen=True)
class AssetStatus:
    """The state of one asset.

    `stale` is the reason to materialize it again; None when it is up to date. `engine` names the libraries whose
    versions have changed since it was made, which makes nothing stale by itself.
    """

    asset: str
    version: int | None
    rows: int | None
    fingerprint: str | None
    materialized: datetime | None
    stale: str | None
    engine: tuple[str, ...] = ()


def asset_statuses(codes: Mapping[str, AssetCode], records: Records) -> dict[str, AssetStatus]:
    """The status of every asset, upstream first; everything downstream of a stale asset is stale too.

    An asset made on request only is left out until its first version, and its age makes nothing downstream stale.
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
            parameters=code.parameters,
            due=code.due,
            checks=code.check_versions,
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
            engine=tuple(engine_changes(record.engine, engine_versions())) if record else (),
        )
    return statuses
