"""Simulation: customers of the held-out weeks query the running service, search, and choose what they bought."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from recsys_assets.service.answers.served_model import CHAMPION
from recsys_lineage.errors import LineageError
from recsys_lineage.lake.lake import Lake
from recsys_lineage.records.records import Records

CLICKS_TRUE, BUYS_TRUE, CLICKS_OTHER = 0.9, 0.6, 0.03
"""Rates for a viewed item: of clicks if it was bought later, of purchases after these, of clicks if it was not."""
SEARCHING, MISSPELT = 0.5, 0.3
"""Share of the visitors who also search, and the share of those searches that are misspelt."""
EXAMPLE = """# Whether the champion is better than what is popular.
[[experiment]]
name = "champion_or_popular"
metric = "conversion"

[[experiment.arms]]
name = "control"

[[experiment.arms]]
name = "popular"
family = "popularity"
"""

EXAMPLE_RULES = """[bought]
again_after_days = 1

[exploration]
share = 0.05    # of the places, drawn by lot
among = 50      # from the 50 best that are left
"""


class SimulationError(LineageError):
    """The service does not answer, or there is no customer to simulate."""


@dataclass
class Simulated:
    """Totals of a simulation: lists and searches requested, clicks and purchases sent."""

    answers: int = 0
    searches: int = 0
    clicks: int = 0
    purchases: int = 0

    def count(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Add sent events."""
        self.clicks += sum(event["action_name"] == "view" for event in events)
        self.purchases += sum(event["action_name"] == "purchase" for event in events)


def view_probability(position: int) -> float:
    """The known position bias: the probability that a customer looks at a place of the list, from 1."""
    return position**-0.5


def purchases_held_out(lake: Lake) -> dict[str, frozenset[str]]:
    """Purchases of each customer in the held-out weeks.

    Raises:
        SimulationError: there are none.
    """
    if not lake.has("split"):
        raise SimulationError(
            "There is nobody to simulate: the table split is missing.", advice="run `recsys demo`"
        )
    version = lake.version("split")
    target = "is_target" if "is_target" in version.columns else "TRUE"  # of a split of a former release
    with lake.reading(), lake.connect() as connection:
        rows = connection.sql(
            f"""SELECT user_id, list(item_id) FROM {lake.relation(version)}
            WHERE subset = 'test' AND {target} GROUP BY user_id ORDER BY user_id"""
        ).fetchall()
    if not rows:
        raise SimulationError("Nobody bought anything in the held-out weeks.", where="the table split")
    return {user: frozenset(items) for user, items in rows}


def queries(lake: Lake) -> dict[str, str]:
    """Queries for an item: its title up to the first comma, in lower case.

    There are no queries without a search index.
    """
    if not (lake.has("search_index") and lake.has("item_profiles")):
        return {}
    with lake.reading(), lake.connect() as connection:
        rows = connection.sql(
            f"""SELECT item_id, trim(split_part(lower(title), ',', 1)) AS query
            FROM {lake.relation(lake.version("item_profiles"))} WHERE query <> '' AND length(query) <= 200"""
        ).fetchall()
    return dict(rows)


def misspelt(query: str) -> str:
    """A query with two letters of its longest word swapped, always the same ones, as many people make the same
    error."""
    word = max(query.split(), key=len, default="")
    for at in range(len(word) // 2, 0, -1):
        if len(word) > 4 and word[at] != word[at - 1]:
            return query.replace(word, word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :], 1)
    return query


def write_example(experiments: Path, rules: Path) -> bool:
    """Write an experiment of two arms if the home has none; returns whether it was written.

    If there are no rules either, it writes rules: bought items may be shown again the next day, because the champion
    has also learned from the held-out weeks and would otherwise never show the items bought in them; and some places
    are drawn by lot, so that candidates can be evaluated off-policy.
    """
    if experiments.exists():
        return False
    if not rules.exists():
        rules.write_text(EXAMPLE_RULES, encoding="utf-8")
    experiments.write_text(EXAMPLE, encoding="utf-8")
    return True


class ServiceClient:
    """A running service, over one connection.

    Args:
        url: such as `http://127.0.0.1:8000`.
        token: with the scopes read and events, if the service requires one.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=30)
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and body of an answer.

        Raises:
            SimulationError: the service does not answer.
        """
        content = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, content, self._headers)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise SimulationError(
                "No service answers.", found=str(error), where=self.url, advice="start `recsys serve` first"
            ) from error

    def require_home(self, lake: Lake) -> None:
        """Require that it serves this lake's champion, so that no events are sent to the service of another shop.

        Raises:
            SimulationError: it serves another one, for example because another service had the port first.
        """
        _, found = self.request("GET", "/ready")
        table, version = found.get("model_table") or CHAMPION, found.get("model_version")
        record = found.get("record")
        there = lake.has(table) and isinstance(version, int) and version <= lake.version(table).version
        if not there or Records(lake).get(table, version).id != record:
            raise SimulationError(
                "The service serves another home.",
                expected=f"a champion of {lake.uri}",
                found=f"{table}@{version}, of the record {record}",
                where=self.url,
                advice="stop it, or give the port of the service of this home (--url)",
            )

    def _experiment_runs(self) -> bool:
        status, found = self.request("GET", "/status")
        if status == 200:
            return any(each["runs_today"] for each in found["experiments"])
        # with a token that may not see that, by a list, which reports will count
        _, found = self.request("GET", "/recommendations/somebody?k=1")
        return bool(found.get("experiments"))

    def wait(self, seconds: float, experiment: bool = False) -> None:
        """Wait until it can answer and, if requested, until an experiment runs.

        Raises:
            SimulationError: it cannot within that time.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                status, _ = self.request("GET", "/ready")
                ready = status == 200
                if ready and experiment:
                    ready = self._experiment_runs()
                if ready:
                    return
                reason = "it is not ready" if not experiment else "it is not ready, or no experiment runs"
                last = SimulationError("The service does not answer yet.", found=reason, where=self.url)
            except SimulationError as error:
                last = error
            if time.monotonic() >= end:
                raise last
            time.sleep(0.25)


def simulate(
    truth: Mapping[str, frozenset[str]],
    service: ServiceClient,
    *,
    customers: int,
    k: int,
    seed: int,
    queries: Mapping[str, str] = MappingProxyType({}),
    progress: Callable[[int], None] = lambda _: None,
) -> Simulated:
    """Let customers query the service once each, view places by `view_probability`, and send their events.

    Half of them also search for an item that they bought, more likely a popular one, and some misspell it.

    Args:
        truth: purchases of each customer.
        customers: number of customers; all if there are fewer.
        k: length of the lists.
        seed: of the choice of customers, their queries, and their actions on a given list.
        queries: item → query for it; other items are not searched for.
        progress: called with the number of customers so far.

    Raises:
        SimulationError: the service does not answer, or refuses.
    """
    came = Random(seed).sample(sorted(truth), min(customers, len(truth)))
    buyers = Counter(
        query for items in truth.values() for query in {queries[i] for i in items & queries.keys()}
    )
    found = Simulated()

    def see(path: str, user: str, luck: Random) -> None:
        answer = _accepted(service, "GET", path)
        events = done(answer, user, truth[user], luck)
        for first in range(0, len(events), 500):
            _accepted(service, "POST", "/events", {"events": events[first : first + 500]})
        found.count(events)

    for number, user in enumerate(came, 1):
        named = quote(user, safe="")
        see(f"/recommendations/{named}?k={k}", user, Random(f"{seed}/{user}"))
        found.answers += 1
        luck = Random(f"{seed}/{user}/search")
        known = sorted({queries[item] for item in truth[user] & queries.keys()})
        if known and luck.random() < SEARCHING:
            (query,) = luck.choices(known, [buyers[each] for each in known])
            query = misspelt(query) if luck.random() < MISSPELT else query
            see(f"/search?q={quote(query, safe='')}&user={named}&k={k}", user, luck)
            found.searches += 1
        progress(number)
    return found


def done(answer: Mapping[str, Any], user: str, bought: frozenset[str], luck: Random) -> list[dict[str, Any]]:
    """The events of a customer who sees an answer."""
    events: list[dict[str, Any]] = []
    for shown in answer["items"]:
        looks, clicks, buys = (luck.random() for _ in range(3))  # always three: lists stay comparable
        wanted = shown["item"] in bought
        if looks >= view_probability(shown["position"]) or clicks >= (
            CLICKS_TRUE if wanted else CLICKS_OTHER
        ):
            continue
        for action in ("view", "purchase") if wanted and buys < BUYS_TRUE else ("view",):
            events.append(
                {
                    "event_id": f"{answer['query_id']}-{shown['position']}-{action}",
                    "action_name": action,
                    "object_id": shown["item"],
                    "user": user,
                    "query_id": answer["query_id"],
                    "position": shown["position"],
                    "propensity": shown.get("propensity", 1.0),  # nothing that is found is drawn by lot
                    "model_version": answer["model_version"],
                    "arm": answer["arm"],
                    "simulated": True,
                }
            )
    return events


def _accepted(service: ServiceClient, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    while True:
        status, found = service.request(method, path, body)
        if status == 200:
            return found
        if status != 429:
            raise SimulationError(
                "The service refuses.", found=f"{status}: {found.get('detail')}", where=service.url
            )
        time.sleep(0.2)
