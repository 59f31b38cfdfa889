"""status.json: what a run is doing, and whether that is still true."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEARTBEAT = 15  # seconds between signs of life of a running training
STALE = (
    120  # seconds without one after which it is taken for dead; covers slow file systems and busy machines
)

# new: nothing yet. queued: a sweep will come to it. running: a process is at it. done: results are there.
# failed: it ended with the error in `error`. preempted: told to stop by a signal, saved and ready to go on.
# pruned: ended by a search, likewise saved. interrupted: Ctrl-C, or its process is gone without a word.
STATES = ("new", "queued", "running", "done", "failed", "preempted", "pruned", "interrupted")


def now() -> str:
    """Return the time as status.json has it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def by_us() -> dict[str, Any]:
    """Return which process this is."""
    return {"host": socket.gethostname(), "pid": os.getpid()}


def condition(status: Mapping[str, Any]) -> str:
    """Return the state that a status file stands for: one that says running may be that of a dead process."""
    state = str(status.get("state", "new"))
    return "interrupted" if state == "running" and not is_alive(status) else state


def is_alive(status: Mapping[str, Any]) -> bool:
    """Whether the process that wrote the status is still there: known of this host, believed of another."""
    if status.get("host") == socket.gethostname() and not exists(int(status.get("pid", 0))):
        return False
    try:
        last = datetime.fromisoformat(status["heartbeat"])
        return (datetime.now(UTC) - last).total_seconds() < STALE
    except (KeyError, ValueError, TypeError):
        return False


def exists(pid: int) -> bool:
    """Whether a process of this host is there; one that has ended and was not waited for yet is not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")  # Linux's
        ended = stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:  # it is another user's
        return True
    return pid > 0 and not ended


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
