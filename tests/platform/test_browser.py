"""A person with a browser: opens the asset graph, materializes a selection, reads checks, plots and metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import expect

from tests.platform.browser import GROUPS, WHOLE_GRAPH, Window, chromium, window
from tests.platform.conftest import Shop
from tests.platform.shop import DAYS, day_name
from tests.platform.test_daemon import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="chromium is not installed: apt-get install chromium"),
]
PATIENT = 120_000  # milliseconds


@pytest.fixture
def opened(shop: Shop) -> Iterator[tuple[str, Window]]:
    """`recsys ui` on the small shop, and a browser."""
    with served(shop) as url, window() as browser:
        browser.page.set_default_timeout(PATIENT)
        expect.set_options(timeout=PATIENT)
        yield url, browser


def test_a_selection_is_materialized_by_clicking_and_its_pages_are_in_order(
    opened: tuple[str, Window], shop: Shop, tmp_path: Path
) -> None:
    url, browser = opened
    page = browser.page
    before = shop.tables()

    # The graph: every group is there; the group of features opens by a click and shows its assets.
    page.goto(f"{url}/asset-groups")
    for group in GROUPS:
        expect(page.get_by_text(group, exact=True).last).to_be_visible(timeout=PATIENT)
    page.get_by_text("features", exact=True).last.click()
    page.get_by_text("user_profiles", exact=True).last.click()
    page.get_by_text("item_relations", exact=True).last.click(modifiers=["Shift"])
    page.screenshot(path=tmp_path / "asset-graph.png")

    # The selection is materialized, and its run succeeds.
    page.get_by_role("button", name="Materialize selected (2)").click()
    page.get_by_text("View", exact=True).click()
    page.wait_for_url(re.compile("/runs/"))
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=PATIENT)
    after = shop.tables()
    assert {name for name in after if after[name]["version"] != before[name]["version"]} == {
        "user_profiles",
        "item_relations",
    }

    # What was made says where it came from.
    page.goto(f"{url}/assets/user_profiles")
    expect(page.get_by_text("Who the customers are").first).to_be_visible()
    expect(page.get_by_text(str(after["user_profiles"]["fingerprint"])).first).to_be_visible()
    expect(page.get_by_text("240").first).to_be_visible()
    expect(page.get_by_role("cell", name="by which metrics are reported").first).to_be_visible()

    # Its checks have passed, and so have those of a table that was made by the command line.
    for asset, check in (("user_profiles", "unique_user_id"), ("events", "quantity_is_positive")):
        page.goto(f"{url}/assets/{asset}?view=checks")
        expect(page.get_by_text(check).first).to_be_visible()
        expect(page.get_by_text("Succeeded").first).to_be_visible()
        expect(page.get_by_text("Failed", exact=True)).to_have_count(0)

    # Days of events have columns and reads, too.
    page.goto(f"{url}/assets/raw_events")
    expect(page.get_by_role("cell", name="the basket or invoice, where there is one").first).to_be_visible()
    expect(page.get_by_role("cell", name=f"sales-{day_name(DAYS - 1)}.csv").first).to_be_visible()

    # NDCG over the nights is drawn without a click, and what is new of the files is said.
    for asset in ("gate", "evaluation"):
        page.goto(f"{url}/assets/{asset}")
        expect(page.get_by_text("best family").or_(page.get_by_text("champion before")).first).to_be_visible()
        drawn = page.locator("img[src^='data:image/svg']")
        expect(drawn).to_be_visible()
        assert drawn.evaluate("image => image.naturalWidth") > 100
    page.goto(f"{url}/assets/source_files")
    expect(page.get_by_text(f"{DAYS + 3} new").first).to_be_visible()

    # The launchpad has the family's parameters with their defaults, and refuses a name that is none.
    page.goto(f"{url}/assets/candidate_lightgcn")
    page.get_by_role("button", name="Materialize").first.click(modifiers=["Shift"])
    expect(page.get_by_text("filter_power").first).to_be_visible()
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("ops: {candidate_lightgcn: {config: {params: {layer: 2}}}}")
    expect(page.get_by_text('unexpected config entry "layer"').first).to_be_visible()

    # The plot of a model is an image that the browser can draw.
    page.goto(f"{url}/assets/evaluation")
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.locator("img[src^='data:image/png']")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100

    # The whole graph, with all its groups open.
    page.goto(url + WHOLE_GRAPH)
    shown = page.get_by_text("user_profiles", exact=True).locator("visible=true")
    expect(shown.first).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text("Error", exact=True)).to_have_count(0)
    assert browser.troubles == []
