"""ColumnProof: the result of testing a statement's claimed column edges by perturbing its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from recsys_lineage.proof.table_text import table_text


class Edge(Protocol):
    """A claimed edge, with the attributes of `ColumnEdge`."""

    @property
    def table(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subtype(self) -> str: ...


@dataclass(frozen=True, order=True)
class Claim:
    """One edge: an input column, an output column, and the kind of the edge."""

    table: str
    column: str
    output: str
    kind: str
    subtype: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} → {self.output} ({self.kind} {self.subtype})"


@dataclass(frozen=True)
class Refutation:
    """Output columns that changed with an input column although no edge between them is claimed.

    Attributes:
        table, column: the input column whose values were changed.
        outputs: the output columns that changed; several changed each alone or only together.
        perturbation: the kind of change.
        lacks: the missing claim: any edge, or a DIRECT one, because its values are in the outputs.
    """

    table: str
    column: str
    outputs: tuple[str, ...]
    perturbation: str
    lacks: Literal["an edge", "a DIRECT edge"] = "an edge"

    def __str__(self) -> str:
        does = "changes" if self.lacks == "an edge" else "stands in"
        outputs = ", ".join(self.outputs)
        return f"{self.table}.{self.column} {does} {outputs} without {self.lacks} ({self.perturbation})"


@dataclass(frozen=True)
class ColumnProof:
    """Result of testing the edges of one statement.

    Attributes:
        name: the name of the statement.
        outputs: the statement's columns.
        inputs: the columns of its tables, `table.column`.
        pairs: the pairs of input and output columns with a claimed edge, among the `possible` ones.
        refuted: the changes without an edge; none if the lineage is sound.
        shown: DIRECT edges along which a change was observed.
        not_shown: DIRECT edges without an observed change.
        unseen: INDIRECT edges without an observed change.
        seen: the number of INDIRECT edges with an observed change.
        unsteady: output columns that differ between identical runs, and those of a SELECT that differ with the order of
            the tables' rows; their changes refute nothing.
        by_order: output columns of Python code that differ with the order of the tables' rows; changes of values keep
            that order, so they are tested like all others.
        untested: input columns that were not tested: they are empty, no run with changed values finished, or the time
            was over.
        runs, failed: the number of runs, and of those that failed at a changed value.
        seconds: the time that it took.
        over_after: seconds after which it ended early; None where everything was tried.
    """

    name: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    pairs: int
    refuted: tuple[Refutation, ...]
    shown: tuple[Claim, ...]
    not_shown: tuple[Claim, ...]
    unseen: tuple[Claim, ...]
    seen: int
    unsteady: tuple[str, ...]
    untested: tuple[str, ...]
    runs: int
    failed: int
    seconds: float
    over_after: float | None = None
    by_order: tuple[str, ...] = ()

    @property
    def possible(self) -> int:
        """Number of pairs of input and output columns."""
        return len(self.inputs) * len(self.outputs)

    @property
    def sound(self) -> bool:
        """Whether nothing was refuted."""
        return not self.refuted

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {**asdict(self), "possible": self.possible, "sound": self.sound}

    def report(self) -> str:
        """The figures in one table, then the refuted and the not shown edges, one a line."""
        lines = [column_report([self])]
        lines += [f"refuted: {each}" for each in self.refuted]
        lines += [f"not shown: {each}" for each in self.not_shown]
        lines += [f"never seen: {each}" for each in _by_input(self.unseen)]
        lines += [f"differs by itself: {each}" for each in self.unsteady]
        lines += [f"depends on the order of the rows read: {each}" for each in self.by_order]
        lines += [f"not tested: {each}" for each in self.untested]
        return "\n".join([*lines, *([self.limit_reached] if self.limit_reached else [])])

    @property
    def limit_reached(self) -> str | None:
        """Progress within the time limit, as text; None where everything was tried."""
        if self.over_after is None:
            return None
        changed = len(self.inputs) - len(self.untested)
        return (
            f"the time limit was reached after {self.over_after:.0f} s and {self.runs} runs: "
            f"{changed} of {len(self.inputs)} columns were changed"
        )


def _by_input(unseen: Iterable[Claim]) -> list[str]:
    """A line for each input column with the kinds of its edges, and the outputs of each kind."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for claim in unseen:
        kinds.setdefault((f"{claim.table}.{claim.column}", claim.output), []).append(claim.subtype)
    outputs: dict[tuple[str, str], list[str]] = {}
    for (source, output), of in kinds.items():
        outputs.setdefault((source, ", ".join(sorted(of))), []).append(output)
    return [f"{source} → {', '.join(to)} (INDIRECT {of})" for (source, of), to in outputs.items()]


def column_report(proofs: Iterable[ColumnProof]) -> str:
    """One table of several proofs, a line each, with their sums."""
    rows = [
        (
            proof.name,
            proof.pairs,
            proof.possible,
            f"{100 * proof.pairs / max(proof.possible, 1):.0f} %",
            len(proof.shown),
            len(proof.not_shown),
            proof.seen,
            len(proof.unseen),
            len(proof.refuted),
            f"{proof.seconds:.1f}",
        )
        for proof in proofs
    ]
    heads = (
        "statement", "pairs", "of", "share", "shown", "not shown", "seen", "unseen", "refuted", "seconds",
    )  # fmt: skip
    return table_text(heads, rows, sums=("pairs", "of", "shown", "not shown", "seen", "unseen", "refuted"))


def claims(edges: Mapping[str, Sequence[Edge]]) -> tuple[Claim, ...]:
    """All edges in a result of `column_lineage`, each with its output column."""
    return tuple(
        Claim(edge.table, edge.column, output, edge.kind, edge.subtype)
        for output, of in edges.items()
        for edge in of
    )
