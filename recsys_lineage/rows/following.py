"""Following: rows of one table are followed through the statements that read it, two at a time.

Equal queries of the statements run once. One statement is prepared in Python while DuckDB works for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from recsys_lineage.lake.lake import Lake
from recsys_lineage.rows.lake_rows import table_reads
from recsys_lineage.rows.made_parts import Made
from recsys_lineage.rows.step_cache import StepCache

Found = TypeVar("Found")
AT_ONCE = 2
"""Statements followed at the same time."""


class Following:
    """The connection on which rows of one table are followed; equal queries of its statements run once.

    Args:
        lake: the lake of the tables.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._of: str | None = None
        self._read: dict[str, object] = {}
        self._cache: StepCache | None = None
        self._cursors: set[duckdb.DuckDBPyConnection] = set()

    def each(
        self,
        table: str,
        made: Sequence[Made],
        follow: Callable[[Made], Found],
        refused: Callable[[Found], bool],
    ) -> list[Found]:
        """Results of following a table's rows through each of some statements, in order.

        Args:
            table: the table of the rows.
            made: the statements' runs; those that read the same versions share their results.
            follow: follows the rows through one of them, in a separate thread.
            refused: whether to follow it again, alone, because it may have lacked memory next to another one.
        """
        found: list[Found] = []
        while len(found) < len(made):
            alike = self._begin(table, made[len(found) :])
            if len(alike) == 1:
                found.append(follow(alike[0]))
                continue
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="following") as pool:
                futures = [pool.submit(follow, one) for one in alike]
                try:
                    results = [future.result() for future in futures]
                except BaseException:
                    for future in futures:
                        _ = future.cancel()
                    for cursor in [*self._cursors]:
                        cursor.interrupt()
                    raise
            found += [
                follow(one) if refused(result) else result for one, result in zip(alike, results, strict=True)
            ]
        return found

    def _begin(self, table: str, made: Sequence[Made]) -> list[Made]:
        """Open a connection for the first of some runs and the following ones that read the same, or reuse one."""
        alike: list[Made] = []
        for one in made:
            if one.record.statement is None or one.record.statement.relations:
                alike.append(one)
                continue
            read = {each.name: (each.version, each.partitions) for each in table_reads(one.record)}
            same = all(self._read.get(name, versions) == versions for name, versions in read.items())
            if self._cache is None or self._of != table or not same:
                if any(each.record.statement is not None for each in alike):
                    break
                self.close()
                self._cache, self._of = StepCache(self._lake.connect(keeps_footers=True)), table
            self._read |= read
            alike.append(one)
        return alike

    @contextmanager
    def cursor(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, StepCache]]:
        """A cursor for one statement, with the results of those before it."""
        assert self._cache is not None
        with self._cache.connection.cursor() as cursor:
            self._cursors.add(cursor)
            try:
                yield cursor, self._cache
            finally:
                self._cursors.discard(cursor)

    def close(self) -> None:
        """Discard all results."""
        if self._cache is not None:
            self._cache.connection.close()
        self._cache, self._read = None, {}
