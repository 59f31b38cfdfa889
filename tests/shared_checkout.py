"""The state of this checkout in git, asked once in a test process: a training starts git four times."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from etude.runs import manifest

_git_state = manifest.git_state


@cache
def state_of_this_checkout() -> dict[str, str | None]:
    return _git_state()


def _ask_once(file: Path = manifest.SOURCE) -> dict[str, str | None]:
    return state_of_this_checkout() if file == manifest.SOURCE else _git_state(file)


@pytest.fixture(scope="module", autouse=True)
def shared_checkout() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "git_state", _ask_once)
        yield
