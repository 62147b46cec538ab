"""Table owners: a lake has one table of a name, while assets under different key prefixes may share a name."""

from __future__ import annotations

from collections.abc import Mapping

from recsys_lineage.assets.asset_code import RENAMED_TAG, AssetCode, Request
from recsys_lineage.errors import LineageError
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.run import Run
from recsys_lineage.records.records import Records


def check_owners(records: Records, asset: AssetCode, keys: Mapping[str, str], request: Request) -> None:
    """Refuse a run that would overwrite or read the table of an asset under another prefix.

    An asset with the code of the table's latest version counts as the same asset under a new key.

    Args:
        records: the lake's records.
        asset: the asset that runs.
        keys: table → the orchestrator's key, for the asset and those upstream.
        request: the run's request.

    Raises:
        LineageError: the latest version of a table was made by an asset with another key.
    """
    for table in (asset.name, *asset.upstream):
        if (key := keys.get(table)) is None:
            continue
        record = records.latest(table)
        if record is None or record.run.asset_key in (None, key):
            continue
        where = f"{records.lake.table_uri(table)}, version {record.version}"
        if table != asset.name:
            raise LineageError(
                f"{asset.name} would read {table} of another asset.",
                expected=f"a version that {key} made",
                found=f"one that {record.run.asset_key} made",
                where=where,
                advice=f"materialize {key} first",
            )
        if not request.renamed and record.code_version != asset.code_version:
            raise LineageError(
                f"{key} would write over the table of another asset.",
                expected=f"the table {table} to be that of {key}",
                found=f"a version that {record.run.asset_key} made",
                where=where,
                advice=f"give one of them another name, as in name={key.replace('/', '_')!r}, or a lake of its own; "
                f"where {key} is the same asset under a new key, run it once with the tag {RENAMED_TAG}: true",
            )


def former_key(before: Materialization | None, run: Run) -> str | None:
    """The other key under which an asset's latest version was made; None where there is none or it is unknown."""
    if before is None or run.asset_key is None or before.run.asset_key == run.asset_key:
        return None
    return before.run.asset_key
