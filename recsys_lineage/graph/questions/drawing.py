"""Drawing: an answer as boxes and arrows, in Mermaid, DOT, SVG and PNG.

Graphviz lays out and draws. It comes with pygraphviz, whose wheels contain all of it, so nothing else needs to be
installed. PNG is converted from the SVG by vl-convert, which brings a font for machines without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Literal

from recsys_lineage.errors import WrongQuestion
from recsys_lineage.graph.questions.answers import (
    AsOf,
    ColumnLineage,
    Impact,
    Lineage,
    Link,
    Node,
    Paths,
    Runs,
)
from recsys_lineage.graph.questions.diff import Diff
from recsys_lineage.graph.questions.tagged import Tagged

Format = Literal["mermaid", "dot", "svg", "png"]
Shape = Literal["version", "file", "asset", "run", "column", "target", "stale", "model", "beyond"]
_SHAPES: Mapping[Shape, tuple[str, str]] = {
    "version": ("box", "#eef3fb"),
    "file": ("note", "#fdf6e3"),
    "asset": ("box", "#eef3fb"),
    "run": ("ellipse", "#f3eefb"),
    "column": ("box", "#eefbf1"),
    "target": ("box", "#ffe08a"),
    "stale": ("box", "#fbe3dc"),
    "model": ("ellipse", "#f3eefb"),
    "beyond": ("box", "#f2f2f2"),
}
"""Graphviz's shape and the colour of each kind of box."""
MOST_BOXES = 500
_NOT_SHOWN = re.compile(r"""[&"<>#\\`$]|:(?=fa-)""")
"""Characters in a label that Mermaid would interpret: entities, HTML, escapes, Markdown, formulas and names of
icons."""
_MOST_ARROWS, _LONGEST_TEXT = 500, 50_000
"""Mermaid's default limits (`maxEdges`, `maxTextSize`)."""
_MOST_LABELLED = 40
"""The most arrows for which the dashed ones are labelled; with more, the labels would take more room than the boxes."""


class TooManyBoxes(WrongQuestion):
    """An answer has too many nodes to be readable as a picture."""


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes, by their names; `text` is its label."""

    source: str
    target: str
    text: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Drawing:
    """Boxes by name, each with its kind and its text; and at most one arrow from one to another."""

    boxes: Mapping[str, tuple[Shape, str]]
    arrows: tuple[Arrow, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrows", _together(self.arrows))

    def mermaid(self) -> str:
        """A flowchart, as Markdown renderers draw it.

        Raises:
            TooManyBoxes: it has more than Mermaid draws by default.
        """
        names = {name: f"n{number}" for number, name in enumerate(self.boxes)}
        lines = ["flowchart LR"]
        for name, (shape, text) in self.boxes.items():
            left, right = ("[/", "/]") if shape == "file" else ("([", "])") if shape == "run" else ("[", "]")
            lines.append(f'    {names[name]}{left}"{_escaped(text)}"{right}:::{shape}')
        for arrow in self.arrows:
            line = "-.->" if arrow.dashed else "-->"
            text = f'|"{_escaped(arrow.text)}"|' if arrow.text else ""
            lines.append(f"    {names[arrow.source]} {line}{text} {names[arrow.target]}")
        used: list[Shape] = sorted({shape for shape, _ in self.boxes.values()})
        lines.extend(
            f"    classDef {shape} fill:{_SHAPES[shape][1]},stroke:#555,color:#111" for shape in used
        )
        text = "\n".join(lines) + "\n"
        if len(self.arrows) > _MOST_ARROWS or len(text) > _LONGEST_TEXT:
            raise TooManyBoxes(
                "The drawing is too large for Mermaid.",
                expected=f"at most {_MOST_ARROWS} arrows and {_LONGEST_TEXT:,} characters",
                found=f"{len(self.arrows):,} arrows, {len(text):,} characters",
                advice="ask for fewer steps, or for DOT or JSON",
            )
        return text

    def dot(self) -> str:
        """The language of Graphviz."""
        lines = [
            "digraph lineage {",
            "    rankdir=LR; ranksep=0.4; nodesep=0.15;",
            '    node [fontname="sans-serif" fontsize=11 style=filled color="#555555" margin="0.12,0.06"];',
            '    edge [fontname="sans-serif" fontsize=9 color="#555555"];',
        ]
        for name, (shape, text) in self.boxes.items():
            form, colour = _SHAPES[shape]
            lines.append(f'    {_quoted(name)} [label={_quoted(text)} shape={form} fillcolor="{colour}"];')
        for arrow in self.arrows:
            label = f" label={_quoted(arrow.text)}" if arrow.text else ""
            style = " style=dashed" if arrow.dashed else ""
            lines.append(f"    {_quoted(arrow.source)} -> {_quoted(arrow.target)} [{label}{style} ];")
        return "\n".join([*lines, "}"]) + "\n"

    def svg(self) -> str:
        """A picture that browsers show.

        Raises:
            TooManyBoxes: the picture would not be readable.
        """
        if len(self.boxes) > MOST_BOXES:
            raise TooManyBoxes(
                f"A picture of {len(self.boxes):,} boxes is not readable.",
                expected=f"at most {MOST_BOXES}",
                advice="ask for fewer steps, or for JSON",
            )
        from pygraphviz import AGraph

        made = AGraph(string=self.dot()).draw(format="svg", prog="dot")
        assert made is not None, "without a path the picture is returned"
        return made.decode()

    def png(self) -> bytes:
        """A bitmap picture; errors are as for `svg`."""
        import vl_convert

        return vl_convert.svg_to_png(self.svg(), scale=2)

    def write(self, format: Format) -> bytes:
        """The drawing in a format, as the bytes of a file."""
        made: Mapping[Format, Callable[[], str | bytes]] = {
            "mermaid": self.mermaid, "dot": self.dot, "svg": self.svg, "png": self.png,
        }  # fmt: skip
        found = made[format]()
        return found.encode() if isinstance(found, str) else found


@singledispatch
def drawn(answer: object) -> Drawing:
    """An answer as boxes and arrows."""
    raise TypeError(f"{type(answer).__name__} cannot be drawn")


@drawn.register
def _(answer: Lineage) -> Drawing:
    boxes = {node.id: _box(node, answer.roots) for node in answer.nodes}
    return Drawing(boxes, tuple(_arrow(link) for link in answer.links))


@drawn.register
def _(answer: ColumnLineage) -> Drawing:
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []
    names = file_names([each.node for each in answer.columns] + [link.source for link in answer.links])
    sources, targets = (
        {(getattr(link, end), getattr(link, f"{end}_column")) for link in answer.links}
        for end in ("source", "target")
    )
    targets = (targets - sources or targets) if answer.direction == "up" else (sources - targets or sources)

    def box(node: str, column: str | None) -> str:
        name = f"{node}.{column or '*'}"
        shape: Shape = "target" if (node, column) in targets else "column"
        boxes.setdefault(name, (shape, f"{names.get(node, node)}\n{column or 'any column'}"))
        return name

    for link in answer.links:
        source = box(link.source, link.source_column)
        target = box(link.target, link.target_column)
        arrows.append(Arrow(source, target, (link.subtype or link.kind).lower(), link.kind != "DIRECT"))
    for each in answer.columns:
        box(each.node, each.column)
    return Drawing(boxes, tuple(arrows))


@drawn.register
def _(answer: Impact) -> Drawing:
    boxes: dict[str, tuple[Shape, str]] = {answer.target: ("target", answer.target)}
    for each in answer.assets:
        boxes[each.asset] = (
            ("asset", f"{each.current}\nrebuilt")
            if each.rebuilt
            else ("stale", f"{each.current}\nto rebuild")
        )
    arrows = [Arrow(link.source, link.target) for link in answer.links]
    return Drawing(boxes, tuple(arrow for arrow in arrows if {arrow.source, arrow.target} <= boxes.keys()))


@drawn.register
def _(answer: Diff) -> Drawing:
    """The assets that differ, with the reasons of those where a difference starts, and the arrows along which it
    spreads."""
    boxes: dict[str, tuple[Shape, str]] = {}
    for each in answer.assets:
        shape: Shape = "target" if each.after == answer.after else "stale" if each.is_origin else "version"
        ends = [None if end is None else f"@{end.rpartition('@')[2]}" for end in (each.before, each.after)]
        reasons: list[str] = [cause.aspect for cause in each.causes if cause.is_origin]
        reasons += ["files"] if each.files else []
        text = f"{each.asset} {' → '.join(end or 'none' for end in ends)}"
        boxes[each.asset] = (
            shape,
            "\n".join([text, *([", ".join(dict.fromkeys(reasons))] if reasons else [])]),
        )
    arrows = [Arrow(name, each.asset) for each in answer.assets for name in each.inputs if name in boxes]
    return Drawing(boxes, tuple(arrows))


@drawn.register
def _(answer: Paths) -> Drawing:
    links = dict.fromkeys(link for path in answer.paths for link in path)
    ends = {path[0].source for path in answer.paths} | {path[-1].target for path in answer.paths}
    return Drawing(_boxes_of(links, ends), tuple(_arrow(link) for link in links))


@drawn.register
def _(answer: AsOf) -> Drawing:
    boxes = {each.then.id: _box(each.then, ()) for each in answer.versions}
    return Drawing(boxes, tuple(_arrow(link) for link in answer.links))


@drawn.register
def _(answer: Runs) -> Drawing:
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []
    for run in answer.runs:
        name = f"run:{run.run or run.made[0].record}"
        boxes[name] = (
            "run",
            f"{(run.run or run.made[0].record)[:8]}\n{run.started:%Y-%m-%d %H:%M}, {run.state}",
        )
        for made in run.made:
            box = made.version or made.asset
            boxes.setdefault(box, ("version" if made.version else "asset", box))
            arrows.append(
                Arrow(name, box, "" if made.status == "success" else made.status, made.status == "kept")
            )
    return Drawing(boxes, tuple(arrows))


@drawn.register
def _(answer: Tagged) -> Drawing:
    boxes: dict[str, tuple[Shape, str]] = {}
    arrows: list[Arrow] = []
    for each in answer.columns:
        name = f"{each.version}.{each.column}"
        boxes[name] = ("column", f"{each.version}\n{each.column}\n[{', '.join(each.tags)}]")
        arrows.extend(Arrow(source, name) for source in each.sources)
    for arrow in arrows:
        boxes.setdefault(arrow.source, ("column", arrow.source))
    return Drawing(boxes, tuple(arrows))


def _box(node: Node, targets: Iterable[str]) -> tuple[Shape, str]:
    if node.kind == "file":
        return ("target" if node.id in targets else "file", f"{node.name}\n{(node.sha256 or '')[:8]}")
    made = f"\n{node.made:%Y-%m-%d %H:%M}" if node.made else ""
    made += f"\npruned {node.pruned}" if node.pruned else ""
    return ("target" if node.id in targets else "version", f"{node.id}{made}")


def _boxes_of(links: Iterable[Link], ends: Iterable[str]) -> dict[str, tuple[Shape, str]]:
    boxes: dict[str, tuple[Shape, str]] = {}
    nodes = [name for link in links for name in (link.source, link.target)]
    files = file_names(nodes)
    for name in nodes:
        kind: Shape = "target" if name in ends else "file" if name in files else "version"
        boxes.setdefault(name, (kind, files.get(name, name)))
    return boxes


def file_names(nodes: Iterable[str]) -> dict[str, str]:
    """Short texts for the files among some nodes: as many of the last folders as distinguish a path from the others,
    and the first digits of the content's sha256."""
    split = {
        node: node.removeprefix("file:").rpartition("@")[::2] for node in nodes if node.startswith("file:")
    }
    paths = {path for path, _ in split.values()}
    short: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            short[path] = "/".join(parts[-count:])
            if not any(each != path and f"/{each}".endswith(f"/{short[path]}") for each in paths):
                break
    return {node: f"{short[path]}\n{sha256[:8]}" for node, (path, sha256) in split.items()}


def _together(arrows: Iterable[Arrow]) -> tuple[Arrow, ...]:
    """One arrow for all between the same two boxes: dashed if all are, else with the labels of those that are not."""
    between: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in arrows:
        between.setdefault((arrow.source, arrow.target), []).append(arrow)
    found = []
    for (source, target), each in between.items():
        dashed = all(arrow.dashed for arrow in each)
        words = dict.fromkeys(arrow.text for arrow in each if arrow.text and arrow.dashed == dashed)
        text = "" if dashed and len(between) > _MOST_LABELLED else ", ".join(words)
        found.append(Arrow(source, target, text, dashed))
    return tuple(found)


def _arrow(link: Link) -> Arrow:
    return Arrow(link.source, link.target, "" if link.how == "read" else link.how, link.how != "read")


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'


def _escaped(text: str) -> str:
    """A text inside a label of Mermaid, with entities for all characters that it would not show literally."""
    return _NOT_SHOWN.sub(lambda found: f"#{ord(found.group())};", text).replace("\n", "<br/>")
