"""verify_rows: runs a statement on the rows of a trace, and on all others.

Sufficient: with only the traced rows the output row is the same. Necessary: without them it is different or missing. A
trace may name one witness of many, as for a maximum that several rows have; so the row is traced again without the
named witnesses, until it is missing or no witness is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import duckdb
import numpy as np

from recsys_lineage.errors import LineageError
from recsys_lineage.progress import Progress, tell
from recsys_lineage.proof.experiment import ENDLESS, Experiment, Rows, RunFailed, Schemas
from recsys_lineage.proof.result_hashes import Answer
from recsys_lineage.proof.row_proof import RowProof, RowTrial, Verdict
from recsys_lineage.proof.time_left import TimeLeft
from recsys_lineage.proof.time_limit import time_limit
from recsys_lineage.sql.names import quote

_WITNESSES = 50
"""The most times that a row is traced without the witnesses named so far, before it counts as not needing them."""
_LONGEST_TRACE = 60.0
"""Seconds of computing after which a trace is given up."""
_MOST_SEARCHED = 20
"""The most rows of a trace that are searched for unneeded ones."""


class Traced(Protocol):
    """A trace, with the attributes of `Trace`."""

    @property
    def sql(self) -> str: ...
    @property
    def context(self) -> Any: ...
    @property
    def insufficient(self) -> Sequence[str]: ...


Tracer: TypeAlias = Callable[[str, Mapping[str, object]], "str | Traced"]
"""Function from a source table and an output row to its trace: a SELECT over the tables, or a `Trace`."""


def verify_rows(
    sql: str,
    schemas: Schemas,
    tables: Mapping[str, Rows],
    trace: Tracer,
    *,
    parameters: Mapping[str, Any] | None = None,
    macros: Iterable[str] = (),
    sample: int = 10,
    seed: int = 0,
    superfluous: bool = True,
    name: str = "statement",
    seconds: float | None = None,
) -> RowProof:
    """Test the traces of some rows of a statement.

    Args:
        sql: one SELECT.
        schemas: table → column → DuckDB's type.
        tables: rows of each table that it reads.
        trace: returns the trace of an output row to a table.
        parameters: values of the statement's `$name` parameters; the traces get the ones they use.
        macros: statements to run before, such as CREATE MACRO.
        sample: the number of output rows tested; all if there are fewer.
        seed: the seed of their selection.
        superfluous: whether to search for traced rows that are not needed.
        name: the statement's name in the report.
        seconds: the time limit for testing rows, after the runs on the original tables; no limit when None.

    Raises:
        ExperimentError: the statement does not run on the tables.
    """
    experiment = Experiment(sql, schemas, tables, parameters=parameters, macros=macros)
    return traced_rows(
        experiment, trace,
        sample=sample, seed=seed, superfluous=superfluous, name=name, left=TimeLeft(seconds),
    )  # fmt: skip


def traced_rows(
    experiment: Experiment,
    trace: Tracer,
    *,
    sample: int = 10,
    seed: int = 0,
    superfluous: bool = True,
    name: str = "statement",
    left: TimeLeft | None = None,
) -> RowProof:
    """Like `verify_rows`, in an existing experiment, whose tables are restored at the end."""
    left = left or TimeLeft(None)
    values = experiment.values()
    rows = len(values)
    picked = np.sort(np.random.default_rng(seed).permutation(rows)[:sample])
    trials: list[RowTrial] = []
    for done, row in enumerate(picked):
        tell(Progress(name, "step", f"row {row}", done / len(picked)))
        limit = dict(zip(experiment.names, values[row], strict=True))
        try:
            trials.append(_Trial(experiment, trace, int(row), limit, left).outcome(superfluous))
        except _TimeIsOver:
            break
        finally:
            for table in experiment.schemas:
                experiment.restore(table)
    untried = len(picked) - len(trials)
    return RowProof(name, rows, tuple(trials), left.spent, untried, left.limit if untried else None)


@dataclass(frozen=True)
class _Found:
    """Result of a trace: table → row numbers, those that are context, and columns that need more."""

    rows: Mapping[str, np.ndarray]
    context: Mapping[str, np.ndarray]
    insufficient: frozenset[str]

    @property
    def any(self) -> bool:
        return any(len(numbers) for numbers in self.rows.values())


class _Wrong(Exception):
    """A trace that cannot be used."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        super().__init__(detail)
        self.verdict: Verdict = verdict
        self.detail = detail


class _TimeIsOver(Exception):
    """There is no time left for the trial of a row."""


class _Trial:
    """One output row, and its trace."""

    def __init__(
        self,
        experiment: Experiment,
        trace: Tracer,
        row: int,
        values: Mapping[str, object],
        left: TimeLeft,
    ) -> None:
        self._experiment, self._trace, self._row, self._values = experiment, trace, row, values
        self._left = left
        self._all = {table: np.arange(experiment.rows(table)) for table in experiment.schemas}

    def outcome(self, superfluous: bool) -> RowTrial:
        """Verdict on the trace; unneeded rows are searched if requested."""
        experiment, of = self._experiment, {table: len(rows) for table, rows in self._all.items()}
        traced: dict[str, int] = {}
        insufficient: tuple[str, ...] = ()
        extra: dict[str, tuple[int, ...]] = {}
        try:
            found = self._named()
            traced = {table: len(rows) for table, rows in found.rows.items()}
            insufficient = tuple(sorted(found.insufficient))
            names = experiment.names
            steady = experiment.steady
            looked_at = [place for place in steady if names[place].casefold() not in found.insufficient]
            wanted = self._times() if looked_at else 0
            self._sufficient(found, steady, looked_at, wanted)
            self._necessary(found)
            if superfluous and sum(traced.values()) <= _MOST_SEARCHED:
                with suppress(_TimeIsOver):  # the verdict stands without it
                    extra = self._superfluous(found, looked_at, wanted)
        except _Wrong as wrong:
            return RowTrial(self._row, wrong.verdict, traced, of, extra, insufficient, wrong.detail)
        return RowTrial(self._row, "proved", traced, of, extra, insufficient)

    def _times(self) -> int:
        """Expected number of occurrences of the row: one if others differ from it only in unsteady columns.

        The traced one among these rows is unknown, because another run gives them other values.
        """
        experiment = self._experiment
        times = self._count(experiment.original, experiment.steady)
        return min(times, 1) if experiment.unsteady else times

    # --- the laws -----------------------------------------------------------------------------------------

    def _sufficient(
        self, found: _Found, steady: Sequence[int], looked_at: Sequence[int], wanted: int
    ) -> None:
        there = self._occurrences(found.rows, looked_at)
        if there < wanted:
            raise _Wrong("too few", f"the traced rows alone give it {there} times, not {wanted}")
        if found.context and len(looked_at) < len(steady):
            whole = self._occurrences(_together(found.rows, found.context), steady)
            wanted = self._times()
            if whole < wanted:
                raise _Wrong(
                    "too few", f"the traced rows and their context give it {whole} times, not {wanted}"
                )

    def _necessary(self, found: _Found) -> None:
        if not found.any and not found.context:
            return  # a row without input rows, such as a generated day without sales
        # of equal rows a LIMIT lets another one in, so the row counts with all values that a run does not draw
        compared = [
            place for place in range(len(self._experiment.names)) if place not in self._experiment.drawn
        ]
        wanted = self._count(self._experiment.original, compared)
        left, named = dict(self._all), found
        for _ in range(_WITNESSES):
            if not named.any:
                break
            left = {table: np.setdiff1d(rows, named.rows.get(table, [])) for table, rows in left.items()}
            try:
                if self._occurrences(left, compared) < wanted:
                    return
            except _Wrong as wrong:
                if wrong.verdict == "out of time":
                    raise
                return  # without the rows the statement gives nothing at all
            named = self._named(within=left)
        nothing = {table: rows[:0] for table, rows in self._all.items()}
        if self._occurrences(nothing, compared) < wanted:
            raise _Wrong("not needed", "without the traced rows it comes out the same")

    def _superfluous(
        self, found: _Found, looked_at: Sequence[int], wanted: int
    ) -> dict[str, tuple[int, ...]]:
        """Traced rows that no smaller sufficient set was found to need.

        Each row is left out last, after as many others as possible: if the output row is still there, the traced row is
        not needed.
        """
        pairs = [(table, int(number)) for table, numbers in found.rows.items() for number in numbers]
        needed: set[tuple[str, int]] = set()
        extra: dict[str, list[int]] = {}

        def is_returned(remaining: Iterable[tuple[str, int]]) -> bool:
            rows: dict[str, list[int]] = {table: [] for table in self._all}
            for table, number in remaining:
                rows[table].append(number)
            try:
                return (
                    self._occurrences(
                        {t: np.array(sorted(n), dtype=np.int64) for t, n in rows.items()}, looked_at
                    )
                    > 0
                )
            except _Wrong:
                return False

        for pair in pairs:
            if not is_returned(other for other in pairs if other != pair):
                needed.add(pair)
        for pair in pairs:
            if pair in needed:
                continue
            for order in (pairs, pairs[::-1]):
                remaining = list(pairs)
                for other in order:
                    if (
                        other != pair
                        and other not in needed
                        and is_returned(p for p in remaining if p != other)
                    ):
                        remaining.remove(other)
                if not is_returned(p for p in remaining if p != pair):
                    needed.add(pair)
                    break
            if pair not in needed:
                extra.setdefault(pair[0], []).append(pair[1])
        return {table: tuple(numbers) for table, numbers in extra.items()}

    # --- runs ---------------------------------------------------------------------------------------------

    def _occurrences(self, rows: Mapping[str, np.ndarray], columns: Sequence[int]) -> int:
        """Number of times that the row results from only some rows of each table; tables not named are empty."""
        self._require_time()
        try:
            for table in self._all:
                self._experiment.restrict_rows(table, rows.get(table, np.array([], dtype=np.int64)))
            return self._count(self._experiment.run(), columns)
        except RunFailed as error:
            why = f"the statement stops on fewer rows: {str(error).splitlines()[0]}"
            raise _Wrong("out of time" if error.endless else "failed", why) from error

    def _require_time(self) -> None:
        """Check the remaining time before a long step.

        Raises:
            _TimeIsOver: there is none left.
        """
        if self._left.is_over:
            raise _TimeIsOver

    def _count(self, answer: Answer, columns: Sequence[int]) -> int:
        return answer.count(self._row, columns, self._experiment.original)

    def _named(self, within: Mapping[str, np.ndarray] | None = None) -> _Found:
        """The trace of the row to every table, restricted to given rows of the tables if any."""
        experiment = self._experiment
        for table in self._all:
            if within is None:
                experiment.restore(table)
            else:
                experiment.restrict_rows(table, within[table])
        rows: dict[str, np.ndarray] = {}
        context: dict[str, np.ndarray] = {}
        insufficient: set[str] = set()
        for table in self._all:
            self._require_time()
            try:
                traced = self._trace(table, self._values)
            except LineageError as error:
                raise _Wrong("refused", f"{table}: {error}") from error
            except Exception as error:
                raise _Wrong("failed", f"{table}: {type(error).__name__}: {error}") from error
            text = traced if isinstance(traced, str) else traced.sql
            rows[table] = self._numbers(table, text, within)
            if not isinstance(traced, str):
                insufficient.update(column.casefold() for column in traced.insufficient)
                if traced.context is not None:
                    context[table] = self._numbers(
                        table, f"SELECT * FROM {quote(table)} WHERE {traced.context}", None
                    )
        return _Found(rows, context, frozenset(insufficient))

    def _numbers(self, table: str, select: str, within: Mapping[str, np.ndarray] | None) -> np.ndarray:
        """Numbers of the original rows that a SELECT over the statement's tables returns.

        Raises:
            _Wrong: it does not run, returns other columns, or returns rows more often than the table has them.
            _TimeIsOver: there was too little time.
        """
        connection, original = self._experiment.connection, f"originals.{quote(table)}"
        wanted = set(re.findall(r"\$(\w+)", select))
        used = {key: value for key, value in self._experiment.parameters.items() if key in wanted}
        try:
            left = self._left.seconds
            with time_limit(connection, _LONGEST_TRACE if left is None else min(left, _LONGEST_TRACE)):
                connection.execute(
                    f"CREATE OR REPLACE TABLE proof.traced AS SELECT * FROM (\n{select}\n)", used or None
                )
            columns = [row[0] for row in connection.execute("DESCRIBE proof.traced").fetchall()]
        except ENDLESS as error:
            self._require_time()  # where there is none, that is why it was given up
            raise _Wrong("out of time", f"the trace to {table} was given up: {error}") from error
        except duckdb.Error as error:
            raise _Wrong("failed", f"the trace to {table} does not run: {error}") from error
        expected = list(self._experiment.schemas[table])
        if columns != expected:
            raise _Wrong("not its rows", f"the trace to {table} has the columns {columns}, not {expected}")
        found = connection.execute(
            f"SELECT _original.rowid AS number FROM {original} AS _original "
            "SEMI JOIN proof.traced AS _traced ON _original IS NOT DISTINCT FROM _traced"
        ).fetchnumpy()
        numbers = np.sort(np.asarray(found["number"], dtype=np.int64))
        if within is not None:
            numbers = np.intersect1d(numbers, within[table])
        ((counted, different),) = connection.execute(
            "SELECT (SELECT count(*) FROM proof.traced), "
            "(SELECT count(*) FROM (SELECT _traced FROM proof.traced AS _traced EXCEPT ALL "
            f"SELECT _original FROM {original} AS _original))"
        ).fetchall()
        if different or counted != len(numbers):
            raise _Wrong(
                "not its rows",
                f"the trace to {table} gives {counted} rows, of which the table has {len(numbers)}",
            )
        return numbers


def _together(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        table: np.union1d(one.get(table, []), other.get(table, [])).astype(np.int64)
        for table in {*one, *other}
    }
