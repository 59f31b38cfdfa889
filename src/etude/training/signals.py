"""Stop signals: SIGTERM, SIGUSR1 and SIGUSR2, which schedulers send before they end a job."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from etude.errors import Preempted, Pruned
from etude.interrupts import check_interrupts, noted
from etude.processes import OwnProcess

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class StopSignals:
    """Turns a signal into :class:`Preempted`: at once, or at the next :meth:`check` while ``deferred``.

    Later signals are ignored, so that they do not interrupt the save that the first one caused.
    """

    def __init__(self) -> None:
        self.deferred = False
        self.received = ""
        self._kind = Preempted

    def prune(self) -> None:
        """Raise Pruned at the next check."""
        self.received, self._kind = "the search (others had done better by then)", Pruned

    def listen(self) -> None:
        """Install the handlers, also after Lightning has replaced them; main thread only."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._take)

    @property
    def by_signal(self) -> bool:
        """Whether a signal has been received."""
        return bool(self.received) and self._kind is Preempted

    def check(self) -> None:
        """Raise Preempted if a signal has come, Pruned if a search has ended the training.

        KeyboardInterrupt for a Ctrl-C that a library has dropped.
        """
        if self.received:
            raise self._kind(self.received)
        check_interrupts()

    def _take(self, number: int, frame: Any) -> None:
        first, self.received = not self.received, signal.Signals(number).name
        if first and not self.deferred:
            raise noted(Preempted(self.received))


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Handle the signals until the end of the block; then restore the earlier handlers."""
    stop = StopSignals()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    stop.listen()
    try:
        yield stop
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                # after the first signal the process ends with its exit code, and no other signal changes that
                is_ending = OwnProcess.is_ours and stop.by_signal and handler is signal.SIG_DFL
                signal.signal(number, signal.SIG_IGN if is_ending else handler)


def hand_on(stop: Preempted) -> None:
    """Pass the signal to the earlier handler once all is saved; submitit requeues its job."""
    for number in SIGNALS:
        heard = signal.getsignal(number)
        is_ours = isinstance(getattr(heard, "__self__", None), StopSignals)
        if number.name == stop.by and callable(heard) and not is_ours:
            heard(number, None)
