"""Dependencies for reproducing a version: the versions that its record names, and their dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recsys_lineage.errors import TableNotFound
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.materialization import Materialization
from recsys_lineage.records.parts.read import needs_files


def needed_versions(lake: Lake, roots: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    """The given versions and everything needed to reproduce them, as `{table: versions}`.

    Reads are followed to the source, so that each table in between can be made again too. The previous version from
    which an asset started is needed itself, but not its inputs: a chain of nights, each started from the previous one,
    would keep everything for ever.

    Args:
        lake: the lake.
        roots: tables and versions.
    """
    needed: dict[str, set[int]] = {}
    followed: set[tuple[str, int]] = set()
    open_ = list(roots)
    while open_:
        table, version = open_.pop()
        needed.setdefault(table, set()).add(version)
        if (table, version) in followed:
            continue
        followed.add((table, version))
        for name, read in _read_versions(lake, table, version):
            if name == table:
                needed[table].add(read)
            else:
                open_.append((name, read))
    return needed


def pruned_needs(lake: Lake, table: str, version: int) -> list[tuple[str, int]]:
    """The pruned versions that reproducing a version would need: it can be read, but not made again."""
    needed = needed_versions(lake, [(table, version)])
    return sorted(
        (name, number)
        for name, numbers in needed.items()
        if lake.has(name)
        for number in numbers & lake.pruned(name).all().keys()
    )


def versions_of_run(lake: Lake, records: Iterable[Materialization]) -> dict[str, int]:
    """The versions that a run wrote, or kept because they were up to date, by table; from the records of the run."""
    return {
        record.asset: record.version
        for record in records
        if record.status in ("success", "kept") and record.version is not None and lake.has(record.asset)
    }


def _read_versions(lake: Lake, table: str, version: int) -> list[tuple[str, int]]:
    try:
        record: Mapping | None = lake.commit(table, version)["record"]
    except TableNotFound:  # a table that was deleted by hand: nothing of it can be kept
        return []
    reads = record.get("reads", []) if record else []
    return [(read["name"], read["version"]) for read in reads if needs_files(read)]
