"""One browser for all pages."""

from collections.abc import Iterator
from typing import Any

import pytest

from browser import browser as started


@pytest.fixture(scope="session")
def open_browser() -> Iterator[Any]:
    with started() as opened:
        yield opened


@pytest.fixture
def browser(open_browser: Any) -> Iterator[Any]:
    """The browser; the pages of a test are closed at its end, since an open one needs the processor."""
    yield open_browser
    for context in open_browser.contexts:
        context.close()
