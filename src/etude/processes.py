"""Process helpers: CPU cores, memory, imports without garbage collection, children that end with a parent."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any

POLL = 1.0  # seconds between two looks for a parent


class OwnProcess:
    """Whether this process belongs to Étude and ends with the command; a notebook's or a test's does not."""

    is_ours = False


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the size of the machine's memory, 0 where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return 0
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the search for garbage inside the block: imports make none, and take up to a sixth less time.

    Modules stay to the end, so later searches leave out all objects that are there after the block. In a
    process that is not Étude's own, nothing changes.
    """
    if not (OwnProcess.is_ours and gc.isenabled()):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def load(target: str) -> Callable[[Any], Any]:
    """Import ``module:function``."""
    module, _, name = target.partition(":")
    # what an earlier job of this process has left must still be collected
    with nullcontext() if module in sys.modules else collection_paused():
        found: Callable[[Any], Any] = getattr(import_module(module), name)
    return found


def end_with_parent(end: Callable[[], object] = lambda: os._exit(1), *, pid: int = 0) -> None:
    """Call ``end`` from a thread as soon as the parent process has ended, even by SIGKILL.

    ``pid``: the parent's process number, for a child that multiprocessing did not start.
    """

    def watch() -> None:
        from multiprocessing import parent_process
        from multiprocessing.connection import wait

        if parent := parent_process():
            wait([parent.sentinel])
        else:
            while os.getppid() == pid:
                time.sleep(POLL)
        end()

    threading.Thread(target=watch, daemon=True).start()
