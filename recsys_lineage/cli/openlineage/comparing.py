"""`openlineage compare`: the records compared with a catalog's state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from recsys_lineage.cli.options import AsJson
from recsys_lineage.cli.place import Place

if TYPE_CHECKING:
    from recsys_lineage.openlineage.catalog.repair import Comparison

_SHOWN = 3
_KEY = "OPENLINEAGE_API_KEY"


def compare(
    context: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="URL of a Marquez, such as http://127.0.0.1:5000.")
    ],
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each answer.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Compare what a catalog understood with the records.

    Tables with their columns and versions, edges, column lineage, runs, checks: what is missing in the catalog, extra,
    stale or different, and what to send again. Exits with 1 when there is a difference.
    """
    open_place: Callable[[], AbstractContextManager[Place]] = context.obj
    with open_place() as place:
        from recsys_lineage.cli.openlineage import showing  # noqa: F401  # registers how an answer is shown
        from recsys_lineage.cli.show import print_answer
        from recsys_lineage.openlineage.catalog.compare import compare as query
        from recsys_lineage.openlineage.catalog.marquez import Marquez

        answer = query(Marquez(url, place.variables.get(_KEY), seconds), place.lakes, place.event_options())
        replay = f"{context.command_path.rpartition(' ')[0]} replay"
        mend = list(_advice(answer, replay))
        print_answer(answer, "tree", None, as_json, **({"mend": mend} if as_json else {}))
        if not as_json:
            for each in mend:
                print(f"to fix it: {each}")
    if not answer.found:
        raise typer.Exit(1)


def _advice(answer: Comparison, replay: str) -> Iterator[str]:
    """Advice for the differences: what to send again, and what to delete in the catalog."""
    if answer.replay_since is not None:
        yield f"{replay} --since {answer.replay_since.isoformat()}"
    if answer.delete:
        few = ", ".join(answer.delete[:_SHOWN]) + (", …" if len(answer.delete) > _SHOWN else "")
        yield f"delete in the catalog what is of no record, or ask another lake: {few}"
