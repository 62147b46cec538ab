"""Reproduction: a version made again from exactly its inputs and compared with the original."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.blobs import SCHEMA as FILE_COLUMNS
from recsys_lineage.lake.lake import Lake
from recsys_lineage.lake.versions.table_version import TableVersion
from recsys_lineage.records.materialization import Materialization, Read
from recsys_lineage.records.parts.read import needs_files
from recsys_lineage.records.records import Records


class CannotReproduce(LineageError):
    """A version cannot be made again from its record: its code or an input no longer exists."""


class ReadsOutside(CannotReproduce):
    """A version depends on data outside the lake, which has no versions; `where` is its asset."""


class OtherCode(CannotReproduce):
    """The asset's code differs from the code that wrote the version."""


@dataclass(frozen=True)
class Reproduction:
    """A version, and the result of making it again.

    `before` and `now` are fingerprints; `files` maps each file of a table of files to its sha256 then and now.
    `code_version` is the version of the code that ran now, with the parameters of the record.
    """

    record: Materialization
    code_version: str
    reads: tuple[Read, ...]
    before: str
    now: str
    files: Mapping[str, tuple[str | None, str | None]]
    seconds: float

    @property
    def identical(self) -> bool:
        """Whether the content is the same to the last bit."""
        return self.before == self.now

    def to_json(self) -> dict[str, Any]:
        """One JSON object: the record and the result of making it again."""
        return {
            "asset": self.record.asset,
            "version": self.record.version,
            "identical": self.identical,
            "fingerprint": {"then": self.before, "now": self.now},
            "files": {name: {"then": then, "now": now} for name, (then, now) in self.files.items()},
            "code_version": {"then": self.record.code_version, "now": self.code_version},
            "parameters": dict(self.record.parameters),
            "inputs": {
                read.name: {"version": read.version, "fingerprint": read.fingerprint}
                for read in self.reads
                if read.purpose != "check"
            },
            "statistics": dict(self.record.statistics),
            "git_commit": self.record.git_commit,
            "seconds": round(self.seconds, 3),
        }


def reproduce(
    lake: Lake, asset: AssetCode, version: int | None = None, *, other_code: bool = False
) -> Reproduction:
    """Make a version of an asset again, from the input versions and parameters in its record.

    Nothing is written to the lake: the result is in a temporary folder while it is compared.

    Args:
        lake: the lake of the table and its inputs.
        asset: the asset with today's code.
        version: the version of the asset's table; the latest when None.
        other_code: continue if today's code differs from the original code.

    Raises:
        TableNotFound: there is no such version, or one of its inputs is gone.
        VersionPruned: the files of one of its inputs are gone.
        CannotReproduce: the code differs, an input has other rows, or the asset reads files.
    """
    record = Records(lake).get(asset.name, version)
    remade = code_of(asset, record, other_code)
    pinned = pinned_inputs(lake, record)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lineage-reproduce-") as folder:
        own = pinned.pop(asset.name, None)
        request = Request(
            partitions=list(record.partitions) or None,
            continues=record.continued,
            work=Path(folder) / "work",
        )
        scratch = Lake(str(Path(folder) / "lake"))
        outcome = attempt(
            replace(remade, checks=()),
            lake,
            request,
            into=scratch,
            pinned=pinned,
            previous=_previous(lake, record, own),
        )
        if outcome.error is not None:
            raise outcome.error
        made = outcome.version
        assert made is not None
        seconds = time.perf_counter() - began
        was = lake.version(asset.name, record.version)
        return Reproduction(
            record=record,
            code_version=remade.code_version,
            reads=outcome.record.reads,
            before=_fingerprint(was, record.partitions),
            now=_fingerprint(made, record.partitions),
            files=_files((lake, was), (scratch, made)),
            seconds=seconds,
        )


def code_of(asset: AssetCode, record: Materialization, other_code: bool = False) -> AssetCode:
    """The asset with the parameters of a record.

    Raises:
        ReadsOutside: it reads data outside the lake.
        OtherCode: the code differs from the code that wrote the version, and other code is not allowed.
    """
    if asset.remade is None or any(r.kind == "file" and r.purpose != "check" for r in record.reads):
        raise ReadsOutside(
            f"{asset.name} reads from outside the lake, which keeps no versions.",
            expected="an asset that reads tables only",
            where=asset.name,
            advice="materialize it: it then reads the files that are there now",
        )
    remade = asset.with_parameters(record.parameters)
    if remade.code_version != record.code_version and not other_code:
        raise OtherCode(
            f"The code of {asset.name} is not the code that wrote version {record.version}.",
            expected=f"code version {record.code_version}"
            + (f", of commit {record.git_commit[:12]}" if record.git_commit else ""),
            found=f"code version {remade.code_version}, with the parameters of that run: {dict(record.parameters)}",
            where=asset.code.origin,
            advice="check out that commit, or allow other code to see what today's makes of the same inputs",
        )
    return remade


def pinned_inputs(lake: Lake, record: Materialization) -> dict[str, int]:
    """The versions of the tables that a record's run read for its output, verified to exist unchanged.

    Raises:
        CannotReproduce: one has other rows.
        TableNotFound: one is gone; VersionPruned if only its files are.
    """
    pinned: dict[str, int] = {}
    for read in record.reads:
        if read.kind != "table" or read.version is None or read.purpose == "check":
            continue
        there = lake.version(read.name, read.version)
        if there.fingerprint != read.fingerprint:
            raise CannotReproduce(
                f"Version {read.version} of {read.name!r} is not the one that {record.asset} read.",
                expected=f"fingerprint {read.fingerprint}",
                found=f"fingerprint {there.fingerprint}",
                where=lake.table_uri(read.name),
                advice=f"restore the table {read.name} from a backup",
            )
        if needs_files(read.to_json()):
            lake.require_files(there)
        pinned[read.name] = read.version
    return pinned


def _previous(lake: Lake, record: Materialization, own: int | None) -> Materialization | None:
    """The asset's latest record before the version was made."""
    before = (record.version or 0) - 1 if own is None else own
    return Records(lake).get(record.asset, before) if before >= 0 else None


def _fingerprint(version: TableVersion, partitions: tuple[str, ...]) -> str:
    """Fingerprint of the whole table, or of the partitions that a run wrote."""
    if not partitions:
        return version.fingerprint
    held = version.partitions
    return " ".join(f"{key}:{held[key].fingerprint if key in held else 'none'}" for key in sorted(partitions))


def _files(
    then: tuple[Lake, TableVersion], now: tuple[Lake, TableVersion]
) -> dict[str, tuple[str | None, str | None]]:
    before, after = (_hashes(*each) for each in (then, now))
    return {name: (before.get(name), after.get(name)) for name in sorted({*before, *after})}


def _hashes(lake: Lake, version: TableVersion) -> dict[str, str]:
    if version.columns != FILE_COLUMNS.names or version.version in lake.pruned(version.table).all():
        return {}
    with lake.connect() as connection:
        return dict(
            connection.execute(
                f"SELECT DISTINCT name, sha256 FROM {lake.relation(version, columns=['name', 'sha256'])}"
            ).fetchall()
        )
