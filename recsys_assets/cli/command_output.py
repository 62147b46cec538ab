"""Output of the commands of `recsys`: that of the lineage commands, with advice on settings and commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape

from recsys_lineage.cli import command_output
from recsys_lineage.cli.command_output import JSON_OPTION, is_in_json, print_error

__all__ = [
    "JSON_OPTION",
    "Commands",
    "errors_in_words",
    "fail",
    "is_in_json",
    "print_error",
]


class Commands(command_output.Commands):
    """The commands of `recsys`."""

    program = "recsys"


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Inside the block, an error made for people is printed without a traceback, and the command fails."""

    def advice(error: BaseException) -> str | None:
        from recsys_assets.cli.advice import advice_for

        found = advice_for(error)
        return None if found is None else f"with recsys: {found}"

    with command_output.errors_in_words(advice):
        yield


def fail(errors: dict[str, str], **more: Any) -> NoReturn:
    """End a command whose assets failed, with exit code 1.

    Args:
        errors: asset → its error, in words.
        more: further keys of the JSON output.
    """
    if is_in_json():
        print_error(
            f"{len(errors)} of the assets failed.",
            expected="every asset to be made",
            found="\n".join(f"{step}: {text}" for step, text in errors.items()),
            where=", ".join(errors),
            advice="recsys logs RUN shows what each asset did; run again to resume",
            **more,
        )
    screen = Console(stderr=True)
    for step, text in errors.items():
        screen.print(f"[red]{escape(step)} failed:[/red] {escape(text)}", highlight=False)
    sys.exit(1)
