"""Reconciliation of every source table, as blocking checks on the clean tables: accepted + rejected = read."""

import inspect

import dagster as dg

from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.records.check_outcome import CheckOutcome
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.read import Read
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
    name = f"{clean}_accepted_plus_rejected_is_read"
    description = f"the rows of {clean} and the rejected rows of {raw} together are the rows of {raw}"
    tables = ("rejected_rows", clean, raw)

    @dg.asset_check(
        asset=asset,
        name=name,
        description=description,
        additional_deps=[table for table in tables if table != asset],
        blocking=True,
    )
    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        code = Code("python", inspect.getsource(_counted), __file__)
        with recorded(
            context, lake, asset, code, code_version(_counted, {}), tables, kind="check"
        ) as recording:
            counts = _counted(lake.records(), recording.inputs, raw)
            passed = counts["accepted"] + counts["rejected"] == counts["read"]
            words = f"{counts['accepted']:,} accepted + {counts['rejected']:,} rejected"
            verdict = (
                f"= {counts['read']:,} read" if passed else f"but {counts['read']:,} were read from {raw}"
            )
            found = f"{words} {verdict}"
            recording.checks.append(
                CheckOutcome(name, passed, found, blocking=True, description=description, counts=counts)
            )
        return dg.AssetCheckResult(passed=passed, description=found, metadata=counts)

    return check


def checks() -> list[dg.AssetChecksDefinition]:
    """The reconciliation of every source table."""
    return [reconciliation_check(raw) for raw in CLEAN_OF]


def reconciled_rows(lake: Lake, raw: str) -> dict[str, int]:
    """Rows read, accepted and rejected of one source table."""
    with lake.connect() as connection:
        inputs = Inputs(lake, connection, "the reconciliation", ("rejected_rows", CLEAN_OF[raw]))
        return _counted(Records(lake), inputs, raw)


def _counted(records: Records, inputs: Inputs, raw: str) -> dict[str, int]:
    """Rows read, accepted and rejected of one source table, at the version that both sides read."""
    clean = CLEAN_OF[raw]
    lake = records.lake
    read = _read_of(records, clean, raw)
    rejected = _read_of(records, "rejected_rows", raw)
    accepted = inputs.version(clean, columns=()).rows
    if read.version != rejected.version:
        # Both were made of the same content or the sum below would compare two deliveries.
        then, now = lake.version(raw, read.version), lake.version(raw, rejected.version)
        if then.fingerprint != now.fingerprint:
            return {"read": then.rows, "accepted": accepted, "rejected": -1}
    refused = inputs.query("SELECT count(*) AS n FROM rejected_rows WHERE table_name = $raw", {"raw": raw})
    return {
        "read": lake.version(raw, read.version).rows,
        "accepted": accepted,
        "rejected": refused["n"][0],
    }


def _read_of(records: Records, asset: str, raw: str) -> Read:
    read = records.get(asset).read(raw)
    assert read is not None, f"{asset} did not read {raw}"
    return read
