"""Fast process exit that does not wait for the interpreter's teardown.

`os._exit` runs nothing that others asked to be run at exit, so what must be done all the same is said here.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

_left_to_do: list[Callable[[], object]] = []


def before_leaving(do: Callable[[], object]) -> None:
    """Have something done before the process ends by `leave`."""
    _left_to_do.append(do)


def leave(code: int) -> NoReturn:
    """End the process at once, after its remaining steps; a failing step does not stop the others."""
    for do in reversed(_left_to_do):
        try:
            do()
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_to_the_end(app: Callable[[], object]) -> NoReturn:
    """Run a command line, and leave the process at once when it is done.

    Without that the interpreter takes the engines' native modules apart in an order that makes one of them
    print pages of warnings about leaks after the last line that a person should read.
    """
    code: object = 0
    try:
        app()
    except SystemExit as done:
        code = done.code
    except BaseException:
        traceback.print_exc()
        code = 1
    leave(code if isinstance(code, int) else int(code is not None))
