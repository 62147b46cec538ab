"""Output of a command: words or JSON on stdout, errors included."""

from __future__ import annotations

import errno
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from recsys_lineage.errors import LineageError, WrongQuestion

JSON_OPTION = "--json"
_OF_FILES = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
)
_in_json: ContextVar[bool] = ContextVar("in_json", default=False)


class Commands(TyperGroup):
    """Command group; with `--json`, every error is a JSON object on stdout, with the same exit code.

    The object is `{"error": {"what", "expected", "found", "where", "advice"}}`, with null for unknown members. Expected
    errors are printed on stderr too, as text. `program` is the application's name.
    """

    program = "recsys-lineage"

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
            print_error("The command was aborted.")
            code = 1
        except Exception as error:
            code = _answered(error, self.program)
        finally:
            _in_json.reset(token)
        sys.exit(code if isinstance(code, int) else 0)


def is_in_json() -> bool:
    """Whether the command's output is JSON."""
    return _in_json.get()


@contextmanager
def errors_in_words(advice_for: Callable[[BaseException], str | None] | None = None) -> Iterator[None]:
    """Inside the block, an expected error is printed without a traceback, and the command fails.

    The same holds for a full disk and for missing file permissions. The error is printed on stderr; with `--json` also
    as an object on stdout. The exit code is 2 for a wrong question, else 1.

    Args:
        advice_for: returns the application's addition to an error's advice, beginning with its name: `with shop: …`.
    """
    try:
        yield
    except LineageError as error:
        _print_error(error, advice_for)
    except OSError as error:
        fault = file_fault(error)
        if fault is None:
            raise
        _print_error(fault, advice_for)


def file_fault(error: OSError, where: str | None = None) -> LineageError | None:
    """The LineageError for an error of the disk or of a file's permissions; None for any other error.

    Args:
        where: the path, used if the error does not name one.
    """
    if error.errno not in _OF_FILES:
        return None
    place = where if error.filename is None else str(error.filename)
    return LineageError(
        "A file could not be written or read.",
        expected="a disk with room, and a place that this user may use",
        found=error.strerror,
        where=place,
        advice="free space or fix the permissions there, or name another place; then run again",
    )


def _print_error(error: LineageError, advice_for: Callable[[BaseException], str | None] | None) -> NoReturn:
    advice = advice_for(error) if advice_for is not None else None
    if is_in_json():
        both = "; ".join(text for text in (error.advice, advice) if text)
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
        screen.print(f"[red]  {escape(advice[:1].upper() + advice[1:])}[/red]")
    sys.exit(2 if isinstance(error, WrongQuestion) else 1)


def print_error(
    what: str,
    *,
    expected: str | None = None,
    found: str | None = None,
    where: str | None = None,
    advice: str | None = None,
    **more: Any,
) -> None:
    """Print an error as JSON.

    Args:
        what: the fault, in one sentence.
        expected: the right thing.
        found: the thing found instead.
        where: file and line, table, asset or setting.
        advice: the next step.
        more: further members of the command's answer.
    """
    error = {"what": what, "expected": expected, "found": found, "where": where, "advice": advice}
    print(json.dumps({**more, "error": error}, default=str), flush=True)


def _answered(error: Exception, program: str) -> int:
    """Print an error that was raised outside of the commands as JSON; returns the exit code.

    Errors of the command line itself have messages for people; all others are faults of the program.
    """
    formatted = getattr(error, "format_message", None)
    if formatted is not None:
        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else None
        print_error(formatted(), where=where, advice=f"{where or program} --help")
        return int(getattr(error, "exit_code", 1))
    traceback.print_exc()
    print_error(
        f"{type(error).__name__}: {error}",
        advice=f"this is a fault of {program} itself: report it, with the traceback on stderr",
    )
    return 1
