"""How a command answers: in words, or by JSON on stdout, errors too."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from recsys_lineage.errors import LineageError

JSON_OPTION = "--json"
_in_json: ContextVar[bool] = ContextVar("in_json", default=False)


class Commands(TyperGroup):
    """The commands; with `--json`, whatever goes wrong is a JSON object on stdout, with the same exit code.

    The object is `{"error": {"what", "expected", "found", "where", "advice"}}`, null where nothing is known. Errors
    made for people stand on stderr too, in words.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if JSON_OPTION not in words or not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, windows_expand_args, **extra)
        token = _in_json.set(True)
        try:
            code = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            print_error("The command was given up.")
            code = 1
        except Exception as error:
            code = _answered(error)
        finally:
            _in_json.reset(token)
        sys.exit(code if isinstance(code, int) else 0)


def is_in_json() -> bool:
    """Whether the command was asked to answer by JSON."""
    return _in_json.get()


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Inside the block, an error made for people is printed without a traceback, and the command fails.

    It is told on stderr; with `--json` as an object on stdout too.
    """
    try:
        yield
    except LineageError as error:
        from recsys_assets.cli.advice import advice_for

        advice = advice_for(error)
        if is_in_json():
            both = "; with recsys: ".join(text for text in (error.advice, advice) if text)
            print_error(
                error.message,
                expected=error.expected,
                found=error.found,
                where=error.where,
                advice=both or None,
            )
        screen = Console(stderr=True, soft_wrap=True, highlight=False)
        screen.print(f"[red]{escape(str(error))}[/red]")
        if advice:
            screen.print(f"[red]  With recsys: {escape(advice)}[/red]")
        sys.exit(1)


def print_error(
    what: str,
    *,
    expected: str | None = None,
    found: str | None = None,
    where: str | None = None,
    advice: str | None = None,
    **beside: Any,
) -> None:
    """Print an error as JSON.

    Args:
        what: what is wrong, in one sentence.
        expected: what would have been right.
        found: what was there instead.
        where: file and line, table, asset or setting.
        advice: what to do next.
        beside: what else the command answers.
    """
    error = {"what": what, "expected": expected, "found": found, "where": where, "advice": advice}
    print(json.dumps({**beside, "error": error}, default=str), flush=True)


def fail(errors: dict[str, str], **beside: Any) -> NoReturn:
    """End a command whose assets failed, with exit code 1.

    Args:
        errors: asset → what went wrong, in words.
        beside: what else the command answers by JSON.
    """
    if is_in_json():
        print_error(
            f"{len(errors)} of the assets failed.",
            expected="every asset to be made",
            found="\n".join(f"{step}: {text}" for step, text in errors.items()),
            where=", ".join(errors),
            advice="recsys logs RUN tells what each asset did; run again to go on where it stopped",
            **beside,
        )
    screen = Console(stderr=True)
    for step, text in errors.items():
        screen.print(f"[red]{escape(step)} failed:[/red] {escape(text)}", highlight=False)
    sys.exit(1)


def _answered(error: Exception) -> int:
    """Print what was raised past the commands as JSON; the exit code.

    What the command line itself refuses has a message for people; all else is a fault of the program.
    """
    told = getattr(error, "format_message", None)
    if told is not None:
        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else None
        print_error(told(), where=where, advice=f"{where or 'recsys'} --help")
        return int(getattr(error, "exit_code", 1))
    traceback.print_exc()
    print_error(
        f"{type(error).__name__}: {error}",
        advice="this is a fault of recsys itself: report it, with the traceback on stderr",
    )
    return 1
