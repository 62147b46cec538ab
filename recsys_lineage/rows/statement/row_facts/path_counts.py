"""Path counts: the number of paths by which rows of a source reach a statement's result."""

from __future__ import annotations

from collections.abc import Iterable

from recsys_lineage.rows.statement.decomposition import Statement


def path_counts(statement: Statement, sources: Iterable[str]) -> dict[str, int]:
    """The most paths by which rows reach the statement's result, by source and definition.

    The number of a source, and of a definition over it, counts its own paths to the statement's result.
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
