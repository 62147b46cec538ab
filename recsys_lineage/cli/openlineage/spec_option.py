"""The option for the location of the official schemas."""

from __future__ import annotations

from typing import Annotated

import typer

SpecOption = Annotated[
    str | None,
    typer.Option(
        "--spec",
        metavar="FOLDER|URL",
        envvar="OPENLINEAGE_SPEC",
        help="Folder of the official schemas; by default fetched once from openlineage.io into the user's cache.",
    ),
]
