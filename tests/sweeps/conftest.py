from collections.abc import Iterator

import pytest

from toy_conf import toy

__all__ = ["toy"]


@pytest.fixture(scope="session", autouse=True)
def own_server() -> Iterator[None]:
    """Start the server of processes anew for these tests, and for those that come after them."""
    from multiprocessing.forkserver import _forkserver

    _forkserver._stop()  # type: ignore[attr-defined]
    yield
    _forkserver._stop()  # type: ignore[attr-defined]
