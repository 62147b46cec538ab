"""Options and arguments shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys_lineage.cli.command_output import JSON_OPTION

_TARGET = "ASSET, ASSET@VERSION, with [PARTITION] or .COLUMN behind it, file:PATH, file:PATH@SHA256, run:ID, record:ID."
Target = Annotated[str, typer.Argument(metavar="TARGET", help=_TARGET)]
AsJson = Annotated[bool, typer.Option(JSON_OPTION, help="Print one JSON object instead.")]
STATE_COLOURS = {"success": "green", "failed": "red", "lost": "red", "canceled": "yellow"}
"""Colours of the states of runs."""
FORMATS = ("tree", "mermaid", "dot", "svg", "png")


def _format(given: str) -> str:
    if given not in FORMATS:
        raise typer.BadParameter(f"choose one of {', '.join(FORMATS)}")
    return given


Format = Annotated[
    str, typer.Option("--format", callback=_format, help="tree (words), mermaid, dot, svg or png.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Write into this file instead of printing.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="WHEN", help="As the graph was: a time, run:ID, or ASSET@VERSION."),
]
Depth = Annotated[int | None, typer.Option(min=1, help="Maximum number of steps.")]
Limit = Annotated[
    int,
    typer.Option(
        min=1,
        help="Back: rows of a table that are followed further; of more, only the lines that they name are told.",
    ),
]
