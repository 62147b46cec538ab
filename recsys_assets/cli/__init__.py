"""The command line: the command `recsys` and its output."""

import os
import signal
import sys
from types import FrameType

from recsys_assets.cli.stop_signals import SIGNALS, STOPPED


def main() -> None:
    """Run the command line until it is done or stopped, and exit at once."""
    for number in SIGNALS:  # until the modules below are imported
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    # not above: each worker of `recsys serve` imports this package, as the main module, and needs no commands
    from recsys_lineage.process_end import run_to_the_end

    run_to_the_end(_commands)


def _commands() -> None:
    from recsys_assets.cli.stopping import stopping_at_once

    # from here on, as the commands take their time to be imported
    with stopping_at_once(_print, unless_handled=True):
        from recsys_assets.cli.commands import app

        app()


def _print(line: str) -> None:
    import json

    print(line, file=sys.stderr, flush=True)
    if "--json" in sys.argv:
        parts = dict.fromkeys(("what", "expected", "found", "where", "advice"))
        print(json.dumps({"error": {**parts, "what": line}}), flush=True)


def _leave(number: int, _frame: FrameType | None) -> None:
    _print(STOPPED)
    os._exit(128 + number)
