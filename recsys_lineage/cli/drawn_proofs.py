"""Proofs as boxes and arrows: the edges between columns that were shown, were not, or were missing."""

from __future__ import annotations

from recsys_lineage.cli.proving import Proofs
from recsys_lineage.graph.drawing import Arrow, Drawing, Shape, drawn

__all__ = ["drawn"]


@drawn.register
def _(answer: Proofs) -> Drawing:
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []

    def arrow(source: str, asset: str, output: str, text: str, dashed: bool) -> None:
        boxes.setdefault(source, ("column", source.replace(".", "\n", 1)))
        boxes.setdefault(f"{asset}.{output}", ("asked", f"{asset}\n{output}"))
        arrows.append(Arrow(source, f"{asset}.{output}", text, dashed))

    for proof in answer.proofs:
        boxes.setdefault(proof.asset, ("asset", f"{proof.asset}\n{'proved' if proof.true else 'refuted'}"))
        if proof.columns is not None:
            for claim in proof.columns.shown:
                arrow(f"{claim.table}.{claim.column}", proof.asset, claim.output, "shown", False)
            for claim in (*proof.columns.not_shown, *proof.columns.unseen):
                arrow(f"{claim.table}.{claim.column}", proof.asset, claim.output, "not shown", True)
            for each in proof.columns.refuted:
                for output in each.outputs:
                    arrow(f"{each.table}.{each.column}", proof.asset, output, "missing", True)
    return Drawing(boxes, tuple(arrows))
