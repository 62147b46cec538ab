"""`openlineage import`, `imports` and `serve`: events of other systems."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from recsys_lineage.cli.openlineage.spec_option import SpecOption
from recsys_lineage.cli.openlineage.validating import File, opened
from recsys_lineage.cli.options import AsJson
from recsys_lineage.cli.place import Place

if TYPE_CHECKING:
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.openlineage.validation.official_schemas import Schemas


def import_(context: typer.Context, file: File, spec: SpecOption = None, as_json: AsJson = False) -> None:
    """Import events of other systems, such as Spark, Airflow or dbt, into the lineage of the lake.

    Each is kept once, unchanged. Events that violate the official schemas are reported and kept all the same. Exits
    with 1 when an event was refused: it is no JSON object, too large or too deep, or names no job or dataset.
    """
    with _one_lake(context) as (lake, _):
        from dataclasses import replace

        from recsys_lineage.cli.openlineage import showing  # noqa: F401  # registers how an answer is shown
        from recsys_lineage.cli.show import print_answer
        from recsys_lineage.openlineage.delivery.event_lines import read_events
        from recsys_lineage.openlineage.intake.imports import Imports
        from recsys_lineage.openlineage.intake.receiving import receive

        schemas, why_not = _schemas(spec)
        with opened(file) as stream:
            received = receive(read_events(stream), Imports(lake), schemas, file)
        print_answer(replace(received, unchecked=why_not), "tree", None, as_json)
    if not received.found:
        raise typer.Exit(1)


def imports(context: typer.Context) -> None:
    """Print the imported events of other systems, one per line, unchanged.

    Exits with 1 when there are none.
    """
    count = 0
    with _one_lake(context) as (lake, _):
        from recsys_lineage.openlineage.intake.imports import Imports

        sys.stdout.flush()
        for each in Imports(lake).read():
            sys.stdout.buffer.write(each.one_line.encode() + b"\n")
            count += 1
        sys.stdout.buffer.flush()
    if not count:
        raise typer.Exit(1)


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 5050,
    spec: SpecOption = None,
) -> None:
    """Listen for events of other systems: POST /api/v1/lineage, one event or a list.

    They become part of the lineage of the lake, as with `import`. The senders' API key is the token of
    OPENLINEAGE_INTAKE_TOKEN; without one only this machine may send.
    """
    with _one_lake(context) as (lake, place):
        import uvicorn

        from recsys_lineage.openlineage.intake.app import TOKEN, intake_app, require_token
        from recsys_lineage.openlineage.intake.imports import Imports

        token = place.variables.get(TOKEN) or None
        require_token(host, token)
        schemas, why_not = _schemas(spec)
        if why_not is not None:
            print(f"Events are not validated against the official schemas: {why_not}", file=sys.stderr)
        app = intake_app(Imports(lake), schemas, token)
        uvicorn.run(app, host=host, port=port, log_level="info", server_header=False)


@contextmanager
def _one_lake(context: typer.Context) -> Iterator[tuple[Lake, Place]]:
    """The lake of a command and its place; inside the block, expected errors are printed as messages."""
    from recsys_lineage.errors import WrongQuestion

    open_place: Callable[[], AbstractContextManager[Place]] = context.obj
    with open_place() as place:
        if len(place.lakes) != 1:
            raise WrongQuestion(
                "Events can be imported into one lake only.",
                expected="one lake",
                found=", ".join(lake.uri for lake in place.lakes),
                advice="name it with --lake",
            )
        yield place.lakes[0], place


def _schemas(spec: str | None) -> tuple[Schemas | None, str | None]:
    """The official schemas; None with the reason if none are named and they cannot be fetched, which refuses no
    events."""
    from recsys_lineage.openlineage.validation.official_schemas import Schemas
    from recsys_lineage.openlineage.validation.spec import EVENT, NoSpec, Spec

    try:
        found = Spec(spec)
        found.document(EVENT)
    except NoSpec as error:
        if spec is not None:
            raise
        return None, f"{error.message} Name a folder with --spec."
    return Schemas(found), None
