"""verify_columns: one input column is changed, the code runs again, and only columns with an edge may change.

A change in an output without an edge refutes the lineage; a change along a DIRECT edge confirms the edge.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsys_lineage.errors import did_you_mean
from recsys_lineage.progress import Progress, tell
from recsys_lineage.proof.column_proof import Claim, ColumnProof, Edge, Refutation, claims
from recsys_lineage.proof.experiment import Compute, Experiment, ExperimentError, Rows, RunFailed, Schemas
from recsys_lineage.proof.perturbation import Perturbation, Perturbations, mixed_tables, perturb
from recsys_lineage.proof.result_hashes import Answer, changed_together, same
from recsys_lineage.proof.time_left import TimeLeft

_MOST_ENDLESS = 3
"""Endless runs after which a column is not changed any further, because a recursion depends on it."""


def verify_columns(
    compute: Compute,
    schemas: Schemas,
    tables: Mapping[str, Rows],
    edges: Mapping[str, Sequence[Edge]],
    *,
    parameters: Mapping[str, Any] | None = None,
    never_null: Mapping[str, Sequence[str]] | None = None,
    macros: Iterable[str] = (),
    seed: int = 0,
    rounds: int = 2,
    name: str = "statement",
    seconds: float | None = None,
) -> ColumnProof:
    """Test the column edges claimed for a statement on some rows.

    The output columns without an edge from the perturbed column must not change, taken together as a multiset of rows,
    and as a sequence if the statement orders its rows by their values. This detects changed values and values that only
    moved to other rows, such as ranks.

    Args:
        compute: one SELECT, or a function from Polars frames of the tables to a frame.
        schemas: table → column → DuckDB's type.
        tables: rows of each table that it reads; few rows whose keys join.
        edges: output column → edges, as returned by `column_lineage`.
        parameters: values of the SELECT's `$name` parameters.
        never_null: table → columns that never contain NULL and are not set to it.
        macros: statements to run before, such as CREATE MACRO.
        seed: the seed of random choices.
        rounds: the number of data sets: the given tables, then copies with every column's values shuffled, so that keys
            repeat.
        name: the statement's name in the report.
        seconds: the time limit for changing columns, after the runs on the original tables; columns not changed by then
            are reported as not tested. No limit when None.

    Raises:
        ExperimentError: the statement does not run on the tables, or the edges name unknown columns.
    """
    experiment = Experiment(compute, schemas, tables, parameters=parameters, macros=macros)
    return changed_columns(
        experiment, edges,
        never_null=never_null, macros=macros, seed=seed, rounds=rounds, name=name, left=TimeLeft(seconds),
    )  # fmt: skip


def changed_columns(
    experiment: Experiment,
    edges: Mapping[str, Sequence[Edge]],
    *,
    never_null: Mapping[str, Sequence[str]] | None = None,
    macros: Iterable[str] = (),
    seed: int = 0,
    rounds: int = 2,
    name: str = "statement",
    left: TimeLeft | None = None,
) -> ColumnProof:
    """Like `verify_columns`, in an existing experiment, whose tables are restored at the end.

    Raises:
        ExperimentError: the edges name unknown columns.
    """
    left = left or TimeLeft(None)
    trial = _Trial(experiment, _known(experiment, claims(edges), list(edges)), left)
    _change_every_column(experiment, trial, never_null, seed, name)
    for turn in range(1, rounds):
        if trial.is_over:
            break
        try:
            mixed = Experiment(
                experiment.compute, experiment.schemas, mixed_tables(experiment, seed + turn),
                parameters=experiment.parameters, macros=macros, limit=experiment.limit,
            )  # fmt: skip
        except ExperimentError:
            trial.failed += 1  # the statement requires something that shuffled tables do not satisfy
            continue
        _change_every_column(mixed, trial, never_null, seed + turn, name)
    return trial.proof(name, left.spent)


def _change_every_column(
    experiment: Experiment,
    trial: _Trial,
    never_null: Mapping[str, Sequence[str]] | None,
    seed: int,
    name: str,
) -> None:
    """Mark each column and look for the marks in the outputs, then try the other perturbations."""
    perturbations = Perturbations(experiment, never_null, seed)
    changing = [
        _Changing(table, columns, itertools.zip_longest(*(perturbations.of(table, each) for each in columns)))
        for table, columns in trial.groups()
    ]
    number, first = len(changing), True
    while changing:
        left: list[_Changing] = []
        for done, each in enumerate(changing):
            if trial.is_over:
                return
            fraction = done / number / 2 if first else 1 - len(changing) / number / 2
            tell(Progress(name, "step", f"{each.table}.{each.columns[0]}", fraction))
            if _change(experiment, trial, each):
                left.append(each)
        if first:
            _mark_every_column(experiment, trial, perturbations)
        changing, first = left, False


@dataclass
class _Changing:
    """Columns of a table that are changed together, the remaining perturbations, and the number of endless runs."""

    table: str
    columns: list[str]
    ways: Iterator[tuple[Perturbation | None, ...]]
    endless: int = 0


def _change(experiment: Experiment, trial: _Trial, changing: _Changing) -> bool:
    """Apply one more perturbation to columns and compare the results; returns whether another one may be worthwhile."""
    table = changing.table
    if trial.settled(table, changing.columns) or changing.endless >= _MOST_ENDLESS:
        return False
    way = next(changing.ways, None)
    if way is None:
        return False
    used = [perturbation for perturbation in way if perturbation is not None]
    try:
        perturb(experiment, table, used)
        answer = experiment.run()
        if len(used) > 1 and trial.differs(experiment, answer):
            for one in used:
                perturb(experiment, table, [one])
                trial.compare(experiment, table, one.column, experiment.run(), one.name)
        else:
            for one in used:
                trial.compare(experiment, table, one.column, answer, one.name)
    except RunFailed as failed:
        trial.failed += 1
        changing.endless += failed.endless
    experiment.restore(table)
    return True


def _mark_every_column(experiment: Experiment, trial: _Trial, perturbations: Perturbations) -> None:
    before: dict[str, frozenset[int]] = {}
    for table, columns in experiment.schemas.items():
        for column in columns:
            for ways in perturbations.marking(table, column):
                if trial.is_over:
                    experiment.restore(table)
                    return
                holding: frozenset[int] = frozenset(range(len(experiment.names)))
                try:
                    for perturbation, mark in ways:
                        if mark not in before:  # among many numbers there is nearly every one of few digits
                            experiment.restore(table)
                            before[mark] = experiment.holding(mark)
                        perturb(experiment, table, [perturbation])
                        holding &= experiment.holding(mark) - before[mark]
                        if not trial.undeclared(table, column, holding):
                            break
                    trial.marked(table, column, holding, ways[0][0].name)
                except RunFailed:
                    trial.failed += 1
        experiment.restore(table)


class _Trial:
    """Observations so far."""

    def __init__(self, experiment: Experiment, claimed: Sequence[Claim], left: TimeLeft) -> None:
        self._left = left
        self._was_over = False
        self._experiment, self._claimed = experiment, claimed
        self._unsteady = experiment.unsteady
        self._edges: dict[tuple[str, str], set[int]] = {}
        for claim in claimed:
            self._edges.setdefault((claim.table, claim.column), set()).add(
                experiment.names.index(claim.output)
            )
        self._direct = {
            (claim.table, claim.column, experiment.names.index(claim.output))
            for claim in claimed
            if claim.kind == "DIRECT"
        }
        self._undeclared: dict[tuple[str, str, tuple[int, ...]], str] = {}
        self._seen: set[tuple[str, str, int]] = set()
        self._tested: set[tuple[str, str]] = set()
        self._refuted: dict[tuple[str, str, tuple[int, ...]], str] = {}
        self.runs, self.failed = 1, 0

    @property
    def is_over(self) -> bool:
        """Whether there is no time left; called before each test."""
        self._was_over = self._was_over or self._left.is_over
        return self._was_over

    def compare(
        self, experiment: Experiment, table: str, column: str, answer: Answer, perturbation: str
    ) -> None:
        """Compare the statement's result with a changed column to the original one."""
        self.runs += 1
        self._tested.add((table, column))
        before, in_order = experiment.original, experiment.keeps_order
        with_edge = self._edges.get((table, column), set())
        without = [place for place in experiment.steady if place not in with_edge]
        changed = changed_together(before, answer, without, in_order=in_order)
        if changed:
            self._refuted.setdefault((table, column, changed), perturbation)
        for place in with_edge:
            if (table, column, place) in self._seen:
                continue
            alone = not same(before, answer, [place], in_order=in_order)
            if alone or (not changed and not same(before, answer, [*without, place], in_order=in_order)):
                self._seen.add((table, column, place))

    def marked(self, table: str, column: str, holding: frozenset[int], perturbation: str) -> None:
        """Note the outputs with marked values of a column: they are made from these values."""
        self.runs += 1
        if undeclared := self.undeclared(table, column, holding):
            self._undeclared.setdefault((table, column, undeclared), perturbation)

    def undeclared(self, table: str, column: str, holding: frozenset[int]) -> tuple[int, ...]:
        """Outputs that contain a column's marks without a DIRECT edge from it."""
        return tuple(place for place in sorted(holding) if (table, column, place) not in self._direct)

    def groups(self) -> Iterator[tuple[str, list[str]]]:
        """A table with columns of it to change at a time: each column with edges alone, all without edges together."""
        for table, columns in self._experiment.schemas.items():
            without = [column for column in columns if (table, column) not in self._edges]
            if without:
                yield table, without
            yield from ((table, [column]) for column in columns if (table, column) in self._edges)

    def differs(self, experiment: Experiment, answer: Answer) -> bool:
        """Whether a result differs from that on the original tables."""
        return not same(experiment.original, answer, experiment.steady, in_order=experiment.keeps_order)

    def settled(self, table: str, columns: Sequence[str]) -> bool:
        """Whether further changes can show nothing new: each column has an edge to every output, and all were seen."""
        everything = len(self._experiment.names)
        return all(
            sum((table, column, place) in self._seen for place in self._edges.get((table, column), ()))
            == everything
            for column in columns
        )

    def proof(self, name: str, seconds: float) -> ColumnProof:
        """Proof from all observations."""
        names = self._experiment.names
        inputs = [
            (table, column) for table, columns in self._experiment.schemas.items() for column in columns
        ]

        def seen(claim: Claim) -> bool:
            return (claim.table, claim.column, names.index(claim.output)) in self._seen

        direct = [claim for claim in self._claimed if claim.kind == "DIRECT"]
        indirect = [claim for claim in self._claimed if claim.kind != "DIRECT"]
        return ColumnProof(
            name=name,
            outputs=names,
            inputs=tuple(f"{table}.{column}" for table, column in inputs),
            pairs=sum(len(places) for places in self._edges.values()),
            refuted=tuple(
                Refutation(table, column, tuple(names[place] for place in places), how)
                for (table, column, places), how in self._refuted.items()
            )
            + tuple(
                Refutation(table, column, tuple(names[place] for place in places), how, "a DIRECT edge")
                for (table, column, places), how in self._undeclared.items()
            ),
            shown=tuple(claim for claim in direct if seen(claim)),
            not_shown=tuple(claim for claim in direct if not seen(claim)),
            unseen=tuple(claim for claim in indirect if not seen(claim)),
            seen=sum(seen(claim) for claim in indirect),
            unsteady=tuple(names[place] for place in sorted(self._unsteady)),
            by_order=tuple(names[place] for place in sorted(self._experiment.by_order)),
            untested=tuple(
                f"{table}.{column}" for table, column in inputs if (table, column) not in self._tested
            ),
            runs=self.runs + self.failed,
            failed=self.failed,
            seconds=seconds,
            over_after=self._left.limit if self._was_over else None,
        )


def _known(experiment: Experiment, claimed: Sequence[Claim], outputs: Sequence[str]) -> list[Claim]:
    """The claims with the names of the experiment's tables and columns.

    Raises:
        ExperimentError: the statement's columns differ from those with edges, or a table lacks a column.
    """
    if list(outputs) != list(experiment.names):
        raise ExperimentError(
            "The edges are for other columns than those of the statement.",
            expected=", ".join(experiment.names),
            found=", ".join(outputs),
        )
    tables = {table.casefold(): table for table in experiment.schemas}
    known: list[Claim] = []
    for claim in claimed:
        table = tables.get(claim.table.casefold())
        if table is None:
            raise ExperimentError(
                f"An edge comes from {claim.table!r}, of which no rows are given.",
                expected=f"one of {', '.join(experiment.schemas)}",
                found=str(claim),
                advice=did_you_mean(claim.table, experiment.schemas) or None,
            )
        columns = {column.casefold(): column for column in experiment.schemas[table]}
        if claim.column.casefold() not in columns:
            raise ExperimentError(
                f"An edge comes from {claim.table}.{claim.column}, which is no column.",
                expected=f"one of {', '.join(columns.values())}",
                found=str(claim),
            )
        known.append(Claim(table, columns[claim.column.casefold()], claim.output, claim.kind, claim.subtype))
    return known
