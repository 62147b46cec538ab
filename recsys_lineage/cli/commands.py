"""The commands: each asks one question of the records, and prints the answer as words, JSON or a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from recsys_lineage.cli.command_output import Commands
from recsys_lineage.cli.openlineage.app import openlineage_app
from recsys_lineage.cli.options import AsJson, At, Depth, Format, Limit, Out, Target
from recsys_lineage.cli.place import OpenPlace, Place, opened_lakes
from recsys_lineage.cli.query_answers import answer_from_graph, answer_from_place, rebuilt
from recsys_lineage.process_end import run_to_the_end

HELP = "What was made of what: observed by every run, asked for tables, columns, files and runs."


def upstream(
    context: typer.Context,
    target: Target,
    depth: Depth = None,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show everything upstream: what something was made of, back to the files.

    Exits with 1 when it was made of nothing.
    """
    from recsys_lineage.graph.questions.closure import upstream as query

    answer_from_graph(context, lambda graph: query(graph, target, depth), at, format, out, as_json)


def downstream(
    context: typer.Context,
    target: Target,
    depth: Depth = None,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show everything downstream: what was made of something.

    Exits with 1 when nothing was.
    """
    from recsys_lineage.graph.questions.closure import downstream as query

    answer_from_graph(context, lambda graph: query(graph, target, depth), at, format, out, as_json)


def columns(
    context: typer.Context,
    target: Target,
    down: Annotated[bool, typer.Option("--down", help="Downstream: what was made of it.")] = False,
    direct: Annotated[
        bool,
        typer.Option(
            "--direct", help="Direct lineage only: columns whose values go in, not those that only decide."
        ),
    ] = False,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show column lineage: the columns that a column was made of, through all tables in between.

    Without a column: of all columns of the table. Exits with 1 when there are none.
    """
    from recsys_lineage.graph.questions.columns import columns as query

    way = "down" if down else "up"
    answer_from_graph(
        context, lambda graph: query(graph, target, way, direct=direct), at, format, out, as_json
    )


def impact(
    context: typer.Context,
    target: Target,
    materialize: Annotated[
        bool,
        typer.Option(
            "--materialize", help="Rebuild what is affected and not rebuilt yet, instead of only listing it."
        ),
    ] = False,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show what a change affects, what was rebuilt since, and in which order to rebuild the rest.

    For an asset, column, partition or file the present state counts as right; a version, a file's content or a run
    that you name is itself in question. Exits with 1 when nothing is affected, or an asset could not be made.
    """
    from recsys_lineage.graph.questions.impact import impact as query

    if materialize and at is not None:
        raise typer.BadParameter("choose one of --materialize and --at")
    answer_from_graph(
        context,
        lambda graph: query(graph, target),
        at,
        format,
        out,
        as_json,
        partial(rebuilt, as_json) if materialize else None,
    )


def paths(
    context: typer.Context,
    source: Target,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="The end of the paths, written in the same way.")
    ],
    most: Annotated[int, typer.Option(min=1, help="Maximum number of paths, the shortest first.")] = 20,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show the paths by which one thing came into another.

    Exits with 1 when there is none.
    """
    from recsys_lineage.graph.questions.paths import paths as query

    answer_from_graph(context, lambda graph: query(graph, source, target, most), at, format, out, as_json)


def asof(
    context: typer.Context,
    when: Annotated[
        str,
        typer.Argument(metavar="WHEN", help="A time as 2026-11-26T03:00 (UTC), run:ID, or ASSET@VERSION."),
    ],
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show the version of each table at a time, at the end of a run, or when a version was made.

    Exits with 1 when there was none yet.
    """
    from recsys_lineage.graph.questions.asof import asof as query

    answer_from_graph(context, lambda graph: query(graph, when), None, format, out, as_json)


def diff(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE", help="ASSET@VERSION, or run:ID for every table at the end of a run."
        ),
    ],
    after: Annotated[
        str | None,
        typer.Argument(
            metavar="[AFTER]",
            help="The same of later; by default the latest version. ASSET alone: its latest two.",
        ),
    ] = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two versions in all that they were made of, and where it starts.

    Code, parameters, libraries and files; then rows, metrics and checks of each asset. Exits with 1 when nothing does.
    """
    from recsys_lineage.graph.questions.diff import diff as query
    from recsys_lineage.graph.questions.target import require_records

    def compared(place: Place) -> Any:
        graph = place.graph()
        require_records(graph)
        return query(graph, place.records(), before, after)

    answer_from_place(context, compared, format, out, as_json)


def runs(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]", help="Only runs of this ASSET, or the one that made ASSET@VERSION; run:ID."
        ),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Number of runs, newest first.")] = 20,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show what ran, how it ended and what it made, newest first.

    Exits with 1 when nothing ran.
    """
    from recsys_lineage.graph.questions.run_history import runs as query

    answer_from_graph(context, lambda graph: query(graph, target, last), at, format, out, as_json)


def rows(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="TABLE, TABLE@VERSION, file:PATH or file:PATH:FIRST-LAST.")
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COLUMN=VALUE]...",
            help="COLUMN=VALUE, enough to identify the row; COLUMN alone for NULL.",
        ),
    ] = None,
    forward: Annotated[
        bool,
        typer.Option(
            "--forward", help="Forward: what the rows flowed into; always so for the lines of a file."
        ),
    ] = False,
    files: Annotated[
        Path | None, typer.Option("--files", help="Folder whose source files are hashed again.")
    ] = None,
    limit: Limit = 100_000,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Trace one row back to the lines of the source files, or the lines of a file on to every table.

    Exits with 1 when the trace finds nothing, or there is no such row.
    """

    def query(place: Place) -> Any:
        from recsys_lineage.cli.row_trace import traced

        return traced(place.lakes, target, values or (), forward=forward, files=files, limit=limit)

    answer_from_place(context, query, format, out, as_json)


def tags(
    context: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="Only this TAG, TABLE or TABLE.COLUMN.")
    ] = None,
    at: At = None,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show which columns hold tagged data, such as personal data, and where it came from.

    Exits with 1 when there are none.
    """
    from recsys_lineage.graph.questions.asof import asof as versions_at
    from recsys_lineage.graph.questions.tagged import tags as query

    def tagged(place: Place) -> Any:
        return query(place.records(), target, None if at is None else versions_at(place.graph(), at))

    answer_from_place(context, tagged, format, out, as_json)


def verify(
    context: typer.Context,
    assets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ASSET[@VERSION]]...", help="Assets to test; by default all whose code is known."
        ),
    ] = None,
    night: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Test more rows, rows of mixed values too, and run each asset once more: a night for a whole shop.",
        ),
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option(
            min=1, help="Maximum number of rows of each input table; default 100, or 300 with --all."
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Number of rows of the result to trace; default 3, or 10 with --all."),
    ] = None,
    reads: Annotated[
        bool | None,
        typer.Option(
            "--reads/--no-reads",
            help="Run whole assets once more to see what they open; by default those that took up to ten seconds.",
        ),
    ] = None,
    seconds: Annotated[
        int | None,
        typer.Option(min=1, help="Seconds for each asset; default 60, or no limit with --all."),
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Test today's code even if it has changed since the version was made."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the random samples.")] = 0,
    format: Format = "tree",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Test the lineage of assets: change their inputs, run their code again, and compare.

    Nothing is committed. By default samples are tested, in minutes for all assets of a shop; `--all` finds more,
    overnight. Exits with 1 when anything was refuted, or could not be tried.
    """
    from dataclasses import replace

    from rich.console import Console

    from recsys_lineage.cli.proving import NIGHT, Extent, proofs_of

    screen = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

    def query(place: Place) -> Any:
        wanted = {"rows": rows, "sample": sample, "reads": reads, "seconds": seconds}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        extent = replace(NIGHT if night else Extent(), **chosen)
        return proofs_of(place, assets or (), extent=extent, seed=seed, other_code=anyway, tell=screen.print)

    answer_from_place(context, query, format, out, as_json)


COMMANDS: tuple[Callable[..., None], ...] = (
    upstream, downstream, columns, rows, impact, paths, asof, diff, runs, tags, verify,
)  # fmt: skip


def lineage_app(open_place: OpenPlace, **how: Any) -> typer.Typer:
    """The commands for an application to mount; their help is found without opening anything.

    Args:
        open_place: opens the lakes when a command is called.
        how: arguments for `typer.Typer`.
    """
    made = typer.Typer(help=HELP, no_args_is_help=True, **how)

    @made.callback()
    def _opened(context: typer.Context) -> None:
        context.obj = open_place

    return _with_commands(made)


app = typer.Typer(cls=Commands, help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _options(
    context: typer.Context,
    lake: Annotated[
        list[str],
        typer.Option(metavar="URI", help="The lake's folder or s3:// URL; may be repeated."),
    ],
    openlineage: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the destinations' positions; by default next to a local lake.",
        ),
    ] = None,
) -> None:
    context.obj = partial(opened_lakes, lake, openlineage)


def _with_commands(made: typer.Typer) -> typer.Typer:
    for command in COMMANDS:
        made.command()(command)
    return made


_with_commands(app)
app.add_typer(openlineage_app(), name="openlineage")


def main() -> None:
    """Run the command line by itself."""
    run_to_the_end(app)
