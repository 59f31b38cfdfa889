"""status.json of a run or of a sweep's job: its state, and whether its process still runs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from etude.errors import EtudeError, Preempted, Pruned, is_of_space, refused_place
from etude.files import write_json
from etude.interrupts import interrupts_kept
from etude.runs.stored_types import StatusFile
from etude.stored_files import read_json

HEARTBEAT = 15  # seconds between two heartbeats of a running training
STALE = 120  # seconds without a heartbeat until it counts as dead: disks and machines can be slow


class RunState(StrEnum):
    """State of a run or of a job, as status.json spells it."""

    NEW = "new"  # no status file
    QUEUED = "queued"  # part of a sweep, not started
    RUNNING = "running"
    DONE = "done"  # the results are there
    FAILED = "failed"  # with the error in `error`
    PREEMPTED = "preempted"  # stopped by a signal, saved, can continue
    PRUNED = "pruned"  # ended early by a search, saved
    INTERRUPTED = "interrupted"  # by Ctrl-C, or its process died


def now() -> str:
    """Return the current time in the format of status.json: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def by_us() -> dict[str, Any]:
    """Return host, boot and process number of this process."""
    return {"host": socket.gethostname(), "boot": boot(), "pid": os.getpid()}


@cache
def boot() -> str:
    """Return where process numbers mean the same: the machine since it was started, and in it the container.

    Two containers may have the same host name, and one container another number for a process of the other.
    """
    try:  # Linux's
        number = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{number} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def read_status(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's status.json; {} if there is none, StoredFileError if it is damaged."""
    return read_json(folder / "status.json", StatusFile)


def write_status(folder: Path, state: RunState, **details: Any) -> None:
    """Write a folder's status.json: the state, this process, the time and ``details``.

    The time is also the heartbeat of a running one.
    """
    beat = {"heartbeat": now()} if state == RunState.RUNNING else {}
    write_json(folder / "status.json", {"state": state, **by_us(), "time": now(), **beat, **details})


@contextmanager
def end_written(write: Callable[..., None]) -> Iterator[None]:
    """Call ``write(state, error=…)`` if an exception ends the block: preempted, interrupted or failed."""
    try:
        with interrupts_kept():
            yield
    except Preempted as stop:
        write(RunState.PRUNED if isinstance(stop, Pruned) else RunState.PREEMPTED, error=str(stop))
        raise
    except KeyboardInterrupt:
        write(RunState.INTERRUPTED)
        raise
    except BaseException as error:
        if is_of_space(error):  # the last checkpoint is whole, and the same command resumes from it
            write(RunState.INTERRUPTED, error=refused_place(error))
            raise
        named = str(error) if isinstance(error, EtudeError) else f"{type(error).__name__}: {error}"
        write(RunState.FAILED, error=named)
        raise


def condition(status: Mapping[str, Any]) -> RunState:
    """Return the actual state for a status: "running" of a dead process means interrupted."""
    try:
        state = RunState(status.get("state", RunState.NEW))
    except ValueError:  # a file that a stranger changed
        return RunState.NEW
    return RunState.INTERRUPTED if state == RunState.RUNNING and not is_alive(status) else state


def is_alive(status: Mapping[str, Any]) -> bool:
    """Return whether the writer of a status still runs: a fresh heartbeat, and on this host a process.

    A heartbeat in the future is not fresh: some clock is wrong.
    """
    if is_here(status) and not exists(status.get("pid")):
        return False
    try:
        age = (datetime.now(UTC) - datetime.fromisoformat(status["heartbeat"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return False
    return -HEARTBEAT < age < STALE


def is_here(status: Mapping[str, Any]) -> bool:
    """Return whether a status was written where this process can see its writer's."""
    return status.get("boot") == boot()


def exists(pid: Any) -> bool:
    """Return whether a process with this number runs on this host; a zombie does not."""
    if not isinstance(pid, int) or pid < 1:
        return False
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")  # Linux's
        ended = stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError, OverflowError):
        return False
    except PermissionError:  # it is another user's
        return True
    return not ended


class Heartbeat:
    """Calls ``beat`` every HEARTBEAT seconds from a thread, until the end of the ``with`` block."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._beat()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()  # else a last beat could overwrite what is written after the block

    def _run(self) -> None:
        while not self._over.wait(HEARTBEAT):
            try:
                self._beat()
            except OSError:  # a full disk, a server away: training may outlive it, the next beat may work
                continue
