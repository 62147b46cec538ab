"""The group `openlineage`, to be mounted by an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from recsys_lineage.cli.openlineage.comparing import compare
from recsys_lineage.cli.openlineage.exporting import export
from recsys_lineage.cli.openlineage.importing import import_, imports, serve
from recsys_lineage.cli.openlineage.sending import replay, send, status
from recsys_lineage.cli.openlineage.validating import validate
from recsys_lineage.cli.place import OpenPlace

HELP = "Events of OpenLineage: what every run did, sent to catalogs, topics and files."
COMMANDS: tuple[Callable[..., None], ...] = (
    send, status, replay, export, validate, compare, import_, imports, serve,
)  # fmt: skip


def openlineage_app(open_place: OpenPlace | None = None, **how: Any) -> typer.Typer:
    """The commands for an application to mount; their help is found without opening anything.

    Args:
        open_place: opens the lake when a command is called; that of the enclosing group when None.
        how: arguments for `typer.Typer`.
    """
    made = typer.Typer(help=HELP, no_args_is_help=True, **how)

    @made.callback()
    def _opened(context: typer.Context) -> None:
        if open_place is not None:
            context.obj = open_place

    for command in COMMANDS:
        made.command(command.__name__.rstrip("_"))(command)
    return made
