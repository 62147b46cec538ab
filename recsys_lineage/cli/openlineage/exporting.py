"""`openlineage export`: all events as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from recsys_lineage.cli.openlineage.emitting import emitting
from recsys_lineage.cli.options import AsJson

if TYPE_CHECKING:
    from recsys_lineage.openlineage.message import Message

_STDOUT = "-"


def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A file to write, or - for stdout.")],
    as_json: AsJson = False,
) -> None:
    """Write all events of the records, one per line, in the order in which they are sent.

    Exits with 1 when a record could not be turned into events; the others are written all the same.
    """
    if as_json and file == _STDOUT:
        raise typer.BadParameter("choose one of --json and -")
    with emitting(context) as (lake, emission):
        stream = emission.stream(lake)
        if file == _STDOUT:
            sys.stdout.flush()
            count, faults = _written(stream.after(None), sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            path = Path(file)
            draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
            try:
                with draft.open("wb") as target:
                    count, faults = _written(stream.after(None), target)
                os.replace(draft, path)
            except OSError as error:
                from recsys_lineage.errors import WrongQuestion

                raise WrongQuestion(
                    "The file cannot be written.",
                    found=error.strerror,
                    where=str(path),
                    advice="name another one",
                ) from error
            finally:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
    for id_, fault in faults.items():
        print(f"The record {id_} cannot be turned into events: {fault}", file=sys.stderr)
    if as_json:
        print(json.dumps({"events": count, "file": file, "not_told": faults}))
    elif file != _STDOUT:
        print(f"{count:,} events in {file}")
    if faults:
        raise typer.Exit(1)


def _written(messages: Iterable[Message], target: BinaryIO) -> tuple[int, dict[str, str]]:
    count = 0
    faults: dict[str, str] = {}
    for message in messages:
        if message.fault is not None:
            faults[message.record] = message.fault
        else:
            target.write(message.body + b"\n")
            count += 1
    return count, faults
