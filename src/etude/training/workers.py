"""Worker processes of a run on several devices; only the first process writes files."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch.distributed
from lightning_fabric.plugins.environments.lightning import find_free_network_port

from etude.config.plugins import ENVIRONMENT, enabled
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.folder import RunFolder

log = logging.getLogger(__name__)

PATIENCE = 60  # seconds that a helper has to leave after the training

# Environment variables by which PyTorch and Lightning know the processes of a training.
PLACE = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE", "RANK", "GROUP_RANK")


@contextmanager
def helpers(run: RunFolder, devices: int, config: ResolvedConfig) -> Iterator[None]:
    """Start one process for each device after the first, which this process uses; end them with the block.

    They get the config as JSON, whatever was typed to start this process: a sweep, a rerun, a job of a
    scheduler. Inside, the environment tells Lightning that its processes exist. They touch no file.
    EtudeError if a helper that died made the block fail.
    """
    kept = {name: os.environ.pop(name) for name in PLACE if name in os.environ}
    started: list[subprocess.Popen[bytes]] = []
    try:
        if devices > 1:
            place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port())}
            os.environ.update(place, NODE_RANK="0", WORLD_SIZE=str(devices), LOCAL_RANK="0")
            started.extend(_helper(run, config, rank) for rank in range(1, devices))
        yield
        _wait_for(started)
    except Exception as error:
        if codes := [process.returncode for process in started if process.poll()]:
            raise EtudeError(f"a process that helped to train ended with code {codes[0]}") from error
        raise
    finally:
        for process in started:
            process.kill()
            process.wait()
        close_process_group()  # after the helpers, which may still hear from it until they end
        for name in PLACE:
            os.environ.pop(name, None)
        os.environ.update(kept)


def close_process_group() -> None:
    """Leave the process group, and wait until its native threads have ended.

    Such a thread aborts the process (SIGABRT) if it needs the interpreter while that shuts down. A later
    training in this process would otherwise be given the group, whose other processes have gone.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return
    torch.distributed.destroy_process_group()
    gc.collect()  # DistributedDataParallel, in a reference cycle, holds the group and its threads too


def _wait_for(started: list[subprocess.Popen[bytes]]) -> None:
    """Wait until the workers end; their exit codes are ignored, since the training is over."""
    for process in started:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        if process.returncode != 0:
            log.warning("a process that helped to train ended with code %s", process.returncode)


def _helper(run: RunFolder, config: ResolvedConfig, rank: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "etude.training.worker", str(run.path), str(os.getpid())]
    own = {"LOCAL_RANK": str(rank), ENVIRONMENT: ",".join(enabled())}
    process = subprocess.Popen(command, env=os.environ | own, stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(config.as_dict()).encode())
    return process
