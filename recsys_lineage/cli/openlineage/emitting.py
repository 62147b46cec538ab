"""The emission of a command of `openlineage`: its one lake, and the settings of that lake's events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import typer

from recsys_lineage.cli.place import Place

if TYPE_CHECKING:
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.openlineage.emission import Emission


@contextmanager
def emitting(context: typer.Context) -> Iterator[tuple[Lake, Emission]]:
    """The lake of a command and its emission; inside the block, expected errors are printed as messages."""
    from recsys_lineage.errors import WrongQuestion

    open_place: Callable[[], AbstractContextManager[Place]] = context.obj
    with open_place() as place:
        if len(place.lakes) != 1:
            raise WrongQuestion(
                "Events are sent of one lake at a time.",
                expected="one lake",
                found=", ".join(lake.uri for lake in place.lakes),
                advice="name it with --lake",
            )
        if place.emission is None:
            raise WrongQuestion(
                "There is no place to keep the positions of the destinations.",
                expected="a folder on this machine's disk, because the lake is elsewhere",
                where=place.lakes[0].uri,
                advice="name one with --openlineage",
            )
        yield place.lakes[0], place.emission
