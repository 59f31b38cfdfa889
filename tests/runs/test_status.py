"""status.json: the state it stands for, whichever process wrote it and however that ended."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etude.errors import EtudeError, Preempted, Pruned
from etude.runs.folder import RunFolder
from etude.runs.status import STALE, Heartbeat, RunState, boot, by_us, condition, read_status, write_status


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def a_dead_process() -> int:
    if not (child := os.fork()):
        os._exit(0)
    os.waitpid(child, 0)
    return child


HERE = {"host": socket.gethostname(), "boot": boot()}
OTHER_CONTAINER = {**HERE, "boot": boot() + "1"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "new"),
        ({"state": "queued"}, "queued"),
        ({"state": "done", **HERE, "pid": 1}, "done"),
        ({"state": "running", **HERE, "pid": os.getpid(), "heartbeat": 0}, "running"),
        ({"state": "running", **HERE, "pid": a_dead_process(), "heartbeat": 0}, "interrupted"),
        ({"state": "running", **HERE, "pid": os.getpid(), "heartbeat": 2 * STALE}, "interrupted"),
        ({"state": "running", "host": "elsewhere", "pid": 1, "heartbeat": STALE / 2}, "running"),
        ({"state": "running", "host": "elsewhere", "pid": 1, "heartbeat": 2 * STALE}, "interrupted"),
        ({"state": "running", "host": "elsewhere", "pid": 1}, "interrupted"),
        ({"state": "running", "host": "elsewhere", "pid": 1, "heartbeat": "?"}, "interrupted"),
        ({"state": "running", **HERE, "pid": os.getpid(), "heartbeat": -STALE}, "interrupted"),
        ({"state": "running", **OTHER_CONTAINER, "pid": a_dead_process(), "heartbeat": 0}, "running"),
        ({"state": "running", **OTHER_CONTAINER, "pid": os.getpid(), "heartbeat": 2 * STALE}, "interrupted"),
    ],
)
def test_a_state_is_the_present_one(status: dict[str, Any], expected: str) -> None:
    if isinstance(status.get("heartbeat"), int | float):
        status |= {"heartbeat": ago(status["heartbeat"])}  # now, not when the tests were collected
    assert condition(status) == expected


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (None, "done", None),
        (EtudeError("no music"), "failed", "no music"),
        (ValueError("odd"), "failed", "ValueError: odd"),
        (KeyboardInterrupt(), "interrupted", None),
        (
            OSError(errno.ENOSPC, "no room", "last.ckpt"),
            "interrupted",
            "last.ckpt: no room: make room, and type the same command again to resume",
        ),
        (Preempted("SIGTERM"), "preempted", "stopped by SIGTERM; type the same command again to resume"),
        (Pruned("the search"), "pruned", "stopped by the search; type the same command again to resume"),
    ],
)
def test_how_a_training_ends_is_written(
    tmp_path: Path, error: BaseException | None, state: str, said: str | None
) -> None:
    run = RunFolder(tmp_path / "run")
    run.queue()
    assert run.state == "queued"
    with suppress(*([type(error)] if error else [])), run.training():
        assert (run.status["attempt"], run.state) == (1, "running")
        if error:
            raise error
    assert (run.status["state"], run.status.get("error")) == (state, said)
    assert run.next_attempt == 2
    with run.training():
        assert run.status["attempt"] == 2


def test_a_process_in_another_container_of_this_machine_is_not_taken_for_dead(tmp_path: Path) -> None:
    unshare = ("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc")
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("no new process numbers can be had here")
    code = "from pathlib import Path; from etude.runs.status import RunState, write_status\n"
    code += f"write_status(Path({str(tmp_path)!r}), RunState.RUNNING)"
    subprocess.run([*unshare, sys.executable, "-c", code], check=True)
    status = read_status(tmp_path)
    assert (status["host"], status["state"]) == (by_us()["host"], "running")
    assert status["boot"] != boot()
    assert (
        condition(status) == "running"
    )  # until its heartbeat is old: whether its process lives can't be seen
    assert condition({**status, "heartbeat": ago(2 * STALE)}) == "interrupted"
    write_status(tmp_path, RunState.RUNNING)
    assert condition({**read_status(tmp_path), "pid": a_dead_process()}) == "interrupted"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_that_has_ended_but_is_still_listed_is_gone() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked how
    status = {"state": "running", **HERE, "pid": child, "heartbeat": ago(0)}
    assert condition(status) == "interrupted"
    os.waitpid(child, 0)


def test_the_heart_beats_in_the_block_and_never_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etude.runs.status.HEARTBEAT", 0.001)
    beats: list[int] = []

    def beat() -> None:
        beats.append(0)
        if len(beats) == 3:
            raise OSError("disk full")  # a beat that fails is not the last

    with Heartbeat(beat):
        while len(beats) < 5:
            pass
    count = len(beats)
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())
    assert len(beats) == count


def test_one_process_holds_a_run_and_another_host_is_believed(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with run.held("stop") as ours, RunFolder(run.path).held("skip") as theirs:
        assert (ours, theirs) == (True, False)
        with pytest.raises(EtudeError, match="on_running=wait"), RunFolder(run.path).held("stop"):
            pass
    status = {"state": "running", "host": "elsewhere", "pid": 1, "heartbeat": ago(1)}
    (run.path / "status.json").write_text(json.dumps(status))
    with run.held("skip") as ours:
        assert not ours
    (run.path / "status.json").write_text(json.dumps(status | {"heartbeat": ago(2 * STALE)}))
    with run.held("skip") as ours:
        assert ours
