"""Many files, all cores: results in order, with a progress bar, in memory that does not grow."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

IN_ONE_PROCESS = 400  # starting processes takes longer than reading so few files
FILES_A_TASK = 32
TASKS_WAITING = 4  # for each core: enough that none waits, few enough that results do not pile up


def mapped(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` for each item in order, on all cores where that pays.

    ``work`` and the items must be picklable. A process that dies ends the preparation with an error.
    """
    rest = iter(items)
    first = list(islice(rest, IN_ONE_PROCESS))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(first) < IN_ONE_PROCESS or cores == 1:
        yield from map(work, chain(first, rest))
        return
    from rich.progress import track

    batches = _batches(chain(first, rest))
    # Not forked: the parent may have threads, and what they hold would stay held in the child.
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        results = _in_order(pool, work, batches, waiting, cores * TASKS_WAITING)
        yield from track(results, "reading", total=None, transient=True)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, FILES_A_TASK)):
        yield batch


def _work_all(work: Callable[[Item], Result], batch: list[Item]) -> list[Result]:
    return [work(item) for item in batch]


def _in_order(
    pool: ProcessPoolExecutor,
    work: Callable[[Item], Result],
    batches: Iterator[list[Item]],
    waiting: deque[Future[list[Result]]],
    limit: int,
) -> Iterator[Result]:
    for batch in islice(batches, limit):
        waiting.append(pool.submit(_work_all, work, batch))
    while waiting:
        yield from waiting.popleft().result()
        for batch in islice(batches, 1):
            waiting.append(pool.submit(_work_all, work, batch))
