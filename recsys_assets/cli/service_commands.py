"""`recsys serve`, `champion`, `token` and `experiments`: serving over HTTP, access to it, and its results."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from recsys_assets.cli.command_output import errors_in_words
from recsys_assets.cli.session import AsJson, console, load_settings, opened_lake

if TYPE_CHECKING:
    from recsys_assets.service.champion_decisions import Champion
    from recsys_lineage.records.decision import Decision

app = typer.Typer()
champion_app = typer.Typer(help="Show which champion serves, and choose another one.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens with which other machines use the service.", no_args_is_help=True)

experiments_app = typer.Typer(help="Reports of the experiments.", no_args_is_help=True)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of worker processes.")] = 1,
) -> None:
    """Serve recommendations over HTTP until Ctrl-C."""
    from recsys_assets.service.server import run_service

    with errors_in_words():
        run_service(load_settings(), port, workers, notify=lambda line: console.print(line, markup=False))


@app.command()
def simulate(
    url: Annotated[
        str | None, typer.Option(help="URL of the service; by default that of the settings.")
    ] = None,
    customers: Annotated[int, typer.Option(min=1, help="Number of customers.")] = 1000,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of each list.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of who comes and what they do.")] = 7,
    token: Annotated[
        str | None, typer.Option(envvar="SERVICE_TOKEN", help="Token with the scopes read and events.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the service.")] = 10,
    example: Annotated[
        bool, typer.Option("--example", help="Write an example experiment with rules, if the home has none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate customers of the held-out weeks against the running service: they are interested in what they bought."""
    from recsys_assets.service import simulation
    from recsys_assets.service.service_files import ServiceFiles

    with opened_lake() as lake:
        settings = load_settings()
        files = ServiceFiles(settings.home)
        truth = simulation.purchases_held_out(lake)
        wrote = example and simulation.write_example(files.experiments, files.rules)
        service = simulation.ServiceClient(
            url or f"http://{settings.service_host}:{settings.service_port}", token
        )
        service.wait(wait, experiment=wrote)
        service.require_home(lake)
        typed = simulation.queries(lake)
        found = simulation.simulate(truth, service, customers=customers, k=k, seed=seed, queries=typed)
        if as_json:
            print(json.dumps(asdict(found)))
            return
        console.print(
            f"{found.answers:,} customers came, searched {found.searches:,} times, clicked {found.clicks:,} times and"
            f" bought {found.purchases:,} things."
        )


@champion_app.command("list")
def list_champions(as_json: AsJson = False) -> None:
    """Show the versions of the champion, which of them serves, and what was decided."""
    from recsys_assets.service.answers.served_model import CHAMPION
    from recsys_assets.service.champion_decisions import champions
    from recsys_assets.service.processes.running import running_processes
    from recsys_assets.service.service_files import ServiceFiles

    with opened_lake() as lake:
        found = champions(lake, running_processes(ServiceFiles(load_settings().home).own))
        if as_json:
            print(json.dumps({"champions": [asdict(each) for each in found]}, default=str))
            return
        from rich.table import Table

        table = Table("version", "family", "made", "record", "serves", "decided")
        for each in found:
            version = str(each.version) if each.table == CHAMPION else f"{each.table}@{each.version}"
            table.add_row(
                version, each.family or "", f"{each.made:%Y-%m-%d %H:%M}", each.record or "",
                _whether_it_serves(each), escape(each.decided or ""),
            )  # fmt: skip
        console.print(table if found else "There is no champion yet.")
        for each in found:
            if each.fault is not None:
                console.print(
                    f"{each.table}@{each.version} was chosen, but does not serve: {each.fault}", markup=False
                )


def _whether_it_serves(champion: Champion) -> str:
    """Serving state in a word: a choice takes effect within seconds, a broken one never."""
    if champion.serves:
        return "yes"
    if champion.chosen:
        return "cannot" if champion.fault else "not yet"
    return "pruned" if champion.pruned else ""


Reason = Annotated[str, typer.Option("--reason", "--why", help="Why, for those who find it years later.")]
Who = Annotated[str, typer.Option(help="Who decides; by default the user who is logged in.")]
Hold = Annotated[
    bool,
    typer.Option("--hold", help="Let it serve until the next decision, even if there are new champions."),
]


@champion_app.command()
def rollback(
    version: Annotated[
        str,
        typer.Argument(metavar="VERSION", help="Version to serve again, such as 3 or champion@3."),
    ],
    reason: Reason,
    who: Who = "",
    hold: Hold = False,
    as_json: AsJson = False,
) -> None:
    """Roll back: an older champion serves until the next night's champion; who and why is recorded.

    A running service switches within seconds.
    """
    _decide("rollback", version, reason, who, hold, as_json)


@champion_app.command()
def promote(
    reason: Reason,
    version: Annotated[
        str,
        typer.Argument(metavar="[VERSION]", help="Newer version to serve, such as 5 or champion@5."),
    ] = "",
    candidate: Annotated[
        str,
        typer.Option(metavar="FAMILY", help="Instead of a version: the candidate to serve."),
    ] = "",
    who: Who = "",
    hold: Hold = False,
    as_json: AsJson = False,
) -> None:
    """Promote a newer champion, or a candidate in its place, until the next night's champion.

    Who and why is recorded. A running service switches within seconds. A candidate's family stays champion,
    whatever the gate finds, until the next decision.
    """
    from recsys_assets.service.champion_decisions import DecisionError, promote_candidate

    if version and not candidate:
        _decide("promote", version, reason, who, hold, as_json)
        return
    with opened_lake() as lake:
        if version or not candidate:
            raise DecisionError(
                "It is not clear which version should serve.",
                expected="either a version of the champion, or a candidate by --candidate",
                found="both" if version else "neither",
                advice="recsys champion list shows the versions, recsys ls the candidates",
            )
        decision = promote_candidate(lake, candidate, who=who or getpass.getuser(), reason=reason, held=hold)
        _print_decision(decision, as_json)


@champion_app.command()
def canary(
    family: Annotated[
        str,
        typer.Argument(metavar="CANDIDATE", help="The recommender, such as lightgcn or candidate_lightgcn."),
    ],
    share: Annotated[
        float, typer.Argument(metavar="SHARE", help="Share of the customers, 0 to 1; 0 ends the canary.")
    ],
    reason: Reason,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Let a candidate answer a share of the customers, always the same ones; who and why is recorded."""
    from recsys_assets.service.champion_decisions import set_canary

    with opened_lake() as lake:
        decision = set_canary(lake, family, share, who=who or getpass.getuser(), reason=reason)
        if as_json:
            print(json.dumps(decision.to_json()))
            return
        if share:
            console.print(f"{decision.asset} answers {share:.2%} of the customers.", markup=False)
        else:
            console.print("The champion answers all customers again.")
        console.print(f"Recorded as {decision.id}.")


def _decide(
    action: Literal["rollback", "promote"], version: str, reason: str, who: str, hold: bool, as_json: bool
) -> None:
    from recsys_assets.service.champion_decisions import roll_back, version_named

    with opened_lake() as lake:
        decision = roll_back(
            lake,
            version_named(version),
            who=who or getpass.getuser(),
            reason=reason,
            held=hold,
            action=action,
        )
        _print_decision(decision, as_json)


def _print_decision(decision: Decision, as_json: bool) -> None:
    """Print what serves from now on."""
    if as_json:
        print(json.dumps(decision.to_json()))
        return
    newer = "a newer one" if decision.asset == "champion" else "a new champion"
    until = "until the next decision" if decision.held else f"until there is {newer}"
    before = f"{decision.before_asset or decision.asset}@{decision.before}"
    now = f"{decision.asset}@{decision.version}"
    instead = f" instead of {before}" if now != before else ""
    console.print(f"{now} serves{instead}, {until}.", markup=False)
    console.print(f"Recorded as {decision.id}.")


@token_app.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Who uses it.")],
    scope: Annotated[list[str], typer.Option(help="What it permits: read, events or admin.")],
    as_json: AsJson = False,
) -> None:
    """Create a token and show it once; only its hash is stored."""
    from recsys_assets.service.service_files import ServiceFiles
    from recsys_assets.service.web.tokens import Tokens

    with errors_in_words():
        secret = Tokens(ServiceFiles(load_settings().home).tokens).add(name, scope)
        print(json.dumps({"name": name, "token": secret}) if as_json else secret)


@token_app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens: names and scopes."""
    from recsys_assets.service.service_files import ServiceFiles
    from recsys_assets.service.web.tokens import Tokens

    with errors_in_words():
        found = Tokens(ServiceFiles(load_settings().home).tokens).all()
        if as_json:
            plain = [{"name": each.name, "scopes": each.scopes, "made": each.made} for each in found]
            print(json.dumps({"tokens": plain}))
            return
        for each in found:
            console.print(f"{each.name}: {', '.join(each.scopes)} (since {each.made})", markup=False)
        if not found:
            console.print("There is no token.")


@token_app.command("remove")
def remove_token(name: Annotated[str, typer.Argument(help="Who used it.")]) -> None:
    """Revoke a token; a running service refuses it within seconds."""
    from recsys_assets.service.service_files import ServiceFiles
    from recsys_assets.service.web.tokens import Tokens

    with errors_in_words():
        Tokens(ServiceFiles(load_settings().home).tokens).remove(name)
        console.print(f"The token {name} is revoked.", markup=False)


@experiments_app.command("report")
def report_experiments(as_json: AsJson = False) -> None:
    """Show what is known of each experiment's arms, and what to do now."""
    from recsys_assets.experiments.report_summary import report_summary

    with opened_lake() as lake:
        found = report_summary(lake)
        if as_json:
            print(json.dumps(found.to_json(), default=str))
            return
        for policy in found.policies:
            console.print(f"{policy['policy']}: {policy['words']}", markup=False)
        print_searches(found.searches)
        if found.nothing is not None:
            console.print(found.nothing, markup=False)
            return
        from rich.table import Table

        for experiment in found.experiments:
            console.print(f"{experiment.name}: {experiment.decision}", markup=False)
            table = Table("metric", "arm", "units", "value", "difference to the control", "what is known")
            for row in experiment.rows:
                table.add_row(
                    row["metric"], row["arm"], f"{row['units']:,}", shown_number(row["value"]),
                    shown_span(row), row["verdict"],
                )  # fmt: skip
            console.print(table)
        if found.positions:
            table = Table("arm", "position", "exposures", "clicks", "click rate")
            for row in found.positions:
                table.add_row(
                    row["arm"], str(row["position"]), f"{row['exposures']:,}", f"{row['clicks']:,}",
                    f"{row['click_rate']:.2%}",
                )  # fmt: skip
            console.print(table)


def print_searches(searches: list[dict[str, Any]]) -> None:
    """Print the results of the most frequent queries; nothing if there are none."""
    from rich.table import Table

    table = Table(
        "query", "searches", "people", "nothing found", "corrected", "click rate", "1 / first place"
    )
    for row in searches:
        table.add_row(
            escape(row["query"]), f"{row['searches']:,}", f"{row['people']:,}", f"{row['without_result']:.0%}",
            f"{row['corrected']:.0%}", f"{row['click_rate']:.0%}", f"{row['reciprocal_rank']:.2f}",
        )  # fmt: skip
    if searches:
        console.print(table)


def shown_number(value: float | None) -> str:
    """A value of a metric as text; empty while it is unknown."""
    return "" if value is None else f"{value:.4g}"


def shown_span(row: dict[str, Any]) -> str:
    """Interval of the difference to the control, as text: relative, or in shares of lists won."""
    of = "difference" if row["metric"] == "wins" else "relative"
    low, high = row[f"{of}_low"], row[f"{of}_high"]
    return "" if low is None or high is None else f"{low:+.1%} to {high:+.1%}"
