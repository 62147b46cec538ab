"""Differences between two versions, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from recsys_lineage.graph.questions.diff import AssetDifference, Diff, PartitionDifferences
from recsys_lineage.records.comparison import Difference

_MOST = 8
_MOST_LINES = 12
_LONG = 60


def diff_in_words(answer: Diff) -> Iterator[RenderableType]:
    """The first differences, then their consequences, asset by asset."""
    if not answer.found:
        yield escape(f"Nothing differs between {answer.before} and {answer.after}.")
        return
    yield _start(answer)
    table = Table()
    for column in ("asset", "before", "after", "because of", "what differs"):
        table.add_column(column, overflow="fold")
    for each in answer.assets:
        table.add_row(
            escape(each.asset),
            _version(each.before),
            _version(each.after),
            escape(", ".join(_reasons(each))),
            escape("\n".join(_clipped(_came_out(each)))),
        )
    yield table
    count = len(answer.unchanged)
    same = f"; {count:,} {'is' if count == 1 else 'are'} the same" if count else ""
    yield escape(
        f"{len(answer.assets):,} differ{same}" + (f": {', '.join(answer.unchanged)}" if count else "")
    )


def _start(answer: Diff) -> Tree:
    """The causes, each once, with the assets that it is a cause of."""
    tree = Tree(f"[bold]{escape(answer.before)} → {escape(answer.after)}[/bold]: where the differences start")
    readers = [each for each in answer.assets if each.files]
    if readers:
        branch = tree.add(_of("files, read by", readers))
        for line in _files(readers):
            branch.add(escape(line))
    causes: dict[Difference, list[AssetDifference]] = {}
    for each in answer.assets:
        for cause in each.causes:
            if cause.is_origin and not (cause.aspect == "source" and each.files):
                causes.setdefault(_shared(cause), []).append(each)
    for cause, assets in causes.items():
        branch = tree.add(_of(f"{_cause(cause)} of", assets))
        lines = cause.text.splitlines()[2:]  # without the names of the files
        for line in lines[:_MOST_LINES]:
            colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
            branch.add(f"[{colour}]{escape(line)}[/{colour}]")
        if len(lines) > _MOST_LINES:
            branch.add(f"[dim]{len(lines) - _MOST_LINES:,} more lines: --json has all[/dim]")
    for library in answer.libraries:
        tree.add(escape(f"library {_values(library)}"))
    unexplained = [each for each in answer.assets if each.is_unexplained]
    if unexplained:
        tree.add(
            _of("nothing recorded: another result each time, or a cause that no record has, of", unexplained)
        )
    if not (readers or causes or answer.libraries or unexplained):
        tree.add("nowhere: what ran and what it was given are the same")
    return tree


def _shared(cause: Difference) -> Difference:
    """A cause without the details that differ between assets with the same cause."""
    if cause.aspect == "code" and not cause.text:
        return Difference("code", "", None, None)
    return Difference(cause.aspect, "", None, None) if cause.aspect in ("source", "start") else cause


def _cause(cause: Difference) -> str:
    if cause.aspect == "code":
        return f"code ({cause.name})" if cause.name else "code that is used by the code"
    if cause.aspect == "start":
        return "own version before, read for one of both only,"
    return "what was found in the source" if cause.aspect == "source" else f"parameter {_values(cause)},"


def _of(words: str, assets: Sequence[AssetDifference]) -> str:
    return escape(f"{words} {', '.join(dict.fromkeys(each.asset for each in assets))}")


def _files(readers: Iterable[AssetDifference]) -> Iterator[str]:
    files = {(file.root, file.path): file.state for each in readers for file in each.files}
    for state in ("new", "gone", "changed"):
        paths = sorted(path for (_, path), each in files.items() if each == state)
        if paths:
            yield f"{state}: {_range(paths)}"


def _reasons(each: AssetDifference) -> list[str]:
    """Reasons for an asset's difference, in a few words each."""
    if each.before is None or each.after is None:
        return ["only one was made of it"]
    own = dict.fromkeys(
        cause.aspect for cause in each.causes if not (cause.aspect == "source" and each.files)
    )
    reasons = [*(["files"] if each.files else []), *own, *each.inputs]
    if each.is_unexplained:
        reasons.append("nothing recorded")
    return reasons or (["made again"] if each.is_equal else ["libraries"])


def _came_out(each: AssetDifference) -> list[str]:
    if each.is_equal:
        return ["nothing: the content is the same"]
    found = [] if each.partitions is None else list(_partitions(each.partitions))
    for outcome in each.outcomes:
        if outcome.aspect == "values":
            found.append(f"NULLs in {outcome.name}: {outcome.before:.1%} → {outcome.after:.1%}")
        elif outcome.aspect in ("column", "check"):
            found.append(f"{outcome.aspect} {_values(outcome)}")
        else:
            found.append(_values(outcome))
    if each.is_equal is None and each.before is not None and each.after is not None:
        found.append("content not comparable: it was hashed by different engines")
    return found or (["the values in it"] if each.is_equal is False else [])


def _partitions(partitions: PartitionDifferences) -> Iterator[str]:
    for state, words in (
        *((each, each) for each in ("new", "gone", "changed")),
        ("incomparable", "not comparable"),
    ):
        keys: Sequence[str] = getattr(partitions, state)
        if keys:
            yield f"partitions {words}: {_range(keys)}"


def _range(names: Sequence[str]) -> str:
    """Sorted names as text: the only one, both, or their number, the first and the last."""
    return ", ".join(names) if len(names) < 3 else f"{len(names):,}, {names[0]} to {names[-1]}"


def _values(each: Difference) -> str:
    change = None if each.aspect == "parameter" else each.change
    return f"{each.name}: {_value(each.before)} → {_value(each.after)}" + (
        "" if change is None else f" ({change:+.1%})"
    )


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _version(version: str | None) -> str:
    return "none" if version is None else escape(f"@{version.rpartition('@')[2]}")


def _clipped(lines: Sequence[str]) -> list[str]:
    more = [f"… {len(lines) - _MOST:,} more: --json has all"] if len(lines) > _MOST else []
    return [*lines[:_MOST], *more]
