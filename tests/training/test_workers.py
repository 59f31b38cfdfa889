"""The processes that train together: how they end, and the outcome when a helper dies."""

import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
from lightning_fabric.plugins.environments.lightning import find_free_network_port
from torch.nn.parallel import DistributedDataParallel

from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.folder import RunFolder
from etude.training import workers
from etude.training.workers import close_process_group, helpers

_linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads in /proc")


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def forked(function: Callable[[], None]) -> int:
    """Call the function in a process of its own; return the process number."""
    if child := os.fork():
        return child
    try:
        function()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


@_linux
def test_no_native_thread_of_the_group_is_left() -> None:
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port()), "WORLD_SIZE": "2"}

    def train_together(rank: int) -> None:
        signal.alarm(300)
        before = native_threads()
        os.environ.update(place, RANK=str(rank))
        torch.distributed.init_process_group("gloo")
        network = DistributedDataParallel(torch.nn.Linear(3, 3))
        network.itself = [network]  # a cycle, as Lightning's trainer makes them
        network(torch.ones(2, 3)).sum().backward()
        assert native_threads() > before
        del network
        close_process_group()
        while native_threads() != before:  # the kernel lists a thread for a moment after it was joined
            time.sleep(0.01)  # a thread that stays ends in the alarm
        assert not torch.distributed.is_initialized()

    children = [forked(lambda rank=rank: train_together(rank)) for rank in range(2)]  # type: ignore[misc]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]


@pytest.fixture
def helper_code(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have each helper end at once with a given code."""

    def end_with(code: int) -> None:
        def start(*_: Any) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
            process.wait()
            return process

        monkeypatch.setattr(workers, "_helper", start)

    return end_with


def test_how_a_helper_ends_after_the_training_does_not_undo_it(
    tmp_path: Path, helper_code: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    helper_code(3)
    with caplog.at_level(logging.WARNING), helpers(RunFolder(tmp_path), 2, ResolvedConfig({})):
        pass
    assert "helped to train ended with code 3" in caplog.text


def test_an_error_during_the_training_names_the_helper_that_died(
    tmp_path: Path, helper_code: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    helper_code(3)
    monkeypatch.setenv("LOCAL_RANK", "5")
    with (
        pytest.raises(EtudeError, match="ended with code 3"),
        helpers(RunFolder(tmp_path), 2, ResolvedConfig({})),
    ):
        raise RuntimeError("Connection closed by peer")
    assert os.environ["LOCAL_RANK"] == "5"


def test_an_error_without_a_dead_helper_stays_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [sys.executable, "-c", "import time; time.sleep(600)"]
    started: list[subprocess.Popen[bytes]] = []

    def start(*_: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(waiting))
        return started[-1]

    monkeypatch.setattr(workers, "_helper", start)
    with pytest.raises(ValueError, match="ours"), helpers(RunFolder(tmp_path), 2, ResolvedConfig({})):
        raise ValueError("ours")
    assert started[0].returncode is not None
