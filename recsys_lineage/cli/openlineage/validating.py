"""`openlineage validate`: events of a file, checked against the official schemas and further rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from recsys_lineage.cli.command_output import errors_in_words
from recsys_lineage.cli.openlineage.spec_option import SpecOption
from recsys_lineage.cli.options import AsJson

STDIN = "-"
File = Annotated[str, typer.Argument(metavar="FILE|-", help="Events, one per line, or a list; - for stdin.")]


def validate(
    file: File,
    spec: SpecOption = None,
    part: Annotated[
        bool,
        typer.Option("--part", help="Part of a longer stream: runs may begin before it and end after it."),
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="RULE", help="A rule to ignore; may be repeated."),
    ] = None,
    most: Annotated[int, typer.Option(min=0, help="Maximum number of faults to show; all are counted.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Validate events against OpenLineage's official schemas, and against rules that no schema can state.

    Facets whose schema is not an official one are listed, and are not a fault. Exits with 1 when there is a fault, or
    no event.
    """
    with errors_in_words():
        from recsys_lineage.cli.openlineage import showing  # noqa: F401  # registers how a report is shown
        from recsys_lineage.cli.show import print_answer
        from recsys_lineage.openlineage.validation import validate as query
        from recsys_lineage.openlineage.validation.spec import Spec

        with opened(file) as stream:
            report = query(stream, Spec(spec), source=file, is_part=part, ignored=ignore or (), most=most)
        print_answer(report, "tree", None, as_json)
    if not report.found:
        raise typer.Exit(1)


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """The file, or stdin.

    Raises:
        WrongQuestion: when it cannot be read.
    """
    if file == STDIN:
        yield sys.stdin.buffer
        return
    from recsys_lineage.errors import WrongQuestion

    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise WrongQuestion(
                "The file cannot be read.", expected="a file of events", found=error.strerror, where=file
            ) from error
        yield stream
