"""Champions: the existing versions, the one that serves, and decisions about which serves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recsys_assets.service.answers.served_model import CHAMPION
from recsys_assets.service.processes.running import RunningProcess
from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.decision import Decision
from recsys_lineage.records.records import Records

CANDIDATE = "candidate_"
"""Prefix of a family's name as the table of its candidate."""


class DecisionError(LineageError):
    """A decision that cannot be made."""


@dataclass(frozen=True)
class Champion:
    """A version of the champion.

    Attributes:
        version: its number.
        table: of the champion, or of a promoted candidate.
        family: the recommender's.
        made: time at which it was made, UTC.
        record: id of its record.
        serves: whether the service answers with it; without a running service, whether one would.
        chosen: whether it should serve: the newest version, or the one decided for.
        fault: the reason why it cannot serve though it was chosen; None otherwise.
        pruned: whether its files are gone.
        decided: the last decision for it, with its author and reason.
    """

    version: int
    table: str
    family: str | None
    made: datetime
    record: str | None
    serves: bool
    chosen: bool
    fault: str | None
    pruned: bool
    decided: str | None


@dataclass(frozen=True)
class Decided:
    """People's decisions about families, as input of the gate.

    Attributes:
        promoted: the family whose candidate was promoted, unless a later decision replaced it.
        canary: the family whose candidate serves a share of the customers.
    """

    promoted: str | None = None
    canary: str | None = None

    @classmethod
    def of(cls, lake: Lake) -> Decided:
        """The last decisions in a lake."""
        decisions = Records(lake).decisions()
        serves = [each for each in decisions if decides_what_serves(each)]
        canaries = [each for each in decisions if each.action == "canary"]
        promoted = serves[-1].asset if serves and serves[-1].asset != CHAMPION else None
        canary = canaries[-1].asset if canaries and canaries[-1].share else None
        return cls(promoted and promoted.removeprefix(CANDIDATE), canary and canary.removeprefix(CANDIDATE))


def decides_what_serves(decision: Decision) -> bool:
    """Whether a decision is about the model for all customers: a version of the champion, or a candidate in its
    place."""
    return decision.asset == CHAMPION or decision.action == "promote"


def chosen_model(latest: int | None, decision: Decision | None) -> tuple[str, int] | None:
    """Table and version of the model that should serve; None if there is no champion yet.

    Args:
        latest: the newest version of the champion.
        decision: the last one with `decides_what_serves`.
    """
    if latest is None or decision is None or not decision.is_in_force(latest):
        return None if latest is None else (CHAMPION, latest)
    return decision.asset, decision.version


def serving_model(lake: Lake) -> tuple[str, int] | None:
    """Table and version of the model to serve: the newest champion, or the one that was decided for; None if there is
    none.
    """
    return chosen_model(lake.log(CHAMPION).latest(), last_decision(lake))


def last_decision(lake: Lake) -> Decision | None:
    """The last decision about the model for all customers; None while there is none."""
    return next(filter(decides_what_serves, reversed(Records(lake).decisions())), None)


def champions(lake: Lake, running: Sequence[RunningProcess] = ()) -> list[Champion]:
    """All versions of the champion, oldest first; then the candidate that serves in its place, if one does.

    Args:
        running: the processes of the service; they may serve another version than the chosen one.
    """
    if not lake.has(CHAMPION):
        return []
    chosen = serving_model(lake)
    answers = {(each.table, each.version) for each in running} or {chosen}
    fault = next((each.fault for each in running if each.fault is not None), None)
    decided = {
        (each.asset, each.version): each for each in Records(lake).decisions() if decides_what_serves(each)
    }
    tables = dict.fromkeys((CHAMPION, *sorted(each[0] for each in {chosen, *answers} if each and each[0])))
    found: list[Champion] = []
    for name in tables:
        pruned = lake.pruned(name).all()
        for commit, table in zip(lake.commits(name), lake.versions(name), strict=True):
            serves, wanted = ((name, table.version) in answers), (name, table.version) == chosen
            if name != CHAMPION and not serves and not wanted:
                continue
            record, decision = commit["record"] or {}, decided.get((name, table.version))
            family = None if name == CHAMPION else name.removeprefix(CANDIDATE)
            found.append(
                Champion(
                    table.version,
                    name,
                    family or record.get("statistics", {}).get("family"),
                    table.committed,
                    record.get("id"),
                    serves,
                    wanted,
                    fault if wanted and not serves else None,
                    table.version in pruned,
                    decision and f"{decision.ended:%Y-%m-%d %H:%M} {decision.who}: {decision.reason}",
                )
            )
    return found


def version_named(text: str) -> int:
    """The number that `3` or `champion@3` names.

    Raises:
        DecisionError: it names none.
    """
    number = text.removeprefix(f"{CHAMPION}@")
    if not number.isdecimal():
        raise DecisionError(
            f"{text!r} names no version of the champion.",
            expected="a number, such as 3 or champion@3",
            advice="recsys champion list shows them all",
        )
    return int(number)


def roll_back(
    lake: Lake,
    version: int,
    *,
    who: str,
    reason: str,
    held: bool = False,
    action: Literal["rollback", "promote"] = "rollback",
) -> Decision:
    """Let a version of the champion serve again; returns the record of the decision.

    Args:
        who: decides it.
        reason: for those who find it in years.
        held: whether it serves until the next decision; otherwise a later version replaces it.
        action: `promote` for a version newer than the serving one.

    Raises:
        TableNotFound: there is no such version.
        VersionPruned: its files are gone.
        DecisionError: it serves already, no reason is given, or a promoted version is older than the serving one.
    """
    lake.require_files(lake.version(CHAMPION, version))
    before = serving_model(lake)
    if action == "promote" and before is not None and before[0] == CHAMPION and version < before[1]:
        raise DecisionError(
            f"champion@{version} is older than champion@{before[1]}, which serves.",
            expected="a newer version",
            advice=f"the way back is: recsys champion rollback {version}",
        )
    return _decided(lake, (CHAMPION, version), action, who, reason, held)


def promote_candidate(lake: Lake, family: str, *, who: str, reason: str, held: bool = False) -> Decision:
    """Let a candidate's newest version serve in the champion's place; returns the record of the decision.

    The gate keeps its family as champion until the next decision: the next night fits it on all interactions, and that
    champion replaces this version.

    Args:
        family: the recommender's, whose table is `candidate_` and its name.
        who: decides it.
        reason: for those who find it in years.
        held: whether it serves until the next decision; otherwise a later champion replaces it.

    Raises:
        DecisionError: there is no such candidate, it serves already, or no reason is given.
        TableNotFound: there is no champion yet.
    """
    table = _candidate(lake, family)
    lake.version(CHAMPION)
    return _decided(lake, (table, lake.version(table).version), "promote", who, reason, held)


def _decided(
    lake: Lake,
    wanted: tuple[str, int],
    action: Literal["rollback", "promote"],
    who: str,
    reason: str,
    held: bool,
) -> Decision:
    latest, before, last = lake.version(CHAMPION).version, serving_model(lake), last_decision(lake)
    _require_reason(reason)
    table, version = wanted
    holds = last is not None and last.held
    frees_the_gate = last is not None and last.asset != table == CHAMPION
    if before is None or (before == wanted and holds == held and not frees_the_gate):
        raise DecisionError(
            f"{table}@{version} serves already.",
            expected="another version",
            advice="recsys champion list shows them all",
        )
    moment = lake.clock()
    decision = Decision(
        uuid.uuid4().hex, table, version, action, who, reason.strip(), moment, moment, before[1], latest,
        held, before_asset=None if before[0] == table else before[0], lake=lake.uri,
    )  # fmt: skip
    Records(lake).append([decision])
    return decision


def set_canary(lake: Lake, family: str, share: float, *, who: str, reason: str) -> Decision:
    """Let a candidate serve a share of the customers, or end that; returns the record of the decision.

    There is one canary at a time. Its newest version serves, also after a nightly run.

    Args:
        family: the recommender's, whose table is `candidate_` and its name.
        share: of the customers, 0 to 1; 0 ends it.
        who: decides it.
        reason: for those who find it in years.

    Raises:
        DecisionError: there is no such candidate, the share is invalid, or no reason is given.
    """
    table = _candidate(lake, family)
    if not 0 <= share <= 1:
        raise DecisionError(
            f"{share} is not a share of the customers.",
            expected="0 to 1, such as 0.05",
            advice="0 ends the canary",
        )
    _require_reason(reason)
    version, moment = lake.version(table).version, lake.clock()
    decision = Decision(
        uuid.uuid4().hex, table, version, "canary", who, reason.strip(), moment, moment, version, version,
        share=share, lake=lake.uri,
    )  # fmt: skip
    Records(lake).append([decision])
    return decision


def _candidate(lake: Lake, family: str) -> str:
    """The table of a candidate, named with or without `candidate_`.

    Raises:
        DecisionError: there is no such candidate.
    """
    family = family.removeprefix(CANDIDATE)
    if lake.has(f"{CANDIDATE}{family}"):
        return f"{CANDIDATE}{family}"
    there = [name.removeprefix(CANDIDATE) for name in lake.tables() if name.startswith(CANDIDATE)]
    raise DecisionError(
        f"There is no candidate {family!r}.",
        expected=f"one of {', '.join(sorted(there))}" if there else "a candidate; none is trained yet",
        advice=did_you_mean(family, there) or "recsys ls shows what there is",
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise DecisionError(
            "A decision needs a reason.",
            expected="why this version should serve, for those who find it years later",
            advice="say the reason",
        )
