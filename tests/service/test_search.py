"""Search: what is typed is found, by the rules of now, in the order of the customer, and written down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from recsys_assets.service.answers import served_search
from recsys_assets.service.answers.searching import MOST_NEAREST, SearchQuestion, searched_alone
from recsys_assets.service.answers.served_search import ServedSearch
from recsys_assets.service.feedback.log_reader import read_log
from recsys_lineage.assets.frame_code import frame_code
from recsys_lineage.assets.materialize import materialize
from recsys_lineage.lake.blobs import read_blobs, write_blobs
from recsys_lineage.records.records import Records
from tests.service.running import Customer, Reply, served, until
from tests.service.small_shop import ITEMS, SHELVES, index, lake_of

THINGS = ("lamp", "lantern", "teapot", "jug", "basket", "cushion", "mirror", "clock")
COLOURS = ("red", "blue", "green", "white", "black", "pink")


def described(more: tuple[str, ...] = ()) -> pl.DataFrame:
    """The small shop's items under names that people would type, and some that came in tonight."""
    ids = [f"item-{item}" for item in range(ITEMS)] + [f"new-{at}" for at in range(len(more))]
    titles = [f"{COLOURS[item % SHELVES]} {THINGS[item // SHELVES]}" for item in range(ITEMS)] + list(more)
    shelves = [f"shelf {item % SHELVES}" for item in range(ITEMS)] + ["shelf 0"] * len(more)
    return pl.DataFrame(
        {
            "item_id": ids,
            "title": titles,
            "category": shelves,
            "text": [f"{title}, {shelf}" for title, shelf in zip(titles, shelves, strict=True)],
            "users": [5] * ITEMS + [0] * len(more),
        }
    )


def indexed(home: Path, *more: str, encoder: str = "none") -> str:
    """Make the next version of the index; returns the id of its record."""
    lake = lake_of(home)
    materialize(frame_code(lambda: described(more), name="item_profiles"), lake)
    return index(lake, encoder)


def search(customer: Customer, query: str, **options: object) -> Reply:
    from urllib.parse import urlencode

    return customer.ask("GET", f"/search?{urlencode({'q': query, **options}, doseq=True)}")


@pytest.fixture
def shop(home: Path) -> Iterator[Customer]:
    indexed(home)
    with served(home) as (customer, _):
        yield customer


def test_words_in_any_order_misspelt_and_joined_are_found(shop: Customer) -> None:
    for query in ("red lantern", "lantern red", "red lantren", "redlantern"):
        assert search(shop, query).items[0] == f"item-{SHELVES}", query
    assert search(shop, "red lantren").json["meant"] == "red lantern"


def test_where_nothing_is_found_titles_are_offered_one_of_each(shop: Customer, home: Path) -> None:
    served_index = ServedSearch.load(lake_of(home))
    for answer in (
        search(shop, "lanterzzqqq").json,
        searched_alone(served_index, SearchQuestion("lanterzzqqq")),
    ):
        offered = [each["title"] for each in answer["nearest"]]
        assert answer["items"] == [] and "lantern" in offered[0]
        assert len(set(offered)) == len(offered) <= MOST_NEAREST
    for answer in (
        search(shop, "red lantern").json,
        searched_alone(served_index, SearchQuestion("red lantern")),
    ):
        assert answer["items"] and answer["nearest"] == []


def test_an_answer_names_what_it_was_made_of(shop: Customer, home: Path) -> None:
    answer = search(shop, "teapot", explain=True).json
    lake = lake_of(home)
    assert answer["index_record"] == Records(lake).get("search_index", answer["index_version"]).id
    assert answer["record"] == Records(lake).get("champion", answer["model_version"]).id
    assert answer["explanation"]["reads"] == {"item_profiles": lake.version("item_profiles").version}
    for item in answer["items"]:
        assert sum(item["parts"].values()) == pytest.approx(item["score"], abs=1e-3)
        assert "has words of the query" in item["reason"]
    told = shop.ask("GET", "/status").json["serves"]["search"]
    assert told["table"] == f"search_index@{answer['index_version']}" and told["by"] == "words alone"
    assert told["items"] == lake.version("item_profiles").rows


def test_what_came_in_tonight_is_found_and_nobody_is_lost_in_the_swap(home: Path) -> None:
    indexed(home)
    with served(home) as (customer, service):
        assert not search(customer, "velvet armchair").items
        indexed(home, "velvet armchair")
        until(lambda: search(customer, "velvet armchair").items == ["new-0"], "the new index answers")
        assert service.rotation.failures == 0


def test_a_customer_finds_what_they_like_first(shop: Customer) -> None:
    for user in range(SHELVES):
        answer = search(shop, "lamp", user=f"customer-{user}", k=1).json
        assert answer["personal"] and answer["items"][0]["item"] == f"item-{user}"
    assert not search(shop, "lamp").json["personal"]
    assert not search(shop, "lamp", user="nobody").json["personal"]


def test_a_click_counts_in_the_next_search(shop: Customer) -> None:
    first = search(shop, "mirror", client_id="c1").json["items"][0]["item"]
    liked = next(f"item-{n}" for n in range(SHELVES, 2 * SHELVES) if n % SHELVES != int(first[5:]) % SHELVES)
    event = {"event_id": "e1", "action_name": "view", "object_id": liked, "client_id": "c1"}
    assert shop.tell(event).json["accepted"] == 1
    answer = search(shop, "mirror", client_id="c1").json
    assert answer["personal"] and int(answer["items"][0]["item"][5:]) % SHELVES == int(liked[5:]) % SHELVES


def test_what_the_rules_hide_is_not_found_and_filters_hold(home: Path) -> None:
    indexed(home, "velvet lamp")
    (home / "service").mkdir(exist_ok=True)
    hidden = '[stock]\nout = ["item-1", "new-0"]\n[[filter]]\ncolumn = "category"\nnever = ["shelf 2"]\n'
    with served(home) as (customer, service):
        service.rotation.place.rules.parent.mkdir(parents=True, exist_ok=True)
        before = search(customer, "lamp", k=50).items
        assert {"item-1", "item-2", "new-0"} <= set(before)
        service.rotation.place.rules.write_text(hidden)
        until(lambda: "item-1" not in search(customer, "lamp", k=50).items, "the rules are taken over")
        found = search(customer, "lamp", k=50).items
        assert not {"item-1", "item-2", "new-0"} & set(found) and "item-3" in found
        assert set(search(customer, "lamp", category="shelf 3").items) == {"item-3"}


def test_what_was_found_is_on_the_disk(shop: Customer, home: Path) -> None:
    answers = [search(shop, query, client_id="c").json for query in ("red lamp", "nothing like it at all")]
    lines = {line["query_id"]: line for line in read_log(home / "feedback", "searches")}
    for answer in answers:
        line = lines[answer["query_id"]]
        assert line["object_ids"] == [each["item"] for each in answer["items"]]
        assert line["query"] == answer["query"] and line["index_version"] == answer["index_version"]
    assert (
        "nothing like" not in shop.figures()
        and 'recsys_searches_total{arm="control",found="yes"}' in shop.figures()
    )


@pytest.fixture(scope="module")
def asked_wrongly(kept_home: Path) -> Iterator[Customer]:
    indexed(kept_home)
    with served(kept_home) as (customer, _):
        yield customer


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"query": "x" * 501}, 422, "500 characters"),
        ({"query": ""}, 422, "at least 1"),
        ({"query": "lamp", "k": 0}, 422, "greater than or equal to 1"),
        ({"query": "lamp", "k": 10**6}, 422, "less than or equal to 1000"),
        ({"query": "lamp", "category": "shelf 33"}, 422, "Did you mean"),
        ({"query": "lamp\n"}, 422, "query.q"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(
    asked_wrongly: Customer, options: dict[str, object], status: int, words: str
) -> None:
    answer = search(asked_wrongly, **options)  # pyright: ignore[reportArgumentType]
    assert answer.status == status and words in json.dumps(answer.json, ensure_ascii=False)


def test_without_an_index_it_says_what_makes_one(home: Path) -> None:
    shutil.rmtree(home / "lake" / "search_index")
    with served(home) as (customer, _):
        answer = search(customer, "lamp")
        told = customer.ask("GET", "/status").json["serves"]["search"]
    assert (
        answer.status == 503 and "recsys materialize search_index" in answer.json["detail"] and told is None
    )


def test_a_broken_index_leaves_the_one_before_in_service(home: Path) -> None:
    indexed(home)
    lake = lake_of(home)
    with served(home) as (customer, _):
        files = read_blobs(lake, lake.version("search_index"))
        files["search_index.json"] = files["search_index.json"][:-9]
        write_blobs(
            lake, "search_index", files, record={**lake.commit("search_index")["record"], "id": "0" * 32}
        )
        until(lambda: customer.ready().get("problems"), "it says that the new one is broken")
        assert "search_index@2 cannot be used for search" in customer.ready()["problems"][0]
        assert search(customer, "red lamp").json["index_version"] == 1


def test_an_index_of_another_encoder_is_searched_by_words(home: Path) -> None:
    indexed(home, encoder="wordllama 0.4.0.post1")
    lake = lake_of(home)
    files = read_blobs(lake, lake.version("search_index"))
    from recsys_models.search import SearchIndex

    other = SearchIndex.from_files(files)
    object.__setattr__(other, "encoder", "wordllama 0.1")
    write_blobs(lake, "search_index", other.to_files(), record=lake.commit("search_index")["record"])
    with served(home) as (customer, _):
        assert "nothing is found by meaning" in customer.ready()["problems"][0]
        assert search(customer, "red lamp").items[0] == "item-0"


def test_an_index_that_is_deleted_is_still_searched_in_until_the_service_ends(home: Path) -> None:
    indexed(home)
    with served(home) as (customer, _):
        shutil.rmtree(home / "lake" / "search_index")
        until(lambda: "no longer in the lake" in str(customer.ready()["problems"]), "that is told")
        assert search(customer, "red lamp").items[0] == "item-0"
    with served(home) as (customer, _):
        assert search(customer, "red lamp").status == 503


def test_where_the_encoder_is_broken_there_are_answers_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(home, encoder="wordllama 0.4.0.post1")

    def broken(_: str) -> None:
        raise AttributeError("module 'toml' has no attribute 'load'")

    monkeypatch.setattr(served_search, "load_encoder", broken)
    with served(home) as (customer, _):
        assert "cannot be loaded (AttributeError)" in customer.ready()["problems"][0]
        assert search(customer, "red lamp").items[0] == "item-0"
        assert customer.list_of("customer-1").status == 200


def test_meaning_finds_what_has_no_word_of_the_query(home: Path) -> None:
    indexed(home, "christmas decoration", encoder="wordllama 0.4.0.post1")
    with served(home) as (customer, _):
        answer = search(customer, "xmas ornament", explain=True).json
        assert (
            answer["items"][0]["item"] == "new-0" and "means nearly the same" in answer["items"][0]["reason"]
        )
