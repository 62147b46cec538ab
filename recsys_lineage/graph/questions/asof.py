"""As-of: the graph as it was at a time, at the end of a run, or when a version was made."""

from __future__ import annotations

from datetime import datetime, timezone

from recsys_lineage.graph.interned import NOTHING
from recsys_lineage.graph.lineage_graph import LineageGraph
from recsys_lineage.graph.questions.answers import AsOf, Then
from recsys_lineage.graph.questions.described import Described, edges_between
from recsys_lineage.graph.questions.target import UnknownTarget, find_target


def moment_of(graph: LineageGraph, when: str | datetime) -> datetime:
    """The moment that a text names, UTC.

    Args:
        graph: the graph.
        when: a time, as `2026-11-26` or `2026-11-26T03:00+01:00` (UTC where no zone is named); `run:ID` or the id
            itself, for the end of that run; `ASSET@VERSION`, for the time when that version was made.

    Raises:
        UnknownTarget: the text is none of these, or the name is unknown.
    """
    if isinstance(when, datetime):
        return when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    try:
        moment = datetime.fromisoformat(when.replace("Z", "+00:00"))
    except ValueError:
        pass
    else:
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    run = "@" not in when and ":" not in when and not graph.named(when)
    try:
        target = find_target(graph, f"run:{when}" if run else when)
    except UnknownTarget as error:
        if not run or not error.message.startswith("No run"):
            raise
        raise _no_moment(graph, when) from error
    rows = [graph.views.writer[node] for node in target.nodes if graph.views.writer[node] != NOTHING]
    if target.kind == "run":
        run = target.text.partition(":")[2]
        return graph.records.filter(graph.records["run_id"] == run)["ended"].max()  # pyright: ignore[reportReturnType]
    if target.kind == "file" or not rows:
        raise _no_moment(graph, when)
    return graph.rows([max(rows)])[0]["ended"]


def _no_moment(graph: LineageGraph, when: str) -> UnknownTarget:
    return UnknownTarget(
        f"{when!r} is not a point in time.",
        expected="a time as 2026-11-26T03:00 (UTC), run:ID, or ASSET@VERSION that a run wrote",
        found=when or "nothing",
        where=", ".join(graph.names.lakes),
        advice="the command `runs` lists the runs with their times",
    )


def asof(graph: LineageGraph, when: str | datetime) -> AsOf:
    """The version of each asset at a time, at the end of a run, or when a version was made (see `moment_of`).

    `graph.asof(moment_of(graph, when))` is the graph at that moment, for all other questions.

    Raises:
        UnknownTarget: there is no such moment.
    """
    moment = moment_of(graph, when)
    then, words = graph.asof(moment), Described(graph)
    was = Described(then)
    nodes = {table: node for table in then.tables() if (node := then.latest(table)) is not None}
    found = [
        Then(words.asset(table), was.node(node), words.id(graph.latest(table) or 0))
        for table, node in nodes.items()
    ]
    links = tuple(was.link(edge) for edge in edges_between(then, {*nodes.values()}))
    return AsOf(str(when), moment, tuple(sorted(found, key=lambda each: each.asset)), links)
