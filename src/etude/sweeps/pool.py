"""A pool with one process for each task, forked from a server that has imported the modules they need.

A process that dies (SIGKILL, out of memory) loses its own task only.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from etude.errors import Preempted
from etude.processes import OwnProcess, end_with_parent
from etude.training.signals import SIGNALS

INTERRUPTED = 130  # exit code, as of a program that Ctrl-C ended
PATIENCE = 5.0  # seconds until an interrupted process gets SIGTERM, and again until SIGKILL
STOPPING = (signal.SIGINT, *SIGNALS)

_Task = tuple[Callable[..., Any], tuple[Any, ...]]


class WorkerDiedError(Exception):
    """A process ended without a result."""


@dataclass
class _Worker:
    task: int  # its number
    process: BaseProcess
    result: Connection


def run_each(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], *, at_once: int, preload: Sequence[str]
) -> list[Any]:
    """Call the function once with each tuple of arguments, each in a process of its own.

    Returns the results in the order of the tasks, with a WorkerDiedError for each process that died.
    ``preload``: modules that the server imports before it forks. Each process has this one's environment and
    working directory and its share of the GPUs; it gets SIGTERM when this process ends. After Preempted all
    processes get SIGTERM, and as much time as they need to save.
    """
    context = _context(preload)
    results: list[Any] = [None] * len(tasks)
    waiting = deque(enumerate(tasks))
    running: dict[int, _Worker] = {}  # by slot
    try:
        while waiting or running:
            for slot in range(at_once):
                if waiting and slot not in running:
                    number, arguments = waiting.popleft()
                    running[slot] = _start(context, number, (slot, at_once), (function, arguments))
            wait([thing for each in running.values() for thing in (each.result, each.process.sentinel)])
            for slot, worker in list(running.items()):
                if worker.result.poll() or not worker.process.is_alive():
                    results[worker.task] = _collect(worker)
                    del running[slot]
    except BaseException as error:
        _end(at_once_by_signal=isinstance(error, Preempted))
        raise
    return results


def _context(preload: Sequence[str]) -> Any:
    if "forkserver" not in mp.get_all_start_methods():
        return mp.get_context("spawn")  # each process then imports for itself
    context = mp.get_context("forkserver")
    context.set_forkserver_preload([__name__, *preload])
    for server in (resource_tracker, forkserver):  # blocked for each: starting the first unblocks them
        with _signals_blocked():
            server.ensure_running()
    return context


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Start processes that block signals to the whole group; their children must unblock them.

    If the server ended, nothing could wait for the processes that it forked.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(context: Any, number: int, place: tuple[int, int], task: _Task) -> _Worker:
    result, sender = context.Pipe(duplex=False)
    # not a daemon: a daemon may not start processes, and the preparation of a corpus does
    process = context.Process(target=_serve, args=(sender, dict(os.environ), place, task))
    process.start()
    sender.close()
    return _Worker(number, process, result)


def _collect(worker: _Worker) -> Any:
    """Return the result; receive it before the join, since the process may still be sending."""
    sent: tuple[Any, ...] = ()
    with suppress(EOFError):
        sent = worker.result.recv() if worker.result.poll() else ()
    worker.result.close()
    worker.process.join()
    return sent[0] if sent else WorkerDiedError(_death(worker.process.exitcode))


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        hint = " (no memory left?)" if -code == signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{hint}"
    return f"its process ended with exit code {code}"


def _end(*, at_once_by_signal: bool) -> None:
    """End all processes; after Ctrl-C, which reaches them too, most end by themselves."""
    by_signal: list[tuple[str, float | None]] = [("terminate", None)]  # the scheduler sets the limit
    after_ctrl_c = [("", PATIENCE), ("terminate", PATIENCE), ("kill", None)]
    for act, patience in by_signal if at_once_by_signal else after_ctrl_c:
        processes = mp.active_children()  # includes one that was just started
        for process in processes:
            if act:
                getattr(process, act)()
        for process in processes:
            process.join(patience)


def _serve(sender: Connection, environment: dict[str, str], place: tuple[int, int], task: _Task) -> None:
    OwnProcess.is_ours = True
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # which the server blocks
    os.environ.clear()
    os.environ.update(environment)
    _take_gpus(*place)
    function, arguments = task
    try:
        sender.send((function(*arguments),))
    except Preempted:
        sys.exit(os.EX_TEMPFAIL)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # the sweep reports it, without a traceback


def _take_gpus(slot: int, slots: int) -> None:
    """Make only this slot's GPUs visible: its own, or one that several slots share."""
    torch = sys.modules.get("torch")  # without it no GPU is used
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        devices = [device for device in visible.split(",") if device]
    else:
        devices = [str(number) for number in range(torch.cuda.device_count())] if torch else []
    if devices:
        own = devices[slot::slots] or [devices[slot % len(devices)]]
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(own)
