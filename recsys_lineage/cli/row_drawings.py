"""Proofs and traces of rows as boxes and arrows."""

from __future__ import annotations

from recsys_lineage.cli.proving import Proofs
from recsys_lineage.cli.row_trace import RowTrace, lines_in_words, rows_in_words
from recsys_lineage.cli.trace_steps import node_of, trace_steps
from recsys_lineage.graph.questions.drawing import Arrow, Drawing, Shape, drawn, file_names
from recsys_lineage.rows.back import BackwardTrace
from recsys_lineage.rows.lake_rows import TracedRows

__all__ = ["drawn"]

_VALUES = 3
_RANGES = 2


@drawn.register
def _(answer: Proofs) -> Drawing:
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []

    def arrow(source: str, asset: str, output: str, text: str, dashed: bool) -> None:
        boxes.setdefault(source, ("column", source.replace(".", "\n", 1)))
        boxes.setdefault(f"{asset}.{output}", ("target", f"{asset}\n{output}"))
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
    """A box for the rows of each table, for the lines of each file and for each model; arrows follow the trace, dashed
    where a model is between or where the trace ends."""
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []
    found, up = answer.trace, answer.direction == "up"
    for number, each in enumerate(found.tables):
        boxes[node_of(each)] = ("version" if number else "target", _rows(each))
    if isinstance(found, BackwardTrace):
        named = {file.file: f"file:{file.file}@{file.sha256 or ''}" for file in found.files}
        words = file_names(named.values())
        for file in found.files:
            lines = lines_in_words(file.lines, _RANGES, end=",\n")
            boxes[file.file] = ("file", f"{words[named[file.file]]}\n{lines}")
            arrows.append(Arrow(file.file, f"{file.table}@{file.version}"))
    called = {each.table: node_of(each) for each in found.tables}
    for model in found.models:
        name = called.get(model.model, model.model)
        boxes.setdefault(name, ("model", f"{name}\nfitted on {rows_in_words(model.rows)}"))
        table = f"{model.table}@{model.version}"
        boxes.setdefault(table, ("beyond", table))
        part = "" if model.of_row is None else f"{model.of_row:,} of {model.rows:,}"
        arrows.append(Arrow(table, name, part))
    models = {model.model for model in found.models}
    found_steps = trace_steps(answer.lake, found)
    arrows.extend(Arrow(way.source, way.target, "", way.source in models) for way in found_steps.known)
    for name in found_steps.unrecorded:
        shape, text = boxes[name]
        boxes[name] = (shape, f"{text}\nno record says of what")
    for stop in found.stopped:
        known, other = (stop.asset, stop.table) if up else (stop.table, stop.asset)
        if known in called and other.isidentifier() and other not in {*called, *models}:
            boxes.setdefault(other, ("beyond", f"{other}\nnot traced"))
            ends = (other, called[known]) if up else (called[known], other)
            arrows.append(Arrow(*ends, dashed=True))
    return Drawing(boxes, tuple(arrows))


def _rows(rows: TracedRows) -> str:
    """Number of rows of a table, and the first of them, narrow enough that a chain of tables fits on a screen."""
    values = [_clipped(f"{name}={value}", 32) for name, value in (rows.rows[0] if rows.rows else {}).items()]
    such = "" if rows.count == 1 else ", such as"
    more = ["…"] if len(values) > _VALUES else []
    return "\n".join([node_of(rows), f"{rows_in_words(rows.count)}{such}", *values[:_VALUES], *more])


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most // 2) :]}"
