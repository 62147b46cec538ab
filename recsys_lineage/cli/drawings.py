"""Proofs and traces of rows as boxes and arrows."""

from __future__ import annotations

from recsys_lineage.cli.proving import Proofs
from recsys_lineage.cli.row_trace import RowTrace, values_shown
from recsys_lineage.graph.questions.drawing import Arrow, Drawing, Shape, drawn
from recsys_lineage.rows.back import BackwardTrace

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


@drawn.register
def _(answer: RowTrace) -> Drawing:
    """A box for the rows of each table on the way, in the order of the trace, and one for the lines of each file."""
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []
    found, up = answer.trace, answer.direction == "up"
    for number, each in enumerate(found.tables):
        name = f"{each.table}@{each.version}"
        first = f"\n{values_shown(each.rows[0], 3)}" if each.rows else ""
        boxes[name] = ("version" if number else "asked", f"{name}, {each.count:,} rows{first}")
    if isinstance(found, BackwardTrace):
        for file in found.files:
            lines = "" if file.lines is None else f"\nlines {', '.join(map(str, file.lines[:6]))}"
            boxes[file.file] = ("file", f"{file.file}{lines}")
            arrows.append(Arrow(file.file, f"{file.table}@{file.version}"))
    for model in found.models:
        boxes[model.model] = ("asset", f"{model.model}\nfitted on {model.rows:,} rows")
        table = f"{model.table}@{model.version}"
        boxes.setdefault(table, ("version", table))
        arrows.append(Arrow(table, model.model, "" if model.of_row is None else f"{model.of_row:,} of these"))
    names = [f"{each.table}@{each.version}" for each in found.tables]
    arrows.extend(
        Arrow(*((other, names[0]) if up else (names[0], other)), dashed=True) for other in names[1:]
    )
    return Drawing(boxes, tuple(arrows))
