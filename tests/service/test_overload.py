"""More is asked than can be computed: lists of the night, by the rules of now, say that they are; or come again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import polars as pl

from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from tests.service.running import served, until
from tests.service.small_shop import lake_of, train
from tests.service.test_answers import event
from tests.service.test_rotation import EXPERIMENT
from tests.service.test_search import indexed, search

NIGHT = [f"item-{number}" for number in (40, 21, 3, 33, 18)]
"""In an order that no model would find; customer-1 bought none of them."""


def recommendations(champion: pl.LazyFrame) -> pl.DataFrame:
    """A list for customer-1 alone."""
    return pl.DataFrame(
        {"user_id": ["customer-1"] * len(NIGHT), "rank": range(1, len(NIGHT) + 1), "item_id": NIGHT}
    )


def prepare(home: Path) -> None:
    materialize(frame_code(recommendations), lake_of(home))


def storm(port: int, path: str, n: int = 150) -> list[tuple[int, dict[str, str], Any]]:
    """Ask n times at once, each over a connection of its own: statuses, headers and bodies."""

    async def ask() -> list[tuple[int, dict[str, str], Any]]:
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(n)]
        for _, writer in opened:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        heard = await asyncio.gather(*(reader.read() for reader, _ in opened))
        for _, writer in opened:
            writer.close()
        return [_parsed(each) for each in heard]

    return asyncio.run(ask())


def _parsed(heard: bytes) -> tuple[int, dict[str, str], Any]:
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body)


def test_in_a_storm_the_lists_of_the_night_are_answered_and_say_so(home: Path) -> None:
    prepare(home)
    with served(home) as (customer, service):
        service.handler.patience = 60.0
        calm = customer.list_of("customer-1", k=5)
        answers = storm(customer.port, "/recommendations/customer-1?k=5&explain=true")
        assert {status for status, _, _ in answers} == {200}
        lists: dict[bool, list[list[str]]] = {True: [], False: []}
        for _, _, answer in answers:
            lists[answer["degraded"]].append([each["item"] for each in answer["items"]])
        assert len(lists[False]) >= service.handler.most_waiting and len(lists[True]) >= 20
        assert all(each == NIGHT for each in lists[True])
        assert all(each == calm.items for each in lists[False])
        records = {(answer["model_version"], answer["record"]) for _, _, answer in answers}
        assert records == {(0, calm.json["record"])}
        assert f'recsys_degraded_total{{instead="own list"}} {len(lists[True])}.0' in customer.figures()
        assert not customer.list_of("customer-1").json["degraded"], "it passes"
    shown = [
        json.loads(line)
        for path in home.glob("feedback/exposures-*")
        for line in path.read_text().splitlines()
    ]
    assert sum(each["degraded"] for each in shown) == len(lists[True]), (
        "what was shown is written down as such"
    )


def test_where_no_list_is_to_be_computed_all_are_the_nights(home: Path) -> None:
    indexed(home)
    prepare(home)
    with served(home, most_waiting=0) as (customer, _):
        answer = customer.list_of("customer-1", k=5)
        assert answer.items == NIGHT and answer.json["degraded"]
        assert customer.list_of("nobody", k=5).json["degraded"]
        found = search(customer, "red lantern")
        assert found.status == 200 and found.items, "searches are computed all the same"


def test_who_waited_too_long_gets_the_list_of_the_night(home: Path) -> None:
    prepare(home)
    with served(home) as (customer, service):
        service.handler.patience = 0.0
        answer = customer.list_of("customer-1", k=5)
        assert answer.items == NIGHT and answer.json["degraded"]


def test_prepared_lists_keep_to_the_rules_and_to_what_was_just_done(home: Path) -> None:
    prepare(home)
    (home / "rules.toml").write_text('[stock]\nout = ["item-21"]\n')
    with served(home) as (customer, service):
        service.handler.most_waiting = 0
        customer.tell(event("purchase", "item-40", user="customer-1"))
        own = customer.list_of("customer-1", k=8, exclude="item-33")
        assert own.json["degraded"] and own.items[:2] == ["item-3", "item-18"] and len(own.items) == 8
        assert len(set(own.items)) == 8 and not {"item-21", "item-40", "item-33", "item-7"} & set(own.items)
        shelf = customer.list_of("customer-1", k=48, category="shelf 3")
        assert shelf.items[:2] == ["item-3", "item-33"] and len(shelf.items) > 5
        stranger = customer.list_of("nobody", k=3)
        assert stranger.json["cold"] and len(stranger.items) == 3
        assert {each["score"] for each in stranger.json["items"]} == {None}
        assert 'instead="popular"} 1.0' in customer.figures()


def test_lists_of_another_version_are_not_answered(home: Path) -> None:
    prepare(home)
    train(home, night=1)
    with served(home) as (customer, service):
        service.handler.most_waiting = 0
        before = customer.list_of("customer-1", k=5)
        assert before.json["model_version"] == 1 and before.items != NIGHT
        prepare(home)
        until(lambda: customer.list_of("customer-1", k=5).items == NIGHT, "tonight's lists are taken over")


def test_an_arm_without_lists_asks_to_come_again(home: Path) -> None:
    prepare(home)
    train(home, "popularity", table="candidate_popularity")
    (home / "experiments.toml").write_text(EXPERIMENT.format(arm='family = "popularity"'))
    with served(home, assignment_key="secret") as (customer, service):
        arms = {user: customer.list_of(f"customer-{user}").json["arm"] for user in range(20)}
        service.handler.most_waiting = 0
        for user, arm in arms.items():
            answer = customer.list_of(f"customer-{user}")
            assert answer.status == (429 if arm == "popular" else 200)
            assert answer.status == 200 or answer.headers["retry-after"] == "1"
        assert set(arms.values()) == {"control", "popular"}
