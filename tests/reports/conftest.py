"""One browser for all pages."""

from collections.abc import Iterator

import pytest

from browser import Tab
from browser import browser as started


@pytest.fixture(scope="session")
def open_browser() -> Iterator[Tab]:
    with started() as opened:
        yield Tab(opened)


@pytest.fixture
def browser(open_browser: Tab) -> Iterator[Tab]:
    yield open_browser
    open_browser.leave()
