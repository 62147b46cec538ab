"""Debian's chromium, driven by Playwright, and what may not happen in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Error, Page, Response, sync_playwright

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
GROUPS = ("raw", "clean", "features", "graph", "model", "serving", "feedback")
WHOLE_GRAPH = "/asset-groups?expanded=" + ",".join(f"global@global:{group}" for group in GROUPS)


def chromium() -> str | None:
    """Where chromium is, None where it is not installed."""
    return shutil.which("chromium")


@dataclass
class Window:
    """One page, and everything that went wrong in it so far."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Take note of console errors, failed requests and GraphQL answers with errors from now on."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.url}")
        elif response.url.endswith("/graphql") or "/graphql?" in response.url:
            try:
                answer = response.json()
            except Error:  # the page was left before the answer was read
                return
            for part in answer if isinstance(answer, list) else [answer]:
                if part.get("errors"):
                    self.troubles.append(f"GraphQL: {part['errors']}")


@contextmanager
def window(width: int = 1900, height: int = 1100) -> Iterator[Window]:
    """A page of a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        try:
            opened = Window(browser.new_page(viewport={"width": width, "height": height}))
            opened.watch()
            yield opened
        finally:
            browser.close()
