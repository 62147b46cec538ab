"""RowProof: what running a statement on traced rows alone, and without them, shows about the traces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from recsys_lineage.proof.table_text import table_text

Verdict = Literal["proved", "refused", "out of time", "too few", "not needed", "not its rows", "failed"]
"""Verdict on the trace of one row.

- proved: the traced rows alone give the row, and without them it is another or gone.
- refused: the trace says that it cannot be told; nothing is claimed, so nothing is wrong.
- out of time: the trace, or the statement on some of the rows, was given up, for time or memory; nothing was seen.
- too few: on the traced rows alone the row does not come out.
- not needed: without the traced rows it comes out all the same.
- not its rows: the trace gives rows that its table does not have, or not as often.
- failed: the trace, or the statement on the traced rows, does not run.
"""


@dataclass(frozen=True)
class RowTrial:
    """Result of testing the trace of one output row.

    Attributes:
        row: the row's number in the statement's answer, from 0.
        verdict: what is said of it.
        traced: table → how many rows were traced.
        of: table → how many there are.
        superfluous: table → numbers of traced rows, from 0 in the table, of which no smaller set that gives the row
            was found to need them.
        insufficient: output columns that the trace itself says not to be sufficient for.
        detail: in words, what was found.
    """

    row: int
    verdict: Verdict
    traced: dict[str, int]
    of: dict[str, int]
    superfluous: dict[str, tuple[int, ...]]
    insufficient: tuple[str, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        traced = ", ".join(f"{self.traced[table]} of {self.of[table]} {table}" for table in self.traced)
        extra = "; ".join(f"not needed of {table}: {list(rows)}" for table, rows in self.superfluous.items())
        return "; ".join(
            part for part in (f"row {self.row}: {self.verdict}", self.detail, traced, extra) if part
        )


@dataclass(frozen=True)
class RowProof:
    """Result of testing the traces of one statement's rows.

    Attributes:
        name: of what was proved.
        rows: how many rows the statement gave.
        trials: one for each row that was looked at.
        seconds: that it took.
        untried: how many more rows were picked, for which there was no time.
        over_after: seconds after which it ended although there were more; None where all were looked at.
    """

    name: str
    rows: int
    trials: tuple[RowTrial, ...]
    seconds: float
    untried: int = 0
    over_after: float | None = None

    @property
    def refuted(self) -> tuple[RowTrial, ...]:
        """Trials of which the trace is wrong."""
        return tuple(
            trial for trial in self.trials if trial.verdict not in ("proved", "refused", "out of time")
        )

    @property
    def refused(self) -> tuple[RowTrial, ...]:
        """Trials of rows that nothing is claimed of."""
        return tuple(trial for trial in self.trials if trial.verdict == "refused")

    @property
    def unfinished(self) -> tuple[RowTrial, ...]:
        """Trials that were given up for time or memory, so that they say nothing of the trace."""
        return tuple(trial for trial in self.trials if trial.verdict == "out of time")

    @property
    def true(self) -> bool:
        """Whether no trace was refuted."""
        return not self.refuted

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {**asdict(self), "true": self.true}

    def report(self) -> str:
        """The figures in one table, then each refuted trace, and each with rows that nothing needs."""
        lines = [row_report([self])]
        lines += [f"refuted: {trial}" for trial in self.refuted]
        lines += list(dict.fromkeys(f"not traced: {trial.detail}" for trial in self.refused))
        lines += [f"given up: {trial}" for trial in self.unfinished]
        lines += [
            f"too many: {trial}" for trial in self.trials if trial.superfluous and trial not in self.refuted
        ]
        return "\n".join([*lines, *([self.limit_reached] if self.limit_reached else [])])

    @property
    def limit_reached(self) -> str | None:
        """How far it came by the time limit, in words; None where all picked rows were looked at."""
        if self.over_after is None:
            return None
        of = len(self.trials) + self.untried
        return f"the time limit was reached after {self.over_after:.0f} s: {len(self.trials)} of {of} rows were traced"


def row_report(proofs: Iterable[RowProof]) -> str:
    """One table of several proofs, a line each, and their sums."""
    rows = [
        (
            proof.name,
            proof.rows,
            len(proof.trials),
            sum(trial.verdict == "proved" for trial in proof.trials),
            len(proof.refused),
            len(proof.refuted),
            sum(bool(trial.insufficient) for trial in proof.trials),
            sum(sum(trial.traced.values()) for trial in proof.trials),
            sum(sum(trial.of.values()) for trial in proof.trials),
            sum(len(rows) for trial in proof.trials for rows in trial.superfluous.values()),
            f"{proof.seconds:.1f}",
        )
        for proof in proofs
    ]
    heads = (
        "statement",
        "rows",
        "tried",
        "proved",
        "refused",
        "refuted",
        "in context",
        "traced",
        "of",
        "not needed",
        "seconds",
    )
    return table_text(heads, rows, sums=heads[1:-1])
