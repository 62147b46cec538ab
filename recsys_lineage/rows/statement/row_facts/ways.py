"""Ways: the number of paths by which rows of a source come into a statement's result."""

from __future__ import annotations

from collections.abc import Iterable

from recsys_lineage.rows.statement.decomposition import Statement


def ways(statement: Statement, sources: Iterable[str]) -> dict[str, int]:
    """Number of ways, at most, by which rows come into the statement's result, by source and definition.

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
