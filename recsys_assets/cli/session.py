"""What the commands share: the screen, the platform they open, and how errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from recsys_assets.settings import Settings, load_settings
from recsys_lineage.errors import LineageError

if TYPE_CHECKING:
    from recsys_lineage.lake.lake import Lake

console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 120)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


@contextmanager
def opened_platform(quiet: bool = False) -> Iterator[tuple[Any, Console]]:
    """The platform of the settings, and where to print: stderr when stdout is for JSON."""
    with errors_in_words():
        settings: Settings = load_settings()
        from recsys_assets.instance import open_instance

        with open_instance(settings) as instance:
            from recsys_assets.run import Platform

            yield (
                Platform(settings, instance),
                Console(stderr=True, soft_wrap=True, highlight=False) if quiet else console,
            )


@contextmanager
def opened_lake() -> Iterator[Lake]:
    """The lake of the settings, for commands that only read tables and need nothing of Dagster."""
    with errors_in_words():
        settings = load_settings()
        from recsys_lineage.lake.engine import Engine
        from recsys_lineage.lake.lake import Lake

        yield Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads))


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Inside the block, an error made for people is printed without a traceback, and the command fails."""
    try:
        yield
    except LineageError as error:
        from recsys_assets.cli.advice import advice_for

        screen = Console(stderr=True, soft_wrap=True, highlight=False)
        screen.print(f"[red]{escape(str(error))}[/red]")
        if advice := advice_for(error):
            screen.print(f"[red]  With recsys: {escape(advice)}[/red]")
        sys.exit(1)
