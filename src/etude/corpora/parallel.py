"""Map a function over many files on all cores: results in order, a progress bar, bounded memory."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from itertools import islice
from operator import length_hint
from typing import Protocol, Self, TypeVar

from etude.errors import EtudeError
from etude.interrupts import check_interrupts
from etude.processes import end_with_parent, usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 1.5  # seconds of work in this process before others start; starting them takes as long
SECONDS_A_TASK = 0.2  # long against the overhead of a task, short enough to keep all cores busy at the end
FILES_A_TASK = 64  # at most: bounds the results in memory
TASKS_WAITING = 4  # per core, so that none idles


class Pool(Protocol[Item]):
    """Processes that work on lists of items."""

    @property
    def cores(self) -> int:
        """Number of lists that are worked on at once."""

    def submit(self, work: Callable[[Item], Result], items: list[Item]) -> Callable[[], list[Result]]:
        """Hand a list to a process; return a function that waits for its results, in order."""


def mapped(
    work: Callable[[Item], Result], items: Iterable[Item], skip: int = 0, pool: Pool[Item] | None = None
) -> Iterator[Result]:
    """Yield ``work(item)`` for each item after the first ``skip``, in order, on all cores if it pays.

    ``work`` and the items must be picklable. ``pool``: where the cores are; None: on this machine. If the
    number of items is known (``len``), the progress bar has an end; it appears on a terminal only.
    A process that dies ends the preparation with an EtudeError.
    """
    rest = islice(items, skip, None)
    alone = pool is None and usable_cores() == 1
    started, started_cpu, done = time.perf_counter(), time.process_time(), 0
    with _progress(length_hint(items) or None, skip) as advance:
        for item in rest:
            result = work(item)
            check_interrupts()  # a library may have made it the reason of a rejection
            yield result
            done += 1
            advance()
            if alone or time.perf_counter() - started <= PATIENCE:
                continue  # CPU time is not longer, and reading it is a system call
            elapsed = time.process_time() - started_cpu
            if elapsed > PATIENCE:
                size = int(done * SECONDS_A_TASK / elapsed)
                with nullcontext(pool) if pool else LocalPool(usable_cores()) as helpers:
                    for result in _shared_out(work, rest, helpers, min(max(size, 1), FILES_A_TASK)):
                        yield result
                        advance()


def _shared_out(
    work: Callable[[Item], Result], items: Iterator[Item], pool: Pool[Item], size: int
) -> Iterator[Result]:
    waiting: deque[Callable[[], list[Result]]] = deque()
    while True:
        while len(waiting) < pool.cores * TASKS_WAITING and (task := list(islice(items, size))):
            waiting.append(pool.submit(work, task))
        if not waiting:
            return
        yield from waiting.popleft()()


class LocalPool:
    """Processes on this machine, one for each core."""

    def __init__(self, cores: int) -> None:
        self.cores = cores
        # Not forked: locks that threads of the parent hold would never be released in the child.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(cores, context, initializer=end_with_parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, work: Callable[[Item], Result], items: list[Item]) -> Callable[[], list[Result]]:
        """Hand a list to a process; EtudeError, once the results are wanted, if a process has died."""
        with _death_in_words():
            future = self._pool.submit(work_all, work, items)

        def results() -> list[Result]:
            with _death_in_words():
                return future.result()

        return results


@contextmanager
def _death_in_words() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise EtudeError("a process that read files died, perhaps because memory ran out") from error


def work_all(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    """Return what ``work`` makes of each item."""
    return [work(item) for item in items]


@contextmanager
def _progress(total: int | None, done: int) -> Iterator[Callable[[], None]]:
    """Show a bar that begins at ``done``, on a terminal only; yield a function that advances it by one."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda: bar.advance(task)
