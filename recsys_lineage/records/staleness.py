"""Staleness: whether materializing an asset now would give its latest version again, and if not, why."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.fingerprint import comparable
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization, Read
from recsys_lineage.records.parts.seen import is_as_seen
from recsys_lineage.records.records import Records

CODE_CHANGED = "its code or settings changed"


def why_stale(
    records: Records,
    asset: str,
    *,
    code_version: str,
    upstream: Collection[str],
    observed: str | None = None,
    takes: Callable[[Lake], Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    due: Callable[[Materialization], str | None] | None = None,
    checks: Mapping[str, str] | None = None,
) -> str | None:
    """The reason to materialize an asset again; None if its latest version is up to date.

    Args:
        records: the lake's records.
        asset: the asset.
        code_version: its present code version.
        upstream: its present dependencies.
        observed: for an asset that reads the outside world, its present observation; where it is None and so is
            `takes`, the files that the latest version read are compared with what they are now.
        takes: for an asset that uses only a part of its upstream tables, the value that identifies that part
            (`AssetCode.takes`).
        parameters: its present parameters, so that changed ones are named.
        due: returns why its latest version is out of date although nothing changed (`AssetCode.due`).
        checks: its present checks, name → version.

    Returns:
        The first reason found: never materialized or written by hand, or its code, its checks, the outside world, or an
            input changed. An input that was written again with the same content is no reason.
    """
    record = records.latest(asset)
    if record is None:
        was_written = records.lake.has(asset)
        return "its latest version was written by hand" if was_written else "it was never materialized"
    if record.code_version != code_version:
        others = [
            name
            for name, value in record.parameters.items()
            if parameters is not None and name in parameters and _text(parameters[name]) != _text(value)
        ]
        return f"{CODE_CHANGED}: it was made with other {', '.join(others)}" if others else CODE_CHANGED
    if unlike := _other_checks(record, checks or {}):
        return f"its checks changed: {', '.join(unlike)}"
    names = {asset, *upstream}
    if observed is not None and not is_as_seen(record.observed, observed, names):
        return "the source changed"
    if observed is None and takes is None and (reason := _changed_file(record)) is not None:
        return reason
    if due is not None and (reason := due(record)) is not None:
        return reason
    changed = changed_read(records.lake, record, upstream) or _come_since(
        records.lake, record, upstream, unread_is_new=takes is not None
    )
    if changed is None or takes is None or not all(records.lake.has(table) for table in upstream):
        return changed
    return None if is_as_seen(record.takes, takes(records.lake), names) else changed


def _other_checks(record: Materialization, checks: Mapping[str, str]) -> list[str]:
    """The checks that the version has not passed as they are now."""
    made = {outcome.name: outcome.version for outcome in record.checks}
    return [name for name, version in checks.items() if made.get(name, "none") not in ("", version)]


def _come_since(
    lake: Lake, record: Materialization, upstream: Collection[str], *, unread_is_new: bool
) -> str | None:
    """The first upstream table that was created after the run, as a reason.

    Args:
        unread_is_new: whether one that the run did not read counts, though it was there already.
    """
    read = {each.name for each in record.reads if each.kind == "table"}
    for name in upstream:
        if name not in read and lake.has(name) and (unread_is_new or _is_newer(lake, name, record)):
            return f"{name} was not there"
    return None


def _is_newer(lake: Lake, table: str, record: Materialization) -> bool:
    """Whether a table's first version was committed after the version of a record."""
    try:
        first = lake.version(table, 0)
    except TableNotFound:  # a log that was cut off by hand
        return False
    return first.committed > lake.version(record.asset, record.version).committed


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def changed_read(lake: Lake, record: Materialization, upstream: Collection[str]) -> str | None:
    """The first input of a run whose content has changed since, as a reason; None if there is none."""
    for read in record.reads:
        if read.kind == "table" and read.name in upstream:
            now = lake.latest(read.name)
            if now is None:
                return f"{read.name} is gone"
            if _same(lake, read, now.fingerprint):
                continue
            versions = f"version {read.version} was read, the current one is {now.version}"
            if comparable(read.hashed_by, now.hashed_by):
                return f"{read.name} changed ({versions})"
            return f"{read.name} is not comparable ({versions}: hashed by {read.hashed_by}, now by {now.hashed_by})"
    return None


def _changed_file(record: Materialization) -> str | None:
    """The first file on this machine that a run read and that has changed since, as a reason; None if there is none."""
    for read in record.reads:
        path = os.path.join(read.root or "", read.name)
        if read.kind != "file" or not os.path.isabs(path):
            continue
        try:
            found = os.stat(path)
            if _sha256(path, found.st_mtime_ns, found.st_size) != read.fingerprint:
                return f"{read.name} changed"
        except OSError:
            return f"{read.name} is gone"
    return None


@lru_cache(maxsize=4096)
def _sha256(path: str, changed: int, size: int) -> str:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def _same(lake: Lake, read: Read, fingerprint: str) -> bool:
    if read.fingerprint == fingerprint:
        return True
    if read.partitions is None:
        return False
    then, now = lake.version(read.name, read.version).partitions, lake.version(read.name).partitions
    return all(
        key in then and key in now and then[key].fingerprint == now[key].fingerprint
        for key in read.partitions
    )
