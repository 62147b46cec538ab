"""What the service answers: the champion's list, with what the customer did a moment ago, and where it comes from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from recsys_assets.assets.serving.served_tables import FEWEST_CUSTOMERS
from recsys_assets.service.answers import served_model
from recsys_assets.service.opened_service import Service
from recsys_lineage.lake.blobs import read_blobs
from recsys_lineage.records.records import Records
from recsys_models import Interactions, load_model
from tests.service.running import Customer, served
from tests.service.small_shop import ITEMS, USERS, build, lake_of, split


def event(action: str, item: str, **rest: object) -> dict[str, object]:
    return {"event_id": uuid.uuid4().hex, "action_name": action, "object_id": item, **rest}


def test_every_customer_gets_the_list_that_the_night_would_make(home: Path, customer: Customer) -> None:
    lake = lake_of(home)
    model = load_model(read_blobs(lake, lake.version("champion")))
    bought = Interactions.from_frame(split().filter("is_target"))
    users = [f"customer-{user}" for user in range(USERS)]
    wanted, _ = model.recommend(users, 8, exclude=bought)
    for user, items in zip(users, wanted.tolist(), strict=True):
        assert customer.list_of(user, k=8).items == items


def test_an_answer_names_the_version_and_the_record_it_comes_from(home: Path, customer: Customer) -> None:
    answer = customer.list_of("customer-3", k=4, explain=True).json
    record = Records(lake_of(home)).get("champion")
    assert (answer["model_version"], answer["record"]) == (record.version, record.id)
    assert answer["explanation"]["reads"] == {"split": 0}
    assert answer["arm"] == "control" and len(answer["query_id"]) == 32
    own = set(split().filter(pl.col("user_id") == "customer-3")["item_id"])
    for each in answer["items"]:
        assert each["because_of"] in own and each["reason"].startswith("because you")


def test_what_a_customer_buys_changes_the_next_answer_and_is_never_shown_again(customer: Customer) -> None:
    before = customer.list_of("customer-3", k=10).items
    told = customer.tell(event("purchase", before[0], user="customer-3"))
    assert told.json == {"accepted": 1, "duplicates": 0, "unknown_items": []}
    after = customer.list_of("customer-3", k=10)
    assert before[0] not in after.items and after.items != before[1:]


def test_it_still_counts_after_a_restart(home: Path) -> None:
    with served(home) as (customer, _):
        customer.tell(
            event("purchase", "item-5", user="new here"), event("view", "item-7", client_id="browser")
        )
        before = [customer.list_of("new here", explain=True), customer.session(client_id="browser")]
        assert {each["because_of"] for each in before[0].json["items"][:3]} == {"item-5"}
    with served(home) as (customer, _):
        after = [customer.list_of("new here"), customer.session(client_id="browser")]
        assert [each.items for each in after] == [each.items for each in before]
        assert not any(each.json["cold"] for each in after)


def test_a_visitor_with_one_click_gets_personal_answers(customer: Customer) -> None:
    cold, warm = customer.session(k=5), customer.session(items=["item-11"], k=5)
    assert cold.json["cold"] and not warm.json["cold"] and cold.items != warm.items
    shelf = customer.session(items=[{"item": "item-11", "behaviour": "cart"}], k=5)
    assert "item-11" not in shelf.items


def test_the_same_event_counts_once(customer: Customer) -> None:
    same = event("view", "item-9", client_id="c")
    assert customer.tell(same, same).json["duplicates"] == 1
    once = customer.session(client_id="c").json["items"]
    assert customer.tell(same).json == {"accepted": 0, "duplicates": 1, "unknown_items": []}
    again = customer.session(client_id="c").json["items"]
    assert [each["score"] for each in again] == [each["score"] for each in once]


def test_items_that_came_in_tonight_are_told_and_kept(home: Path) -> None:
    with served(home) as (customer, _):
        assert customer.session(items=["new item"]).json["unknown_items"] == ["new item"]
        told = customer.tell(event("purchase", "new item", user="customer-1"))
        assert told.json == {"accepted": 1, "duplicates": 0, "unknown_items": ["new item"]}
    assert any("new item" in path.read_text() for path in (home / "feedback").glob("events-*"))


def test_similar_items_are_those_of_the_nightly_table(customer: Customer) -> None:
    assert served_model.FEWEST_CUSTOMERS == FEWEST_CUSTOMERS
    answer = customer.ask("GET", "/items/item-3/similar?k=5")
    assert answer.items and "item-3" not in answer.items
    cosines = [each["cosine"] for each in answer.json["items"]]
    assert cosines == sorted(cosines, reverse=True)


def test_filters_of_a_question_hold(customer: Customer) -> None:
    everything = customer.list_of("customer-2", k=ITEMS).items
    left = customer.list_of("customer-2", k=ITEMS, exclude=everything[0]).items
    assert left == everything[1:]
    shelf = customer.list_of("customer-2", k=ITEMS, category="shelf 4").items
    assert shelf == [item for item in everything if int(item.split("-")[1]) % 6 == 4]


TOMORROW = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
FAULTY = {
    "negative k": ("GET", "/recommendations/u?k=-1", None, 422),
    "k of a million": ("GET", "/recommendations/u?k=1000000", None, 422),
    "an id of NUL": ("GET", "/recommendations/%00", None, 422),
    "an id that is no UTF-8": ("GET", "/recommendations/%ff%fe", None, 422),
    "half a character": ("POST", "/recommendations", b'{"user": "\\ud800"}', 422),
    "a number for an id": ("POST", "/recommendations", {"items": [7]}, 422),
    "a truth for a number": ("POST", "/recommendations", {"k": True}, 422),
    "a text for a number": ("POST", "/recommendations", {"k": "5"}, 422),
    "a truth for a rating": (
        "POST",
        "/events",
        {
            "events": [
                {"event_id": "t", "action_name": "rating", "object_id": "item-1", "user": "u", "value": True}
            ]
        },
        422,
    ),
    "a long id": ("GET", f"/recommendations/{'x' * 2000}", None, 422),
    "a body of 10 MB": ("POST", "/events", b"x" * 10_000_000, 413),
    "a deep body": ("POST", "/recommendations", b'{"items":' + b"[" * 50 + b"]" * 50 + b"}", 400),
    "no JSON": ("POST", "/events", b"{", 422),
    "a key with a typo": ("POST", "/recommendations", {"itms": []}, 422),
    "an unknown item": ("GET", "/items/nothing/similar", None, 404),
    "an unknown category": ("GET", "/recommendations/u?category=shelf", None, 422),
    "an unknown address": ("GET", "/nothing", None, 404),
    "an unknown method": ("DELETE", "/events", None, 405),
    "a session of tomorrow": ("POST", "/recommendations", {"items": [{"item": "a", "time": TOMORROW}]}, 422),
    "an event of tomorrow": ("POST", "/events", {"events": [event("view", "i", user="u", timestamp=TOMORROW)]}, 422),
    "an unknown arm": ("POST", "/events", {"events": [event("view", "item-1", user="u", arm="contrl")]}, 422),
    "an event of nobody": ("POST", "/events", {"events": [event("view", "item-1")]}, 422),
    "a rating without a value": ("POST", "/events", {"events": [event("rating", "item-1", user="u")]}, 422),
}  # fmt: skip


@pytest.fixture(scope="module")
def asked_wrongly(kept_home: Path) -> Iterator[tuple[Customer, Service]]:
    """A service that takes nothing in, however often it is asked."""
    with served(kept_home) as found:
        yield found


@pytest.mark.parametrize("fault", FAULTY)
def test_what_cannot_be_answered_is_told_as_a_problem(
    fault: str, asked_wrongly: tuple[Customer, Service]
) -> None:
    customer, service = asked_wrongly
    method, path, body, status = FAULTY[fault]
    answer = customer.ask(method, path, body)
    assert answer.status == status, answer.body
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status and answer.json["title"] and answer.json["detail"]
    assert service.handler.activity.events == 0
    assert customer.list_of("customer-1").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "where", "what"),
    [
        ("GET", "/recommendations/u?exlude=item-1", None, "query.exlude", "Did you mean 'exclude'?"),
        ("GET", "/search?q=a&n=5", None, "query.n", "There are category, client_id, explain, k, q, user."),
        ("POST", "/recommendations", {"exlude": []}, "body.exlude", "Did you mean 'exclude'?"),
        ("POST", "/recommendations?form", {}, "header.content-type", "Content-Type: application/json"),
    ],
)
def test_what_was_probably_meant_is_told(
    method: str, path: str, body: object, where: str, what: str, asked_wrongly: tuple[Customer, Service]
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # as curl sends it
    answer = asked_wrongly[0].ask(method, path, body, form if path.endswith("form") else None)
    (error,) = answer.json["errors"]
    assert answer.status == 422 and error["where"] == where and error["what"].endswith(what)


def test_one_faulty_event_keeps_all_of_its_request_back(customer: Customer) -> None:
    good = event("view", "item-9", client_id="c")
    assert customer.tell(good, event("view", "item-9", client_id="c", timestamp=TOMORROW)).status == 422
    assert customer.tell(good).json["accepted"] == 1


def test_a_family_that_learned_vectors_answers_a_newcomer_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with served(build(tmp_path / "home", "spectral")) as (customer, _):
        assert customer.ready()["problems"] == []
        cold, warm = customer.session(k=5), customer.session(items=["item-4", "item-10"], k=5, explain=True)
        assert warm.items != cold.items
        assert {each["because_of"] for each in warm.json["items"]} <= {"item-4", "item-10"}
