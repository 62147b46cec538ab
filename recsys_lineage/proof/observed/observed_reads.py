"""verify_reads: runs an asset once more and compares the files that the process opens with its record."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recsys_lineage.assets.asset_code import AssetCode, Request
from recsys_lineage.assets.materialize import attempt
from recsys_lineage.assets.reading.named_folders import NamedFolders
from recsys_lineage.lake.lake import Lake
from recsys_lineage.proof.experiment import ExperimentError
from recsys_lineage.proof.observed.opened_files import opened_files
from recsys_lineage.records.parts.read import Read
from recsys_lineage.records.records import RESERVED

_LEAST_IDLE = 1.0
"""Seconds for which files without a read are watched at least while nothing runs."""


@dataclass(frozen=True)
class ReadProof:
    """Result of comparing an asset's recorded reads with the opened files.

    Attributes:
        asset: the asset.
        named: the tables and files in the record.
        opened: the number of opened data files.
        unnamed: opened files without a read in the record.
        unopened: tables and files in the record of which nothing was opened.
        once: files without a read that a second run did not open, or that were opened while nothing ran: another
            process opened them, or code that caches its reads.
        unwatched: folders that the code names and that could not be watched, because too many are below them.
    """

    asset: str
    named: tuple[str, ...]
    opened: int
    unnamed: tuple[str, ...]
    unopened: tuple[str, ...]
    once: tuple[str, ...] = ()
    unwatched: tuple[str, ...] = ()

    @property
    def true(self) -> bool:
        """Whether the record names exactly the opened files."""
        return not self.unnamed and not self.unopened

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {**asdict(self), "true": self.true}

    def report(self) -> str:
        """A line of figures, then each difference, one a line."""
        lines = [f"{self.asset}: {self.opened} files opened, for {len(self.named)} reads"]
        lines += [f"opened, not on record: {each}" for each in self.unnamed]
        lines += [f"on record, not opened: {each}" for each in self.unopened]
        lines += [
            f"opened in one of two runs or without a run, not on record, perhaps by another process: {each}"
            for each in self.once
        ]
        lines += [f"not watched, too many folders below: {each}" for each in self.unwatched]
        return "\n".join(lines)


def verify_reads(
    asset: AssetCode, lake: Lake, request: Request | None = None, *, pinned: dict[str, int] | None = None
) -> ReadProof:
    """Run an asset into a separate lake, and compare the opened files with that run's record.

    Watched are the lake, what `opens` names, and the folders that the code names in its texts, its parameters or
    environment variables. Files of the environment do not count, nor files of packages that the code version covers.

    The kernel does not report which process opens a file. So if a file without a read is opened, the asset runs a
    second time, and files that are not opened again are listed separately. So are files outside the lake that are
    opened while nothing runs, for twice as long. Reads of the checks count as the run's.

    Args:
        asset: an asset made by `sql_code` or `frame_code`, or one that reads files.
        lake: a lake in a local folder.
        request: partitions, as for `materialize`.
        pinned: table → the version to read instead of the latest.

    Raises:
        ExperimentError: the lake is not in a local folder, or the kernel cannot watch it.
        Exception: the error of the asset's code.
    """
    if not lake.storage.is_local:
        raise ExperimentError(
            "Opened files can be observed only in local folders.",
            expected="a lake in a local folder",
            found=lake.uri,
            advice="copy the lake's tables that the asset reads to a local folder",
        )
    began = time.monotonic()
    found = _run(asset, lake, request, pinned)
    if not found.unnamed:
        return found
    again = _run(asset, lake, request, pinned)
    both = {each for each in found.unnamed if each in again.unnamed}
    root = Path(lake.uri).resolve()
    if outside := {path for each in both if root not in (path := Path(each)).parents}:
        both -= _opened_idly(outside, max(_LEAST_IDLE, time.monotonic() - began))
    once = tuple(each for each in found.unnamed if each not in both)
    return replace(found, unnamed=tuple(sorted(both)), once=once)


def _opened_idly(files: set[Path], seconds: float) -> set[str]:
    """Those of some files that another process opens while nothing runs here."""
    with opened_files((), {file.parent for file in files}) as opened:
        time.sleep(seconds)
    return set(map(str, files & opened))


def _run(asset: AssetCode, lake: Lake, request: Request | None, pinned: dict[str, int] | None) -> ReadProof:
    root = Path(lake.uri).resolve()
    places = {root, *(_folder(place) for place in asset.opens)}
    named = NamedFolders(asset, places)
    with tempfile.TemporaryDirectory(prefix="lineage-proof-") as scratch:
        whole = Request(work=Path(scratch) / "work") if request is None else request
        into = Lake(str(Path(scratch) / "lake"))
        with opened_files(sorted(places), sorted(named.found)) as opened:
            outcome = attempt(asset, lake, whole, into=into, pinned=pinned)
    if outcome.error is not None:
        raise outcome.error
    packages = asset.package_files
    files = {file for file in opened if _is_data(file, root) and not packages.may_be_open(str(file))}
    unwatched = tuple(sorted(map(str, named.too_large)))
    return replace(_compared(asset.name, lake, outcome.record.reads, files), unwatched=unwatched)


def _compared(asset: str, lake: Lake, reads: Iterable[Read], opened: set[Path]) -> ReadProof:
    unnamed, unopened, named = set(opened), [], []
    for read in reads:
        label = f"{read.name} version {read.version}" if read.kind == "table" else read.name
        named.append(label)
        files = _files(lake, read, opened)
        if files and not opened & files:
            unopened.append(label)
        unnamed -= files
    return ReadProof(
        asset,
        tuple(sorted(set(named))),
        len(opened),
        tuple(sorted(map(str, unnamed))),
        tuple(sorted(set(unopened))),
    )


def _files(lake: Lake, read: Read, opened: set[Path]) -> set[Path]:
    """The files of a read; for a path without its root, the opened files whose paths end with it."""
    if read.kind == "table":
        version = lake.version(read.name, read.version)
        return {Path(file).resolve() for file in lake.files(version, read.partitions)}
    if read.root is None and not Path(read.name).is_absolute():
        parts = Path(read.name).parts
        return {file for file in opened if file.parts[-len(parts) :] == parts} or {Path(read.name)}
    return {Path(read.root or "/", read.name).resolve()}


def _is_data(file: Path, root: Path) -> bool:
    """Whether a file is data, not part of a table's log or of the lake's own tables."""
    if root not in file.parents:
        return True
    parts = file.relative_to(root).parts
    hidden = (part.startswith(".") or (part.startswith("_") and "=" not in part) for part in parts)
    return parts[0] not in RESERVED and not any(hidden)  # `_day=2017-01-01` is a folder of data


def _folder(place: Path) -> Path:
    return (place if place.is_dir() else place.parent).resolve()
