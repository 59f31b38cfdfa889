"""Many files, all cores: results in order, with a progress bar, in memory that does not grow."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from operator import length_hint
from typing import TypeVar

from etude.errors import EtudeError
from etude.processes import end_with_parent, usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 1.5  # seconds of CPU time here, about what starting other processes takes, before they are started
SECONDS_A_TASK = 0.2  # long against the cost of a task, short enough that no core idles at the end
FILES_A_TASK = 64  # at most, so that results do not pile up
TASKS_WAITING = 4  # for each core: enough that none waits


def mapped(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` for each item in order, on all cores where that pays.

    ``work`` and the items must be picklable. If the number of items is known (``len``), the progress bar
    has an end; it appears on a terminal only. A process that dies ends the preparation with an EtudeError.
    """
    rest, cores = iter(items), usable_cores()
    started, started_cpu, done = time.perf_counter(), time.process_time(), 0
    with _progress(length_hint(items) or None) as advance:
        for item in rest:
            yield work(item)
            done += 1
            advance()
            if cores == 1 or time.perf_counter() - started <= PATIENCE:
                continue  # the CPU's time is no longer, and asking for it is a call to the system
            elapsed = time.process_time() - started_cpu
            if elapsed > PATIENCE:
                size = int(done * SECONDS_A_TASK / elapsed)
                for result in _on_all_cores(work, rest, cores, min(max(size, 1), FILES_A_TASK)):
                    yield result
                    advance()


def _on_all_cores(
    work: Callable[[Item], Result], items: Iterator[Item], cores: int, size: int
) -> Iterator[Result]:
    waiting: deque[Future[list[Result]]] = deque()
    # Not forked: the parent may have threads, and what they hold would stay held in the child.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(cores, context, initializer=end_with_parent)
    try:
        while True:
            while len(waiting) < cores * TASKS_WAITING and (task := list(islice(items, size))):
                waiting.append(pool.submit(_work_all, work, task))
            if not waiting:
                return
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise EtudeError(
            "a process that read files ended before its work was done, perhaps for want of memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _work_all(work: Callable[[Item], Result], task: list[Item]) -> list[Result]:
    return [work(item) for item in task]


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar, on a terminal only; yield what advances it by one."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
