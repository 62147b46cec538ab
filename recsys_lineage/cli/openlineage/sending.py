"""`openlineage send`, `status` and `replay`: the queues of the destinations."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from recsys_lineage.cli.openlineage.emitting import emitting
from recsys_lineage.cli.options import AsJson

if TYPE_CHECKING:
    from recsys_lineage.lake.lake import Lake
    from recsys_lineage.openlineage.delivery.dead_letters import DeadLetter
    from recsys_lineage.openlineage.delivery.destination_state import Delivered, DestinationState
    from recsys_lineage.openlineage.delivery.replay import Replay

_SHOWN_LETTERS = 10
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="NAME", help="Only to this destination; may be repeated."),
]
Patience = Annotated[
    float,
    typer.Option(
        min=0, help="Seconds without an accepted event after which a destination is given up for now."
    ),
]
Seconds = Annotated[
    float | None, typer.Option(min=0, help="Stop after so many seconds, even if more is left to send.")
]


def send(
    context: typer.Context,
    to: To = None,
    patience: Patience = 30,
    seconds: Seconds = None,
    as_json: AsJson = False,
) -> None:
    """Send the events that destinations do not have yet.

    Destinations are those of openlineage.yml, OPENLINEAGE__* and OPENLINEAGE_URL; a file events.jsonl without any.
    Exits with 1 when a destination does not have everything.
    """
    with emitting(context) as (lake, emission), _progress(as_json) as progress:
        delivery = emission.delivery(lake, patience=patience)
        done = delivery.send(
            to or (), until=_end(delivery.clock.now(), seconds), again_now=True, progress=progress
        )
    _print_delivered(done, as_json)


def replay(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Runs that began then or later, as 2026-11-26T03:00 (UTC)."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="This run, by its id in Dagster or in OpenLineage.")
    ] = None,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Runs with events that a destination refused.")
    ] = False,
    to: To = None,
    patience: Patience = 30,
    seconds: Seconds = None,
    as_json: AsJson = False,
) -> None:
    """Send runs once more: whole, in order, together with all later runs of the same jobs.

    Later runs are included because a catalog that gets older events last shows the older state. The next send
    finishes an interrupted replay. Exits with 1 when a destination does not have everything.
    """
    with emitting(context) as (lake, emission), _progress(as_json) as progress:
        if sum((since is not None, run is not None, dead_letters)) != 1:
            raise typer.BadParameter("choose one of --since, --run and --dead-letters")
        which = _runs_since(since) if since is not None else None if run is None else _one_run(lake, run)
        delivery = emission.delivery(lake, patience=patience)
        done = delivery.replay(which, to or (), until=_end(delivery.clock.now(), seconds), progress=progress)
    _print_delivered(done, as_json)


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what each destination has, what it waits for, and which events it refused.

    Nothing is sent. Exits with 1 when events were refused, or a destination accepts nothing.
    """
    with emitting(context) as (lake, emission):
        delivery = emission.delivery(lake)
        states, letters = delivery.status(), delivery.dead_letters()
    if as_json:
        answer = {
            "destinations": [state.to_json() for state in states],
            "dead_letters": [letter.to_json() for letter in letters],
        }
        print(json.dumps(answer, default=str))
    else:
        _show_status(states, letters)
    if letters or any(state.trouble for state in states):
        raise typer.Exit(1)


def _show_status(states: Sequence[DestinationState], letters: Sequence[DeadLetter]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)
    if not states:
        out.print("There is no destination: OPENLINEAGE_DISABLED is set, or the only one is noop.")
        return
    table = Table()
    for column in (
        "destination",
        "where",
        "events done",
        "records pending",
        "refused",
        "last taken",
        "state",
    ):
        right = column in ("events done", "records pending", "refused")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for each in states:
        state = "[green]well[/green]"
        if each.trouble:
            next_try = "after the settings are fixed" if each.closed else f"again at {_time(each.retry_at)}"
            state = f"[red]{escape(each.trouble)}[/red] (since {_time(each.since)}, {next_try})"
        table.add_row(
            escape(each.destination),
            escape(each.target),
            f"{each.done:,}",
            f"{each.pending:,}",
            f"{each.dead_letters:,}",
            _time(each.taken),
            state,
        )
    out.print(table)
    for letter in letters[:_SHOWN_LETTERS]:
        status = "" if letter.status is None else f"{letter.status} "
        refusal = " ".join(letter.answer.split())[:200]
        out.print(
            f"{letter.destination} refused {letter.message} of {letter.key}: {status}{refusal}", markup=False
        )
    if len(letters) > _SHOWN_LETTERS:
        out.print(f"… {len(letters):,} in all: --json shows them")
    if letters:
        out.print("replay --dead-letters sends their runs once more, once the cause is fixed.")


def _print_delivered(done: Sequence[Delivered], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"destinations": [each.to_json() for each in done]}))
    else:
        for each in done:
            print(delivery_text(each))
        if not done:
            print("There is no destination: OPENLINEAGE_DISABLED is set, or the only one is noop.")
    if any(each.state != "delivered" or each.set_aside for each in done):
        raise typer.Exit(1)


def delivery_text(done: Delivered) -> str:
    """Result of sending to one destination, in one line."""
    words = {
        "delivered": "it has everything",
        "more": "there is more to send",
        "waiting": f"it accepts nothing for now ({done.text}); nothing is lost",
        "closed": f"it accepts nothing until the settings are fixed ({done.text}); nothing is lost",
        "busy": "another process is sending there",
    }
    aside = f", {done.set_aside:,} refused and set aside" if done.set_aside else ""
    return f"{done.destination} ({done.target}): {done.taken:,} events{aside}; {words[done.state]}."


def _runs_since(text: str) -> Replay:
    from recsys_lineage.errors import WrongQuestion
    from recsys_lineage.openlineage.delivery.replay import Replay, moment

    try:
        since = moment(text)
    except ValueError:
        raise WrongQuestion(
            f"{text!r} is no time.",
            expected="2026-11-26, 2026-11-26T03:00 or 2026-11-26T03:00:00+01:00",
            where="--since",
        ) from None
    return Replay(since=since.isoformat())


def _one_run(lake: Lake, run: str) -> Replay:
    """The replay of a run by its id: OpenLineage's id of one asset's run, or Dagster's id of a run with all its
    assets."""
    from recsys_lineage.openlineage.delivery.replay import Replay
    from recsys_lineage.records.records import Records

    records = [record.id for record in Records(lake).of_run(run)]
    return Replay(runs=(run,), records=(run, *records))


def _end(now: float, seconds: float | None) -> float | None:
    return None if seconds is None else now + seconds


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}"


@contextmanager
def _progress(as_json: bool) -> Iterator[Callable[[str, int], None] | None]:
    """A line on a terminal's stderr with the number of events sent; nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("sending") as line:
        counts: dict[str, int] = {}

        def progress(destination: str, count: int) -> None:
            counts[destination] = count
            line.update(", ".join(f"{name}: {each:,} events" for name, each in counts.items()))

        yield progress
