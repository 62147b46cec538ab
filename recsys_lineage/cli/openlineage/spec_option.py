"""The option that says where the official schemas are."""

from __future__ import annotations

from typing import Annotated

import typer

SpecOption = Annotated[
    str | None,
    typer.Option(
        "--spec",
        metavar="FOLDER|URL",
        envvar="OPENLINEAGE_SPEC",
        help="The official schemas; openlineage.io, fetched once into the user's cache, without it.",
    ),
]
