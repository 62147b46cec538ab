"""Session: parts that commands share, such as the console, the opened platform, and the display of errors."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from recsys_assets.cli.command_output import JSON_OPTION, errors_in_words, is_in_json, print_error
from recsys_assets.cli.stop_signals import STOPPED
from recsys_assets.cli.stopping import stopping_at_once

if TYPE_CHECKING:
    from dagster import Definitions

    from recsys_assets.runs.platform import Platform
    from recsys_assets.settings import Settings
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.openlineage.emission import Emission
    from recsys_lineage.records.records import Records

console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 120)
AsJson = Annotated[bool, typer.Option(JSON_OPTION, help="Print one JSON object instead.")]


def load_settings() -> Settings:
    """The settings; imported only when a command needs them, so that `--help` is fast."""
    from recsys_assets import settings

    return settings.load_settings()


def emission_of_home() -> Emission:
    """The emission of the home's events; its assets are defined only when needed."""
    from recsys_assets.openlineage import emission

    settings = load_settings()

    def defined() -> Definitions:
        from recsys_assets.definitions import build_definitions

        return build_definitions(settings)

    return emission(settings, defined)


@contextmanager
def opened_platform(quiet: bool = False) -> Iterator[tuple[Platform, Console]]:
    """The platform of the settings, and where to print: stderr when stdout is for JSON."""
    out = Console(stderr=True, soft_wrap=True, highlight=False) if quiet else console

    def notify(line: str) -> None:
        if is_in_json() and line == STOPPED:
            print_error(line)
            return
        out.show_cursor()  # a progress bar hides it, and may not come to show it again
        out.print(line, markup=False)

    with stopping_at_once(notify), errors_in_words(), set_apart() as loaded:
        settings = load_settings()
        from recsys_assets.instance import disk_faults_in_words, open_instance

        with disk_faults_in_words(settings), open_instance(settings) as instance:
            from recsys_assets.runs.platform import Platform

            platform = Platform(settings, instance)
            loaded()
            yield platform, out


@contextmanager
def set_apart() -> Iterator[Callable[[], None]]:
    """Exclude the objects that exist when the returned function is called from garbage collection.

    Until then nothing is collected. Modules and definitions live as long as the command; scanning them again and again
    takes a sixth of a command's start.
    """
    collects = gc.isenabled()
    gc.disable()

    def made() -> None:
        gc.freeze()
        if collects:
            gc.enable()

    try:
        yield made
    finally:
        gc.unfreeze()
        if collects:
            gc.enable()


@contextmanager
def opened_lake() -> Iterator[Lake]:
    """The lake of the settings, for commands that only read tables and need no Dagster."""
    with errors_in_words():
        settings = load_settings()
        from recsys_lineage.lake.engine import Engine
        from recsys_lineage.lake.lake import Lake

        yield Lake(settings.lake_url, Engine(settings.memory_bytes, settings.threads))


@contextmanager
def opened_records() -> Iterator[Records]:
    """The records of the settings' lake, for commands that only read them."""
    with opened_lake() as lake:
        from recsys_lineage.records.records import Records

        yield Records(lake)
