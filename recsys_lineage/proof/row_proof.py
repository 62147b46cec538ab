"""RowProof: the result of running a statement on traced rows alone, and without them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from recsys_lineage.proof.table_text import table_text

Verdict = Literal["proved", "refused", "out of time", "too few", "not needed", "not its rows", "failed"]
"""Verdict on the trace of one row.

- proved: the traced rows alone give the row, and without them it is different or missing.
- refused: the trace is refused with a reason; nothing is claimed, so nothing is wrong.
- out of time: the trace, or the statement on some of the rows, was given up, for time or memory; there is no result.
- too few: the traced rows alone do not give the row.
- not needed: the row is there even without the traced rows.
- not its rows: the trace has rows that its table lacks, or has less often.
- failed: the trace, or the statement on the traced rows, does not run.
"""


@dataclass(frozen=True)
class RowTrial:
    """Result of testing the trace of one output row.

    Attributes:
        row: the row's number in the statement's result, from 0.
        verdict: the verdict.
        traced: table → the number of traced rows.
        of: table → its number of rows.
        superfluous: table → numbers of traced rows, from 0 in the table, that no smaller sufficient set was found to
            need.
        insufficient: output columns for which the trace itself claims not to be sufficient.
        detail: the findings, as text.
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
        name: the name of the statement.
        rows: the number of rows of the statement's result.
        trials: one for each tested row.
        seconds: the time that it took.
        untried: the number of selected rows for which there was no time.
        over_after: seconds after which it ended early; None where all rows were tested.
    """

    name: str
    rows: int
    trials: tuple[RowTrial, ...]
    seconds: float
    untried: int = 0
    over_after: float | None = None

    @property
    def refuted(self) -> tuple[RowTrial, ...]:
        """Trials with a wrong trace."""
        return tuple(
            trial for trial in self.trials if trial.verdict not in ("proved", "refused", "out of time")
        )

    @property
    def refused(self) -> tuple[RowTrial, ...]:
        """Trials of rows about which nothing is claimed."""
        return tuple(trial for trial in self.trials if trial.verdict == "refused")

    @property
    def unfinished(self) -> tuple[RowTrial, ...]:
        """Trials that were given up for time or memory, so that they have no verdict on the trace."""
        return tuple(trial for trial in self.trials if trial.verdict == "out of time")

    @property
    def true(self) -> bool:
        """Whether no trace was refuted."""
        return not self.refuted

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {**asdict(self), "true": self.true}

    def report(self) -> str:
        """The figures in one table, then each refuted trace, and each trace with unneeded rows."""
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
        """Progress within the time limit, as text; None where all selected rows were tested."""
        if self.over_after is None:
            return None
        of = len(self.trials) + self.untried
        return f"the time limit was reached after {self.over_after:.0f} s: {len(self.trials)} of {of} rows were traced"


def row_report(proofs: Iterable[RowProof]) -> str:
    """One table of several proofs, a line each, with their sums."""
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
