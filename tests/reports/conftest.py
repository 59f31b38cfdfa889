"""One browser for all pages."""

from collections.abc import Iterator
from typing import Any

import pytest

from browser import browser as started


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with started() as opened:
        yield opened
