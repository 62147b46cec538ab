"""Fast process exit that does not wait for the interpreter's teardown.

`os._exit` runs no exit handlers, so necessary last steps are registered here.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

_left_to_do: list[Callable[[], object]] = []


def before_leaving(do: Callable[[], object]) -> None:
    """Register a last step before the process ends by `leave`."""
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
    """Run a command line, and end the process at once when it is done.

    Otherwise the interpreter's teardown makes one of the engines' native modules print pages of warnings about leaks
    after the last line of output.
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
