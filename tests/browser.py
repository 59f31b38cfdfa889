"""Open a page in a headless Chromium and record its errors and requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--mute-audio")


@contextmanager
def browser() -> Iterator[Any]:
    """Start the browser of the machine; skip the test if there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser to look at pages with: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


class Tab:
    """The one page of a browser, on which each visit opens a file: another page would be another process."""

    def __init__(self, opened: Any) -> None:
        self.page = opened.new_page()
        self.visit: Visit | None = None
        self.page.on("pageerror", lambda error: self._note_fault(str(error)))
        self.page.on(
            "console", lambda said: self._note_fault(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("request", lambda request: self.visit and self.visit.requests.append(request.url))

    def _note_fault(self, fault: str) -> None:
        if self.visit:
            self.visit.faults.append(fault)

    def leave(self) -> None:
        """Close the file: one that plays needs the processor."""
        self.visit = None
        self.page.context.clear_permissions()
        self.page.goto("about:blank")


class Visit:
    """A file opened in a browser. ``faults``: errors on its console; ``requests``: addresses it loads."""

    def __init__(self, tab: Tab, path: Path, *, width: int = 1280, scheme: str = "light") -> None:
        self.page = tab.page
        self.faults: list[str] = []
        self.requests: list[str] = []
        tab.visit = self
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(media="null", color_scheme=scheme)
        self.page.goto(path.as_uri())
        # data: addresses are part of the page; the first request is the page itself
        self.requests = [each for each in self.requests if not each.startswith("data:")][1:]

    def is_too_wide(self) -> bool:
        """Return whether the page, not only a part of it, scrolls sideways."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wide

    def faults_of_access(self) -> list[str]:
        """Return the serious accessibility faults that axe finds for screen readers and the keyboard."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        found = axe.run(self.page).response
        assert len(found["passes"]) > 10  # it has looked
        serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in serious]
