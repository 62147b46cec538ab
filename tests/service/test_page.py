"""What a person sees of the service: the figures behind the page, and the page in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_assets.service.observations import HOURS, Observations
from recsys_assets.service.tokens import Tokens
from tests.service.running import Customer, served
from tests.service.small_shop import ITEMS, lake_of, train
from tests.service.test_answers import event
from tests.service.test_rotation import EXPERIMENT, break_champion

try:
    from playwright.sync_api import expect

    from tests.platform.browser import chromium, window

    CHROMIUM = chromium()
except ImportError:
    CHROMIUM = None


def in_a_browser(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that drives a browser."""
    here = pytest.mark.skipif(CHROMIUM is None, reason="chromium and playwright are not both installed")
    return pytest.mark.browser(pytest.mark.slow(here(test)))


def test_status_tells_what_was_answered_and_clicked(customer: Customer) -> None:
    lists = [customer.list_of(f"customer-{user}", k=4).json for user in range(4)]
    cold = customer.list_of("nobody", k=4).json
    customer.list_of("customer-1", k=0)
    item = lists[0]["items"][2]["item"]
    for number in range(2):  # twice on one list: one click
        sent = event(("view", "purchase")[number], item, user="customer-0", query_id=lists[0]["query_id"])
        customer.tell(sent)
        customer.tell(sent)
    elsewhere = next(f"item-{n}" for n in range(ITEMS) if f"item-{n}" not in str(lists[1]["items"]))
    customer.tell(event("view", elsewhere, user="customer-1", query_id=lists[1]["query_id"]))
    told = customer.ask("GET", "/status").json
    (arm,) = told["arms"]
    shown = {each["item"] for answer in [*lists, cold] for each in answer["items"]}
    assert arm["arm"] == "control" and arm["answers"] == 5
    assert arm["click_rate"] == 1 / 5 and arm["cold_share"] == 1 / 5 and arm["degraded_share"] == 0
    assert arm["coverage"] == len(shown) / ITEMS
    assert sum(hour["answers"] for hour in arm["hours"]) == 5
    assert len(told["minutes"]) == 60 and sum(each["answers"] for each in told["minutes"]) == 5
    assert sum(each["refused"] for each in told["minutes"]) == 1 and told["statuses"]["422"] == 1
    latency = told["latency_ms"]
    assert (
        latency["answers"] == 5 and 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    )
    serves = told["serves"]
    assert (serves["version"], serves["record"]) == (0, lists[0]["record"]) and serves["age_seconds"] > 0
    assert told["rules"] == ["What was bought is never recommended again."] and told["experiments"] == []
    figures = customer.figures()
    assert 'recsys_click_rate{arm="control"} 0.2' in figures
    assert f'recsys_coverage{{arm="control"}} {arm["coverage"]}' in figures
    assert 'recsys_clicks_total{arm="control"} 1.0' in figures


SHOWN = st.tuples(
    st.sampled_from("ab"), st.integers(0, 200_000), st.sets(st.integers(0, 20)), st.booleans(), st.booleans()
)


@settings(max_examples=50, deadline=None)
@given(st.lists(SHOWN, max_size=30))
def test_shares_are_those_of_the_lists_of_a_day(shown: list[tuple[str, int, set[int], bool, bool]]) -> None:
    now = 1_800_000_000.0
    seen = Observations(lambda: now)
    kept: list[tuple[str, int, set[int], bool, bool]] = []
    for number, (arm, later, items, cold, clicked) in enumerate(shown):
        now += later
        names = [f"i{item}" for item in items]
        seen.answered(str(number), arm, names, cold=cold, degraded=False)
        for name in names if clicked else ():
            seen.acted(str(number), "view", name)
        kept.append((arm, int(now // 3600), items, cold, clicked and bool(items)))
    kept = [each for each in kept if each[1] > int(now // 3600) - HOURS]
    told = {each["arm"]: each for each in seen.arms(21)}
    assert told.keys() == {each[0] for each in kept}
    for arm, each in told.items():
        own = [one for one in kept if one[0] == arm]
        assert each["answers"] == len(own)
        assert each["cold_share"] == pytest.approx(sum(one[3] for one in own) / len(own))
        assert each["click_rate"] == pytest.approx(sum(one[4] for one in own) / len(own))
        assert each["coverage"] == pytest.approx(len(set().union(*(one[2] for one in own))) / 21)
        assert [hour["hour"] for hour in each["hours"]] == sorted({hour["hour"] for hour in each["hours"]})


def test_the_page_needs_nothing_of_elsewhere_and_runs_nothing_but_itself(customer: Customer) -> None:
    answer = customer.ask("GET", "/")
    policy, html = answer.headers["content-security-policy"], answer.body.decode()
    assert "unsafe" not in policy and "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert policy.count("sha256-") == 2 and "frame-ancestors 'none'" in policy
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(|innerHTML| style=| on\w+=", html)
    assert set(re.findall(r"https?://[^\"]+", html)) == {"http://www.w3.org/2000/svg"}


@in_a_browser
def test_a_person_reads_the_page(home: Path, tmp_path: Path) -> None:
    train(home, "popularity", table="candidate_popularity")
    (home / "experiments.toml").write_text(EXPERIMENT.format(arm='family = "popularity"'))
    (home / "rules.toml").write_text('[[at_most]]\ncolumn = "category"\nn = 3\n')
    with served(home) as (customer, _), window(1200, 1000) as opened:
        page = opened.page
        for user in range(40):
            answer = customer.list_of(f"customer-{user}").json
            if user % 4 == 0:
                item = answer["items"][0]["item"]
                customer.tell(event("view", item, user=f"customer-{user}", query_id=answer["query_id"]))
        page.goto(f"http://127.0.0.1:{customer.port}/")
        expect(page.get_by_role("heading", level=1)).to_have_text("champion@0 (item_neighbours)")
        expect(page.get_by_role("status")).to_have_text("serves")
        expect(page.locator("#tiles")).to_contain_text("25.0 %")
        expect(page.locator("#arms tbody tr")).to_have_count(2)
        expect(page.locator("#rules")).to_contain_text("At most 3 of a category.")
        expect(page.locator("#experiments")).to_contain_text("popular: 50.0 %, candidate_popularity")
        expect(page.locator("#chart rect.answers").first).to_be_attached()
        page.screenshot(path=tmp_path / "wide.png", full_page=True)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        page.get_by_text("By hour", exact=True).click()
        expect(page.locator("#hours tbody tr").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
        page.screenshot(path=tmp_path / "phone.png", full_page=True)
        break_champion(lake_of(home))
        expect(page.locator("#problems")).to_contain_text("could not be taken over", timeout=20_000)
        assert opened.troubles == []


@in_a_browser
def test_elsewhere_the_page_shows_nothing_before_it_is_given_a_token(home: Path) -> None:
    secret = Tokens(home / "service" / "tokens.json").add("page", ["admin"])
    with served(home, open_to_all=False) as (customer, _), window() as opened:
        page = opened.page
        page.goto(f"http://127.0.0.1:{customer.port}/")
        expect(page.locator("#ask")).to_be_visible()
        expect(page.locator("#all")).to_be_hidden()
        page.get_by_label("Token").fill(secret)
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("champion@0 (item_neighbours)")
        expect(page.locator("#ask")).to_be_hidden()
