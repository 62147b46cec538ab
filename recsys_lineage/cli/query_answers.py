"""Command execution: answers a command's question about its place and prints the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from recsys_lineage.cli.place import Place

if TYPE_CHECKING:
    from recsys_lineage.graph.lineage_graph import LineageGraph


def answer_from_graph(
    context: typer.Context,
    question: Callable[[LineageGraph], Any],
    at: str | None,
    format: str,
    out: Path | None,
    as_json: bool,
    then: Callable[[Place, Any], dict[str, Any]] | None = None,
) -> None:
    """Like `answer_from_place`, for a question to the graph of all records; `at` selects the graph as of that time."""

    def query(place: Place) -> Any:
        from recsys_lineage.graph.questions.asof import moment_of
        from recsys_lineage.graph.questions.gone_versions import with_pruned
        from recsys_lineage.graph.questions.target import require_records

        graph = place.graph()
        require_records(graph)
        if at is not None:
            graph = graph.asof(moment_of(graph, at))
            require_records(graph)
        return with_pruned(question(graph), place.lakes)

    answer_from_place(context, query, format, out, as_json, then)


def answer_from_place(
    context: typer.Context,
    question: Callable[[Place], Any],
    format: str,
    out: Path | None,
    as_json: bool,
    then: Callable[[Place, Any], dict[str, Any]] | None = None,
) -> None:
    """Ask a question and print the answer; exits with 1 if it is empty.

    Args:
        question: the question.
        format: the format of the answer, unless it is JSON.
        out: a file for the answer.
        as_json: print JSON.
        then: called with the place and the answer; returns further members for the JSON.
    """
    from recsys_lineage.cli.show import print_answer
    from recsys_lineage.graph.questions.gone_versions import pruned_in

    if as_json and format != "tree":
        raise typer.BadParameter("choose one of --json and --format")
    open_place: Callable[[], AbstractContextManager[Place]] = context.obj
    with open_place() as place:
        _require_place(out)
        answer = question(place)
        pruned = pruned_in(answer, place.lakes)
        if then is None or not as_json:
            print_answer(answer, format, out, as_json, pruned)
        if then is not None:
            extra = then(place, answer)
            if as_json:
                print_answer(answer, format, out, as_json, pruned, **extra)
            if extra["failed"]:
                raise typer.Exit(1)
    if not answer.found:
        raise typer.Exit(1)


def _require_place(out: Path | None) -> None:
    """Check that an answer can be written into a file before it is computed, because a proof may take a night."""
    from recsys_lineage.errors import WrongQuestion

    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise WrongQuestion(
            "The answer cannot be written there.",
            expected="the path of a file in an existing folder",
            found="a folder" if out.is_dir() else f"no folder {out.parent}",
            where=str(out),
        )


def rebuilt(as_json: bool, place: Place, answer: Any) -> dict[str, Any]:
    """Materialize the assets that an impact analysis lists for rebuilding."""
    from recsys_lineage.graph.questions.described import DATASET

    if place.rebuild is None:
        from recsys_lineage.errors import WrongQuestion

        raise WrongQuestion(
            "Nothing here can materialize assets.",
            expected="the command line of the project that has the assets' code",
            found="a lake alone",
            advice="materialize them in this order: " + ", ".join(answer.rebuild),
        )
    ours = [
        name for name in answer.rebuild if not name.startswith(DATASET)
    ]  # other systems make theirs themselves
    failed: Sequence[str] = sorted(place.rebuild(ours)) if ours else ()
    return {"materialized": [name for name in ours if name not in failed], "failed": list(failed)}
