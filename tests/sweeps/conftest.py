from collections.abc import Iterator

import pytest

from toy_conf import toy

__all__ = ["toy"]


@pytest.fixture(scope="module", autouse=True)
def own_server() -> Iterator[None]:
    """Restart the fork server for these tests, and again for later ones: theirs has imported PyTorch."""
    from multiprocessing.forkserver import _forkserver

    _forkserver._stop()  # type: ignore[attr-defined]
    yield
    _forkserver._stop()  # type: ignore[attr-defined]
