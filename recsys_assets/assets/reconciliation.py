"""Reconciliation of every source table, as blocking checks on the clean tables: accepted + rejected = read."""

import dagster as dg

from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.records.materialization import Read
from recsys_lineage.records.records import Records

CLEAN_OF = {
    "raw_events": "events",
    "raw_users": "users",
    "raw_items": "items",
    "raw_promotions": "promotions",
}


def reconciliation_check(raw: str) -> dg.AssetChecksDefinition:
    """The reconciliation check of one source table: none of its rows is lost, none is counted twice."""
    clean = CLEAN_OF[raw]
    # rejected_rows is itself made of the clean promotions, so it is the later of the two.
    asset = "rejected_rows" if clean == "promotions" else clean

    @dg.asset_check(
        asset=asset,
        name=f"{clean}_accepted_plus_rejected_is_read",
        description=f"the rows of {clean} and the rejected rows of {raw} together are the rows of {raw}",
        additional_deps=[name for name in ("rejected_rows", clean, raw) if name != asset],
        blocking=True,
    )
    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        counts = reconciled_rows(lake.records(), raw)
        passed = counts["accepted"] + counts["rejected"] == counts["read"]
        words = f"{counts['accepted']:,} accepted + {counts['rejected']:,} rejected"
        verdict = f"= {counts['read']:,} read" if passed else f"but {counts['read']:,} were read from {raw}"
        return dg.AssetCheckResult(passed=passed, description=f"{words} {verdict}", metadata=counts)

    return check


def reconciled_rows(records: Records, raw: str) -> dict[str, int]:
    """Rows read, accepted and rejected of one source table, at the version that both sides read."""
    clean = CLEAN_OF[raw]
    lake = records.lake
    read = _read_of(records, clean, raw)
    rejected = _read_of(records, "rejected_rows", raw)
    if read.version != rejected.version:
        # Both were made of the same content or the sum below would compare two deliveries.
        then, now = lake.version(raw, read.version), lake.version(raw, rejected.version)
        if then.fingerprint != now.fingerprint:
            return {"read": then.rows, "accepted": lake.version(clean).rows, "rejected": -1}
    with lake.connect() as connection:
        row = connection.execute(
            f"SELECT count(*) FROM {lake.relation(lake.version('rejected_rows'))} WHERE table_name = $raw",
            {"raw": raw},
        ).fetchone()
    return {
        "read": lake.version(raw, read.version).rows,
        "accepted": lake.version(clean).rows,
        "rejected": row[0] if row else 0,
    }


def _read_of(records: Records, asset: str, raw: str) -> Read:
    read = records.get(asset).read(raw)
    assert read is not None, f"{asset} did not read {raw}"
    return read
