"""Takes the README's pictures from the running interface: `python docs/make_screenshots.py`.

Serves the home of the settings, whose graph must be materialized (`recsys demo`), and drives Debian's chromium.
Writes `asset-graph.png` and `candidate.png` beside this file.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Page

from tests.platform.browser import WHOLE_GRAPH, window

FOLDER = Path(__file__).parent


def take_graph(page: Page, url: str) -> None:
    """The whole asset graph, all groups open, top to bottom."""
    page.set_viewport_size({"width": 2600, "height": 1500})
    page.add_init_script(
        """localStorage.setItem("asset-graph-direction", '"vertical"');
        localStorage.setItem("dagster-nav-collapsed", "true");"""
    )
    page.goto(url + WHOLE_GRAPH)
    page.get_by_text("user_profiles", exact=True).locator("visible=true").first.wait_for()
    page.wait_for_timeout(12_000)  # states of assets come after their places
    page.screenshot(path=FOLDER / "asset-graph.png", clip={"x": 372, "y": 110, "width": 2228, "height": 1290})


def take_candidate(page: Page, url: str) -> None:
    """The page of the evaluation of all candidates, with its plot."""
    page.set_viewport_size({"width": 1500, "height": 950})
    page.goto(f"{url}/assets/evaluation")
    page.get_by_text("[Show Markdown]").first.click()
    page.locator("img[src^='data:image/png']").wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=FOLDER / "candidate.png")


def main() -> None:
    """Serve, take both pictures, stop."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("recsys")), "ui", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if ready := re.search(r"http://127\.0\.0\.1:\d+", line):
                with window() as browser:
                    take_graph(browser.page, ready.group())
                    take_candidate(browser.page, ready.group())
                return
        raise SystemExit("recsys ui did not start; see above")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


if __name__ == "__main__":
    main()
