"""Champions: the versions that there are, which of them serves, and the decision to have another one serve."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recsys_assets.service.served_model import CHAMPION
from recsys_lineage.errors import LineageError, did_you_mean
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.decision import Decision
from recsys_lineage.records.records import Records


class DecisionError(LineageError):
    """A decision that cannot be made."""


@dataclass(frozen=True)
class Champion:
    """A version of the champion.

    Attributes:
        version: its number.
        family: the recommender's.
        made: when, UTC.
        record: id of its record.
        serves: whether a running service answers with it.
        pruned: whether its files are gone.
        decided: what was decided for it the last time, by whom and why.
    """

    version: int
    family: str | None
    made: datetime
    record: str | None
    serves: bool
    pruned: bool
    decided: str | None


def serving_version(lake: Lake) -> int | None:
    """The version that is to serve: the newest, or the one that was decided for; None where there is none."""
    latest = lake.log(CHAMPION).latest()
    decisions = Records(lake).decisions(CHAMPION)
    return latest if latest is None or not decisions else decisions[-1].chooses(latest)


def champions(lake: Lake) -> list[Champion]:
    """All versions of the champion, oldest first."""
    if not lake.has(CHAMPION):
        return []
    serving, pruned = serving_version(lake), lake.pruned(CHAMPION).all()
    decided = {each.version: each for each in Records(lake).decisions(CHAMPION)}
    found: list[Champion] = []
    for commit, table in zip(lake.commits(CHAMPION), lake.versions(CHAMPION), strict=True):
        record, decision = commit["record"] or {}, decided.get(table.version)
        found.append(
            Champion(
                table.version,
                record.get("statistics", {}).get("family"),
                table.committed,
                record.get("id"),
                table.version == serving,
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
    """Have a version of the champion serve; returns the record of that.

    Args:
        who: decides it.
        reason: for those who find it in years.
        held: whether it serves until the next decision; else a version that is made later takes its place.
        action: `promote` for a version that is newer than the one that serves.

    Raises:
        TableNotFound: there is no such version.
        VersionPruned: its files are gone.
        DecisionError: it serves already, no reason is given, or what is promoted is older than what serves.
    """
    lake.require_files(lake.version(CHAMPION, version))
    latest = lake.version(CHAMPION).version
    before = serving_version(lake)
    decisions = Records(lake).decisions(CHAMPION)
    holds = bool(decisions) and decisions[-1].held
    _require_reason(reason)
    if before is None or (before == version and holds == held):
        raise DecisionError(
            f"champion@{version} serves already.",
            expected="another version",
            advice="recsys champion list shows them all",
        )
    if action == "promote" and version < before:
        raise DecisionError(
            f"champion@{version} is older than champion@{before}, which serves.",
            expected="a newer version",
            advice=f"the way back is: recsys champion rollback {version}",
        )
    moment = lake.clock()
    decision = Decision(
        uuid.uuid4().hex, CHAMPION, version, action, who, reason.strip(), moment, moment, before, latest,
        held, lake=lake.uri,
    )  # fmt: skip
    Records(lake).append([decision])
    return decision


def set_canary(lake: Lake, family: str, share: float, *, who: str, reason: str) -> Decision:
    """Have a candidate answer a share of the customers, or none any more; returns the record of that.

    There is one canary at a time. Its newest version answers, whatever the nights bring.

    Args:
        family: the recommender's, whose table is `candidate_` and its name.
        share: of the customers, 0 to 1; 0 ends it.
        who: decides it.
        reason: for those who find it in years.

    Raises:
        DecisionError: there is no such candidate, the share is none, or no reason is given.
    """
    family = family.removeprefix("candidate_")
    if not lake.has(f"candidate_{family}"):
        there = [name.removeprefix("candidate_") for name in lake.tables() if name.startswith("candidate_")]
        raise DecisionError(
            f"There is no candidate {family!r}.",
            expected=f"one of {', '.join(sorted(there))}" if there else "a candidate; none is trained yet",
            advice=did_you_mean(family, there) or "recsys tables shows what there is",
        )
    if not 0 <= share <= 1:
        raise DecisionError(
            f"{share} is no share of the customers.",
            expected="0 to 1, such as 0.05",
            advice="0 ends the canary",
        )
    _require_reason(reason)
    table = f"candidate_{family}"
    version, moment = lake.version(table).version, lake.clock()
    decision = Decision(
        uuid.uuid4().hex, table, version, "canary", who, reason.strip(), moment, moment, version, version,
        share=share, lake=lake.uri,
    )  # fmt: skip
    Records(lake).append([decision])
    return decision


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise DecisionError(
            "A decision needs a reason.",
            expected="why this version is to serve, for those who find it in years",
            advice="say the reason",
        )
