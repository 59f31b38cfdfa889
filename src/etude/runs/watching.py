"""A training watched from outside by what may want it to stop: a search, which prunes what goes badly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Watcher(Protocol):
    """Is told the validation loss of each epoch; answers True if the training shall stop."""

    def __call__(self, epoch: int, nats: float) -> bool:
        """Take the validation loss after ``epoch``, counted from 0."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Have the trainings inside tell ``watcher`` how they go."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def current_watcher() -> Watcher | None:
    """Return what is to be told; None if nobody watches."""
    return _watcher.get()
