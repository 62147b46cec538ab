"""Reconciliation of every source table, as blocking checks on the clean tables: accepted + rejected = read."""

import inspect

import dagster as dg

from recsys_lineage.assets.code.code_version import code_version
from recsys_lineage.assets.reading.inputs import Inputs
from recsys_lineage.lake.lake import Lake
from recsys_lineage.orchestration.lake_resource import LakeResource
from recsys_lineage.orchestration.recorded import recorded
from recsys_lineage.records.materialization import Code
from recsys_lineage.records.parts.check_outcome import CheckOutcome
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.records import Records

CLEAN_OF = {
    "raw_events": "events",
    "raw_users": "users",
    "raw_items": "items",
    "raw_promotions": "promotions",
}


def reconciliation_check(raw: str) -> dg.AssetChecksDefinition:
    """The reconciliation check of one source table: none of its rows is lost or counted twice."""
    clean = CLEAN_OF[raw]
    # rejected_rows is itself made of the clean promotions, so it is the later of the two.
    asset = "rejected_rows" if clean == "promotions" else clean
    name = f"{clean}_accepted_plus_rejected_is_read"
    description = f"accepted rows ({clean}) plus rejected rows equal the rows of {raw}"
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
        records = lake.records()
        with recorded(
            context, lake, asset, code, code_version(_counted, {}), tables, kind="check",
            pinned=_version_read(records, raw),
        ) as recording:  # fmt: skip
            if reason := _not_comparable(records, raw):
                recording.checks.append(
                    CheckOutcome(name, False, reason, description=description, severity="warn")
                )
                return dg.AssetCheckResult(
                    passed=False, severity=dg.AssetCheckSeverity.WARN, description=reason
                )
            counts = _counted(records, recording.inputs, raw)
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
    records, tables = Records(lake), ("rejected_rows", CLEAN_OF[raw], raw)
    with lake.connect() as connection:
        inputs = Inputs(lake, connection, "the reconciliation", tables, _version_read(records, raw))
        return _counted(records, inputs, raw)


def _not_comparable(records: Records, raw: str) -> str:
    """Reason why the clean table and the rejected rows cannot be added up; empty if they can.

    If only one of the two was made, their versions differ until the other one is made.
    """
    way_out = "materialize rejected_rows too, then the rows are compared"
    if records.latest("rejected_rows") is None:
        return f"not compared: rejected_rows was never made; {way_out}"
    read, rejected = (_read_of(records, asset, raw) for asset in (CLEAN_OF[raw], "rejected_rows"))
    if read.fingerprint != rejected.fingerprint:
        return f"not compared: {CLEAN_OF[raw]} and rejected_rows are made of different versions of {raw}; {way_out}"
    return ""


def _counted(records: Records, inputs: Inputs, raw: str) -> dict[str, int]:
    """Rows read, accepted and rejected of one source table, at the version that both sides read."""
    read, accepted = (inputs.version(table, columns=()).rows for table in (raw, CLEAN_OF[raw]))
    if _not_comparable(records, raw):
        return {"read": read, "accepted": accepted, "rejected": -1}
    refused = inputs.query("SELECT count(*) AS n FROM rejected_rows WHERE table_name = $raw", {"raw": raw})
    return {"read": read, "accepted": accepted, "rejected": refused["n"][0]}


def _version_read(records: Records, raw: str) -> dict[str, int]:
    """The version of a source table of which its clean table was made; empty while there is no clean table."""
    record = records.latest(CLEAN_OF[raw])
    read = record.read(raw) if record is not None else None
    return {} if read is None or read.version is None else {raw: read.version}


def _read_of(records: Records, asset: str, raw: str) -> Read:
    read = records.get(asset).read(raw)
    assert read is not None, f"{asset} did not read {raw}"
    return read
