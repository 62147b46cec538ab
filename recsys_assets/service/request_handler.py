"""RequestHandler: handles requests and events, answers from the current Serving, and logs exposures."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any, TypeVar

import orjson

from recsys_assets.service.answers.computed_list import ComputedList, Question, answered, explained
from recsys_assets.service.answers.described_items import DescribedItems
from recsys_assets.service.answers.drafting import Shown, drafted, models_of, shown_alone
from recsys_assets.service.answers.previewing import items_as_json, previewed
from recsys_assets.service.answers.searching import Searched, SearchQuestion, search_response, searched
from recsys_assets.service.answers.serving import CANARY, CONTROL, Chosen
from recsys_assets.service.feedback.activity import Activity
from recsys_assets.service.feedback.feedback_log import FeedbackLog
from recsys_assets.service.processes.other_workers import OtherWorkers
from recsys_assets.service.rotation import Rotation
from recsys_assets.service.service_metrics import ServiceMetrics
from recsys_assets.service.tracing import span
from recsys_assets.service.web.messages import Event
from recsys_assets.service.web.problems import Refused
from recsys_lineage.errors import did_you_mean
from recsys_models import families

_Result = TypeVar("_Result")
_Picked = tuple[int, Chosen, Sequence[ComputedList], list[Shown]]
_Because = list[list[dict[str, Any]]]
_NO_CHANCE = Random(0)

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Tolerance for another machine's clock that is ahead."""
BEHIND = timedelta(days=365 * 5)
MOST_WAITING = 32
"""Number of lists that may wait to be computed; further requests get a prepared list."""
PATIENCE_SECONDS = 0.5
"""Longest wait of a request; then it gets a prepared list too."""
YIELD_SECONDS = 0.03
"""Seconds of computing after which the event loop accepts new requests."""


@dataclass
class RequestHandler:
    """Operations behind the service's routes; one instance per process.

    Lists are computed one at a time, in the order of requests, because each needs a core, and two at once would only
    slow each other down. If `most_waiting` requests wait already (0: always), or one waits longer than `patience`
    (seconds), it gets a prepared list, marked as such. Events logged by `others` count in each answer.
    """

    rotation: Rotation
    log: FeedbackLog
    activity: Activity
    metrics: ServiceMetrics
    most_waiting: int = MOST_WAITING
    patience: float = PATIENCE_SECONDS
    others: OtherWorkers | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._looked_up = time.monotonic()

    async def recommend(self, question: Question, *, explain: bool = False) -> dict[str, Any]:
        """The list for a request; its exposure is on the disk before it is returned.

        Raises:
            NoChampion: nothing serves yet.
            FeedbackError: the exposure cannot be written.
            Refused: a category is unknown, or too many requests wait and the arm has no prepared lists.
        """
        query_id = uuid.uuid4().hex
        computed = await self._in_turn(lambda: self._computed(question, query_id, explain), self.most_waiting)
        found, because = computed or (None, _Because())
        degraded = found is None
        explain = explain and not degraded
        now, chosen, lists, shown = found or self._listed(question, query_id, prepared=True)
        served, listed = chosen.variant.served, lists[0]
        items = items_as_json(shown, because, credited=chosen.teams is not None)
        answer: dict[str, Any] = {
            "query_id": query_id,
            "model_version": served.version,
            "record": served.record,
            "arm": chosen.arm,
            "experiments": chosen.arms,
            "cold": listed.cold,
            "degraded": degraded,
            "items": items,
            "unknown_items": listed.unknown,
        }
        exposure = {
            "query_id": query_id,
            "time": now,
            "user": question.user,
            "client_id": question.client,
            "table": served.table,
            "model_version": served.version,
            "record": served.record,
            "arm": chosen.arm,
            "experiments": chosen.arms,
            "cold": listed.cold,
            "degraded": degraded,
            "object_ids": [item["item"] for item in items],
            "propensities": [item["propensity"] for item in items],
        }
        if chosen.teams is not None:
            answer["interleaved"] = exposure["models"] = models_of(chosen.teams)
            exposure["sources"] = [chosen.teams.names[each.source[0]] for each in shown]
            exposure["credits"] = [each.credit for each in shown]
        if explain:
            answer["explanation"] = {
                "family": served.model.name,
                "record": served.record,
                "table": f"{served.table}@{served.version}",
                "reads": served.reads,
                "history": int(listed.past.items.size),
                "since_the_fit": len(listed.actions) + len(question.session),
            }
        with span("write"):
            await self.log.append("exposures", [orjson.dumps(exposure)])
        self.metrics.answers.labels(chosen.arm, "no" if listed.cold else "yes").inc()
        ids = exposure["object_ids"]
        self.metrics.seen.answered(query_id, chosen.arm, ids, cold=listed.cold, degraded=degraded)
        return answer

    async def preview(self, user: str, k: int) -> dict[str, Any]:
        """The list that a customer would get now, with reasons, and their latest actions; nothing is logged, because no
        customer sees it.

        Raises:
            NoChampion: nothing serves yet.
            Refused: too many wait.
        """
        question = Question(user, k=k)
        computed = await self._in_turn(
            lambda: self._computed(question, uuid.uuid4().hex, explain=True),
            self.most_waiting or MOST_WAITING,
        )
        if computed is None:
            raise Refused(429, "Too many wait for an answer.", headers={"Retry-After": "1"})
        (_, chosen, lists, shown), because = computed
        return previewed(chosen, lists[0], items_as_json(shown, because, credited=chosen.teams is not None))

    async def _in_turn(self, work: Callable[[], _Result], most: int) -> _Result | None:
        """Run a function in its turn and return its result; None if `most` wait already, or it waited too long."""
        if self._waiting >= most:
            return None
        began = time.monotonic()
        self._count_waiting(1)
        try:
            async with self._turn:
                if time.monotonic() - self._looked_up > YIELD_SECONDS:
                    # requests that came meanwhile are read, so that it is known who waits; not after each list,
                    # for those of one group are written to the disk together
                    await asyncio.sleep(0)
                    self._looked_up = time.monotonic()
                return work() if time.monotonic() - began <= self.patience else None
        finally:
            self._count_waiting(-1)

    def _computed(self, question: Question, query_id: str, explain: bool) -> tuple[_Picked, _Because]:
        found = self._listed(question, query_id)
        return found, self._explained(found[1], found[2]) if explain else []

    def _explained(self, chosen: Chosen, lists: Sequence[ComputedList]) -> _Because:
        """The reason for each item of each list."""
        variants = (chosen.variant,) if chosen.teams is None else chosen.teams.variants
        return [explained(variant.served, listed) for variant, listed in zip(variants, lists, strict=True)]

    def _listed(self, question: Question, query_id: str, *, prepared: bool = False) -> _Picked:
        """Time of an answer, the chosen variant, its list (or the lists of two), and the shown items."""
        serving = self.rotation.serving()
        now = time.time_ns() // 1000
        chosen = serving.chosen(question.user, question.client, query_id, _day_of(now), alone=prepared)
        served = chosen.variant.served
        lists = serving.prepared if prepared and served is serving.champion.served else None
        if prepared:
            kind = "refused" if lists is None else "own list" if lists.has(question.user) else "popular"
            self.metrics.degraded.labels(kind).inc()
            if lists is None:
                raise Refused(429, "Too many lists are being computed.", headers={"Retry-After": "1"})
        _known_categories(served, question.categories)
        self.catch_up()
        actions = self.activity.of(question.user, question.client)
        if chosen.teams is not None:
            return now, chosen, *drafted(chosen.teams, question, actions, now, query_id)
        # seeded only where something is drawn, for it takes as long as ten items of the list
        chance = Random(query_id) if chosen.variant.rules.rules.exploration.share else _NO_CHANCE
        listed = answered(served, chosen.variant.rules, question, actions, now, chance, lists)
        return now, chosen, (listed,), shown_alone(chosen.variant, listed)

    def _count_waiting(self, more: int) -> None:
        self._waiting += more
        self.metrics.lists_waiting.set(self._waiting)

    async def search(self, question: SearchQuestion, *, explain: bool = False) -> dict[str, Any]:
        """Results of a query, logged on the disk before they are returned.

        Raises:
            NoChampion: nothing serves yet.
            FeedbackError: the exposure cannot be written.
            Refused: there is no index yet, a category is unknown, or too many requests wait.
        """
        serving = self.rotation.serving()
        if serving.search is None:
            raise Refused(503, "There is no search index yet; `recsys materialize search_index` makes it.")
        search, rules = serving.search
        _known_categories(search, question.categories)
        query_id = uuid.uuid4().hex
        now = time.time_ns() // 1000
        chosen = serving.chosen(question.user, question.client, query_id, _day_of(now), alone=True)
        served = chosen.variant.served

        def work() -> Searched:
            self.catch_up()
            actions = self.activity.of(question.user, question.client)
            with span("search"):
                return searched(search, rules, served, question, actions)

        result = await self._in_turn(work, self.most_waiting or MOST_WAITING)
        if result is None:
            raise Refused(429, "Too many wait for an answer.", headers={"Retry-After": "1"})
        made_of = {
            "query_id": query_id,
            "model_version": served.version,
            "record": served.record,
            "arm": chosen.arm,
            "experiments": chosen.arms,
            "index_version": search.version,
            "index_record": search.record,
        }
        answer = {**made_of, **search_response(search, question, result, explain=explain)}
        if explain:
            answer["explanation"] |= {
                "family": served.model.name,
                "table": f"{served.table}@{served.version}",
            }
        line = {
            **made_of,
            "time": now,
            "user": question.user,
            "client_id": question.client,
            "table": served.table,
            "query": question.text,
            "meant": answer["meant"],
            "personal": answer["personal"],
            "categories": question.categories,
            "object_ids": [item["item"] for item in answer["items"]],
        }
        with span("write"):
            await self.log.append("searches", [orjson.dumps(line)])
        self.metrics.searches.labels(chosen.arm, "yes" if answer["items"] else "no").inc()
        return answer

    def catch_up(self) -> None:
        """Count the events that other workers have written since the last call."""
        if self.others is not None:
            self.others.catch_up()

    async def similar(self, item: str, k: int) -> dict[str, Any]:
        """Items similar to a given one.

        Raises:
            NoChampion: nothing serves yet.
            Refused: the model does not know the item.
        """
        served = self.rotation.serving().champion.served
        if item not in served.item_rows:
            raise Refused(404, f"Version {served.version} of the champion does not know this item.")
        found = await asyncio.to_thread(served.similar_items, item, k)
        items = [
            {
                "item": each,
                "title": served.titles[served.item_rows[each]],
                "position": place,
                "cosine": cosine,
            }
            for place, (each, cosine) in enumerate(found, 1)
        ]
        return {
            "query_id": uuid.uuid4().hex,
            "model_version": served.version,
            "record": served.record,
            "arm": CONTROL,
            "item": item,
            "items": items,
        }

    async def take(self, events: Sequence[Event]) -> dict[str, Any]:
        """Log events and count them, all or none.

        Raises:
            Refused: an event lies in the future or names an unknown arm.
            FeedbackError: they cannot be written; none was counted.
        """
        received = datetime.now(timezone.utc)
        if wrong := list(self._wrong(events, received)):
            raise Refused(422, "None of the events was accepted, because some are invalid.", wrong)
        self.catch_up()
        fresh: list[dict[str, Any]] = []
        for event in events:
            if self.activity.claim(event.event_id):
                moment = event.timestamp or received
                plain = event.model_dump(exclude_none=True, exclude={"timestamp"})
                fresh.append({**plain, "time": _micros(moment), "received": _micros(received)})
        try:  # also where nothing is fresh: the same event may be on its way to the disk
            with span("write"):
                await self.log.append("events", [orjson.dumps(event) for event in fresh])
        except BaseException:
            for event in fresh:
                self.activity.give_back(event["event_id"])
            raise
        accepted = [
            event for event in fresh if self.activity.count(event)
        ]  # another worker may have been faster
        for event in accepted:
            self.metrics.events.labels(event["action_name"], "accepted").inc()
            arm = self.metrics.seen.acted(event.get("query_id"), event["action_name"], event["object_id"])
            if arm is not None:
                self.metrics.clicks.labels(arm).inc()
        duplicates = len(events) - len(accepted)
        self.metrics.events.labels("any", "duplicate").inc(duplicates)
        now = self.rotation.now
        known = {} if now is None else now.champion.served.item_rows
        return {
            "accepted": len(accepted),
            "duplicates": duplicates,
            "unknown_items": sorted({event.object_id for event in events} - known.keys()),
        }

    def _wrong(self, events: Sequence[Event], received: datetime) -> Any:
        serving = self.rotation.now
        experiments = () if serving is None else serving.experiments
        arms = {CONTROL, *(arm.name for experiment in experiments for arm in experiment.arms)}
        arms |= {experiment.both_arms for experiment in experiments if experiment.interleaves}
        arms |= {f"{CANARY}{family}" for family in families}  # also of one that has ended: events come late
        for place, event in enumerate(events):
            where = f"events.{place}"
            if event.timestamp is not None and event.timestamp > received + CLOCK_TOLERANCE:
                yield {"where": f"{where}.timestamp", "what": "it lies in the future"}
            if event.timestamp is not None and event.timestamp < received - BEHIND:
                yield {"where": f"{where}.timestamp", "what": "it lies more than five years back"}
            if event.arm is not None and event.arm not in arms:
                near = did_you_mean(event.arm, arms) or f"There are {', '.join(sorted(arms))}."
                yield {"where": f"{where}.arm", "what": f"there is no such arm. {near}"}


def moment_of(time_of: datetime | None, where: str) -> int:
    """Time of a request in µs since 1970; by default now.

    Raises:
        Refused: it lies in the future.
    """
    now = datetime.now(timezone.utc)
    if time_of is not None and time_of > now + CLOCK_TOLERANCE:
        raise Refused(422, "A time lies in the future.", [{"where": where, "what": "it lies in the future"}])
    return _micros(now if time_of is None else max(time_of, now - BEHIND))


def _day_of(micros: int) -> date:
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).date()


def _micros(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(microseconds=1))


def _known_categories(items: DescribedItems, categories: Sequence[str]) -> None:
    """Refuse a category that no item has."""
    if not categories:
        return
    known: Mapping[str, int] = items.groups["category"].values if "category" in items.groups else {}
    wrong = [
        {"where": "category", "what": f"no item has it. {did_you_mean(each[:100], known)}".rstrip()}
        for each in categories
        if each not in known
    ]
    if wrong:
        raise Refused(422, "A category is unknown.", wrong[:3])
