"""Ways: the number of paths by which rows of a source come into a statement's result."""

from __future__ import annotations

from collections.abc import Iterable

from recsys_lineage.rows.statement.decomposition import Statement


def ways(statement: Statement, sources: Iterable[str]) -> dict[str, int]:
    """For sources and definitions by how many ways, at most, rows of one of the sources come into the result of those.

    A source itself, and a definition over it, has the number by which it comes into the statement's result.
    """
    counted: dict[str, int] = {}
    for source in sources:
        counts = {source: 1}
        for name, each in statement.definitions.items():
            counts[name] = sum(counts.get(table, 0) for table in each.reads if table != name)
        whole = counts[statement.main.name.casefold()]
        for name, count in counts.items():
            if count:
                counted[name] = max(whole, counted.get(name, 0))
    return counted
