"""verdicts: the proofs of several assets as one table, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recsys_lineage.proof.table_text import table_text

if TYPE_CHECKING:
    from recsys_lineage.proof.asset_proof import AssetProof

_SUMS = ("edges", "possible", "shown", "not shown", "refuted", "rows tried", "rows proved", "rows refuted")


def verdicts(proofs: Sequence[AssetProof]) -> str:
    """Number of edges claimed, shown, not shown and refuted for each asset, and likewise of its traced rows.

    Edges are pairs of an input and an output column. Shown and not shown count DIRECT edges with and without an
    observed change.
    """
    return table_text(("asset", *_SUMS, "reads", "code"), [_line(proof) for proof in proofs], sums=_SUMS)


def _line(proof: AssetProof) -> tuple[object, ...]:
    columns, rows, reads = proof.columns, proof.rows, proof.reads
    of_columns = (
        (columns.pairs, columns.possible, len(columns.shown), len(columns.not_shown), len(columns.refuted))
        if columns is not None
        else (0,) * 5
    )
    of_rows = (
        (len(rows.trials), sum(trial.verdict == "proved" for trial in rows.trials), len(rows.refuted))
        if rows is not None
        else (0,) * 3
    )
    of_reads = "not run" if reads is None else "as recorded" if reads.true else "differ"
    ran = proof.ran
    of_code = "not run" if ran is None else "covered" if ran.true else "not covered"
    return (proof.asset, *of_columns, *of_rows, of_reads, of_code)
