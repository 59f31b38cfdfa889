"""Ctrl-C and stop signals that a library has turned into an error of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Stop = TypeVar("Stop", bound=KeyboardInterrupt)


class _Last:
    """Last interrupt of the block that runs."""

    stop: KeyboardInterrupt | None = None


def noted(stop: Stop) -> Stop:
    """Return an interrupt that is about to be raised; remember it until the next block begins."""
    _Last.stop = stop
    return stop


def check_interrupts() -> None:
    """Raise an interrupt that a library has dropped, so that the block has gone on."""
    if _Last.stop is not None:
        raise _Last.stop


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Raise the interrupt that ended the block, also where a library has raised another error in its place.

    A signal handler's exception can come up within a C library that calls Python back. Matplotlib's then
    raises a ValueError.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread
        return
    with _noting():
        try:
            yield
        except Exception as error:
            if _Last.stop is None:
                raise
            raise _Last.stop from error


@contextmanager
def _noting() -> Iterator[None]:
    """Forget earlier interrupts, and remember those of Ctrl-C from here on."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # a handler of somebody else's stays
        signal.signal(signal.SIGINT, _interrupt)
    _Last.stop = None
    try:
        yield
    finally:
        if before is not _interrupt:  # the outermost block
            _Last.stop = None
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise noted(KeyboardInterrupt())
