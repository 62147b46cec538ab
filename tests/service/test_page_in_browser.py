"""A person with a browser reads the page of the service."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import expect

from recsys_assets.service.web.tokens import Tokens
from tests.platform.browser import chromium, window
from tests.service.running import PATIENCE, served
from tests.service.small_shop import lake_of, train
from tests.service.test_answers import event
from tests.service.test_preview import DECISION, report_of
from tests.service.test_rotation import EXPERIMENT, break_champion

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="chromium is not installed: apt-get install chromium"),
]


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
        expect(page.locator("#reports")).to_contain_text("recsys nightly")
        report_of(home)
        expect(page.locator("#reports")).to_contain_text(DECISION, timeout=1000 * PATIENCE)
        expect(page.locator("#reports tbody tr")).to_contain_text("+2.0 % to +8.0 %")
        page.get_by_role("textbox", name="Customer").fill("customer-4")
        page.get_by_role("button", name="Look up").click()
        found = page.get_by_role("region", name="List of the customer")
        expect(found.locator("tbody tr")).not_to_have_count(0)
        expect(found).to_contain_text("known actions")
        expect(found).to_contain_text(customer.list_of("customer-4", explain=True).json["items"][0]["reason"])
        page.screenshot(path=tmp_path / "wide.png", full_page=True)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        page.get_by_text("By hour", exact=True).click()
        expect(page.locator("#hours tbody tr").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
        page.screenshot(path=tmp_path / "phone.png", full_page=True)
        break_champion(lake_of(home))
        expect(page.locator("#problems")).to_contain_text("could not be loaded", timeout=1000 * PATIENCE)
        assert opened.troubles == []


def test_without_a_champion_the_page_says_what_makes_one(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with served(tmp_path / "home") as (customer, _), window() as opened:
        opened.page.goto(f"http://127.0.0.1:{customer.port}/")
        expect(opened.page.get_by_role("heading", level=1)).to_have_text("No champion yet")
        expect(opened.page.locator("#serves")).to_contain_text("recsys demo")
        assert opened.troubles == []


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
        page.get_by_role("textbox", name="Customer").fill("<b>nobody</b>/here?")
        page.get_by_role("textbox", name="Customer").press("Enter")
        found = page.get_by_role("region", name="List of the customer")
        expect(found).to_contain_text("<b>nobody</b>/here?")
        expect(found).to_contain_text("Nothing is known about this customer: popular items")
        assert all("401" in each for each in opened.troubles), "before the token was given"
