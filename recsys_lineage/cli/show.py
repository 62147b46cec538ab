"""Printed answers of the commands: trees and tables for people, JSON for scripts, pictures for both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import singledispatch
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from recsys_lineage.cli.diff_words import diff_in_words
from recsys_lineage.cli.options import STATE_COLOURS
from recsys_lineage.cli.proving import Proofs
from recsys_lineage.cli.row_trace import RowTrace, lines_in_words, rows_in_words, values_shown
from recsys_lineage.errors import WrongQuestion
from recsys_lineage.graph.questions.answers import (
    AsOf,
    ColumnLineage,
    ColumnLink,
    Impact,
    Lineage,
    Link,
    Node,
    Paths,
    Runs,
)
from recsys_lineage.graph.questions.diff import Diff
from recsys_lineage.graph.questions.tagged import Tagged
from recsys_lineage.rows.back import BackwardTrace

_MOST_LINES = 200
_MOST_FILES = 10
_SHOWN_ROWS = 3
_SHORT = 8


def print_answer(
    answer: Any,
    format: str,
    out: Path | None,
    as_json: bool,
    gone: Mapping[str, str] | None = None,
    /,
    **more: Any,
) -> None:
    """Print an answer, or write it into a file.

    Args:
        answer: of `recsys_lineage.graph.questions.answers`.
        format: tree, mermaid, dot, svg or png; ignored for JSON.
        out: the file; stdout when None.
        as_json: print one JSON object.
        gone: versions that it names without saying so that they were pruned, id → when.
        more: further members of that object.

    Raises:
        WrongQuestion: a PNG would be written to a terminal.
    """
    if format == "png" and out is None and not as_json and sys.stdout.isatty():
        raise WrongQuestion(
            "A PNG cannot be shown on a terminal.",
            expected="a file for it, or another program that reads it",
            found="a terminal",
            where="--format png",
            advice="add --out lineage.png",
        )
    if as_json:
        marked = {"pruned": dict(gone)} if gone else {}
        _put(
            json.dumps({**answer.to_json(), **marked, **more}, ensure_ascii=False, default=str).encode()
            + b"\n",
            out,
        )
        return
    if format != "tree":
        from recsys_lineage.cli.row_drawings import drawn

        _put(drawn(answer).write(format), out)  # pyright: ignore[reportArgumentType]
        return
    width = None if out is None and sys.stdout.isatty() else 160
    screen = Console(soft_wrap=True, highlight=False, width=width)
    with screen.capture() as text:
        for part in shown(answer):
            screen.print(part)
        if gone:
            screen.print(f"[yellow]Pruned, with the record kept: {escape(_pruned_in_words(gone))}.[/yellow]")
    _put(text.get().encode(), out)


def _pruned_in_words(pruned: Mapping[str, str]) -> str:
    named = [f"{id} {days}" for id, days in pruned.items()]
    more = f" and {len(named) - _MOST_FILES:,} more" if len(named) > _MOST_FILES else ""
    return ", ".join(named[:_MOST_FILES]) + more


def _put(text: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    else:
        out.write_bytes(text)


@singledispatch
def shown(answer: object) -> Iterator[RenderableType]:
    """An answer as text."""
    raise TypeError(f"{type(answer).__name__} cannot be shown")


@shown.register
def _(answer: Lineage) -> Iterator[RenderableType]:
    if not answer.found:
        way = "was made of nothing that a record names" if answer.direction == "up" else "made nothing yet"
        yield f"{escape(answer.target)} {way}."
        return
    nodes = {node.id: node for node in answer.nodes}
    ends: dict[str, list[Link]] = {}
    for link in answer.links:
        ends.setdefault(link.target if answer.direction == "up" else link.source, []).append(link)
    budget = iter(range(_MOST_LINES))
    seen: set[str] = set()
    for root in answer.roots:
        if root in seen:
            continue
        tree = Tree(_node(nodes[root]))
        _grow(tree, root, answer, nodes, ends, seen, budget)
        yield tree
    versions = sum(node.kind == "version" for node in answer.nodes)
    files = len(answer.nodes) - versions
    way = "what it was made of" if answer.direction == "up" else "what was made of it"
    yield f"{way}: {versions:,} versions and {files:,} files, itself included"
    if next(budget, None) is None:
        yield f"only {_MOST_LINES} lines are shown: --depth shows fewer steps, --json everything"


def _grow(
    tree: Tree,
    root: str,
    answer: Lineage,
    nodes: dict[str, Node],
    ends: dict[str, list[Link]],
    seen: set[str],
    budget: Iterator[int],
) -> None:
    """Add everything behind a node, breadth first; each node is unfolded at its first occurrence."""
    open_ = [(tree, root)]
    seen.add(root)
    for branch, name in open_:
        links = ends.get(name, [])
        files = [link for link in links if _other(answer, link).startswith("file:")]
        shown_links = [link for link in links if link not in files] + files[:_MOST_FILES]
        for link in shown_links:
            if next(budget, None) is None:
                return
            other = _other(answer, link)
            label = _node(nodes[other]) + _how(link)
            again = other in seen and ends.get(other)
            leaf = branch.add(f"{label} [dim](above)[/dim]" if again else label)
            if other not in seen:
                seen.add(other)
                open_.append((leaf, other))
        if len(files) > _MOST_FILES:
            branch.add(f"[dim]{len(files) - _MOST_FILES:,} more files[/dim]")


def _other(answer: Lineage, link: Link) -> str:
    return link.source if answer.direction == "up" else link.target


def _node(node: Node) -> str:
    if node.kind == "file":
        return f"{escape(node.name)} [dim]{(node.sha256 or '')[:_SHORT]}[/dim]"
    rows = "" if node.rows is None else f", {rows_in_words(node.rows)}"
    made = f" [dim]{_time(node.made)}{rows}[/dim]" if node.made else " [dim]not made by an asset[/dim]"
    return f"[bold]{escape(node.id)}[/bold]{made}{_gone(node)}"


def _gone(node: Node) -> str:
    return "" if node.pruned is None else f" [yellow](pruned {node.pruned})[/yellow]"


def _how(link: Link) -> str:
    details = [] if link.how == "read" else [link.how]
    if link.partitions is not None:
        details.append(_few(link.partitions, "partitions"))
    if link.columns is not None:
        details.append(_few(link.columns, "columns"))
    return f" [dim]({'; '.join(details)})[/dim]" if details else ""


def _few(names: tuple[str, ...], what: str, most: int = 6) -> str:
    more = f", … {len(names)} {what}" if len(names) > most else ""
    return escape(", ".join(names[:most])) + more if names else f"no {what}"


@shown.register
def _(answer: ColumnLineage) -> Iterator[RenderableType]:
    if not answer.found:
        yield f"{escape(answer.target)} has no columns {'before' if answer.direction == 'up' else 'behind'} it."
        return
    table = _table("column", "is made of", "how")
    steps = _steps(answer)
    rows = sorted(
        answer.links,
        key=lambda link: (
            steps.get(link.target, 0),
            link.target,
            link.target_column or "",
            link.kind,
            link.source,
            link.source_column or "",
        ),
    )
    for link in islice(rows, _MOST_LINES):
        how = f"{link.subtype.lower() or 'nothing tells'}{', masked' if link.masking else ''}"
        style = "" if link.kind == "DIRECT" else "dim"
        table.add_row(_column(link, "target"), _column(link, "source"), how, style=style)
    yield table
    if len(rows) > _MOST_LINES:
        yield f"only {_MOST_LINES} of {len(rows):,} are shown: --direct shows fewer, --json all"


def _steps(answer: ColumnLineage) -> dict[str, int]:
    """The distance of each node from the requested ones, in steps on the shortest path."""
    here, there = ("target", "source") if answer.direction == "up" else ("source", "target")
    ends: dict[str, set[str]] = {}
    for link in answer.links:
        ends.setdefault(getattr(link, here), set()).add(getattr(link, there))
    beyond = {node for nodes in ends.values() for node in nodes}
    found = dict.fromkeys(sorted(ends.keys() - beyond) or sorted(ends), 0)
    open_ = list(found)
    for node in open_:
        for other in sorted(ends.get(node, ())):
            if other not in found:
                found[other] = found[node] + 1
                open_.append(other)
    return found


def _column(link: ColumnLink, end: str) -> str:
    node, column = getattr(link, end), getattr(link, f"{end}_column")
    return escape(f"{node}.{column or '*'}")


@shown.register
def _(answer: Impact) -> Iterator[RenderableType]:
    if not answer.found:
        yield f"Nothing was made of {escape(answer.target)}."
        return
    table = _table("", "asset", "now at", "affected versions", "state", "columns")
    for number, each in enumerate(answer.assets, 1):
        state = "[green]rebuilt[/green]" if each.rebuilt else "[yellow]to rebuild[/yellow]"
        if each.through_previous:
            state += ", but started from a version that is affected"
        names = "" if each.columns is None else _few(each.columns, "columns")
        table.add_row(
            str(number), escape(each.asset), escape(each.current), f"{each.versions:,}", state, names
        )
    yield table
    yield f"out of date or in question: {_few(answer.changed, 'of them') if answer.changed else 'nothing'}"
    order = ", ".join(answer.rebuild)
    yield f"to rebuild, in this order: {escape(order)}" if order else "everything was rebuilt"


@shown.register
def _(answer: Paths) -> Iterator[RenderableType]:
    if not answer.found:
        yield f"Nothing of {escape(answer.source)} came into {escape(answer.target)}."
    for path in answer.paths:
        steps = [
            path[0].source,
            *(f"{link.target}{'' if link.how == 'read' else f' ({link.how})'}" for link in path),
        ]
        yield escape(" → ".join(steps))
    if answer.more:
        yield f"There are more than these {len(answer.paths)}: --most shows them."


@shown.register
def _(answer: AsOf) -> Iterator[RenderableType]:
    if not answer.found:
        yield f"Nothing was made yet at {_time(answer.moment)}."
        return
    table = _table("table", "was at", "made", "rows", "now at")
    for each in answer.versions:
        rows = "" if each.then.rows is None else f"{each.then.rows:,}"
        now = "the same" if each.now == each.then.id else each.now
        table.add_row(
            escape(each.asset),
            escape(each.then.id) + _gone(each.then),
            _time(each.then.made),
            rows,
            escape(now),
        )
    yield f"at {_time(answer.moment)} UTC"
    yield table


@shown.register
def _(answer: Diff) -> Iterator[RenderableType]:
    return diff_in_words(answer)


@shown.register
def _(answer: Runs) -> Iterator[RenderableType]:
    if not answer.found:
        yield "Nothing ran yet."
        return
    table = _table("run", "began", "took", "ended as", "job", "made")
    for run in answer.runs:
        made = [
            f"{each.version or each.asset}{'' if each.status == 'success' else f' ({each.status})'}"
            for each in run.made
        ]
        colour = STATE_COLOURS.get(run.state, "")
        table.add_row(
            run.run[:_SHORT] if run.run else "",
            _time(run.started),
            f"{(run.ended - run.started).total_seconds():.1f} s",
            f"[{colour}]{run.state}[/{colour}]" if colour else run.state,
            escape(run.job or ""),
            _few(tuple(made), "assets", 12) if made else "",
        )
    yield table


@shown.register
def _(answer: Tagged) -> Iterator[RenderableType]:
    if not answer.found:
        yield (
            "No column is tagged."
            if answer.target is None
            else f"No column of {escape(answer.target)} is tagged."
        )
        return
    table = _table("column", "tags", "came with")
    for each in answer.columns:
        sources = _few(each.sources, "columns") if each.sources else "declared by its own code"
        table.add_row(escape(f"{each.version}.{each.column}"), escape(", ".join(each.tags)), sources)
    yield table


@shown.register
def _(answer: RowTrace) -> Iterator[RenderableType]:
    found = answer.trace
    table = _table("table", "rows", "of them")
    for each in found.tables:
        first = [values_shown(row) for row in each.rows[:_SHOWN_ROWS]]
        more = [f"… {rows_in_words(each.count)}"] if each.count > len(first) else []
        table.add_row(f"{each.table}@{each.version}", f"{each.count:,}", escape("\n".join([*first, *more])))
    yield table
    if isinstance(found, BackwardTrace):
        for file in found.files:
            lines = lines_in_words(file.lines, 12)
            yield f"{escape(file.file)}: {lines} [dim]{(file.sha256 or '')[:_SHORT]}, read for {file.table}[/dim]"
    for model in found.models:
        part = "" if model.of_row is None else f", {model.of_row:,} of them of these rows"
        yield escape(
            f"{model.model} was fitted on {rows_in_words(model.rows)} of {model.table}@{model.version}{part}"
        )
    for each in found.tables:
        for asset, columns in each.insufficient.items():
            context = each.context.get(asset, "")
            rows = "all rows" if context in ("", "true") else f"all rows where {context}"
            yield escape(
                f"{asset}: {', '.join(columns)} also depend on {rows} of {each.table}, as a rank or a total does"
            )
    for stop in found.stopped:
        yield escape(f"{stop.asset} is not traced to {stop.table}: {stop.reason}")
    if answer.beyond_limit:
        yield f"--limit {answer.beyond_limit} follows all rows found so far"


@shown.register
def _(answer: Proofs) -> Iterator[RenderableType]:
    yield escape(answer.report())


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
