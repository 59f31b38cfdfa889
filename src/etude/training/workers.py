"""Several processes for one run: the first does all that a run does, the others help it to train."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning_fabric.plugins.environments.lightning import find_free_network_port

from etude.errors import EtudeError
from etude.runs.folder import RunFolder

PATIENCE = 60  # seconds that a helper has to leave after the training

# What tells the processes of PyTorch's and Lightning's who they are.
PLACE = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE", "RANK", "GROUP_RANK")


@contextmanager
def helpers(run: RunFolder, config: dict[str, Any]) -> Iterator[None]:
    """Start a process for each device but the first, which this process uses; end them with the block.

    They are told the config, whatever was typed to start this process: a sweep, a rerun, a job of a
    scheduler. Inside, the environment tells Lightning that its processes exist. They touch no file.
    """
    devices = config["trainer"]["devices"]
    kept = {name: os.environ.pop(name) for name in PLACE if name in os.environ}
    started: list[subprocess.Popen[bytes]] = []
    try:
        if devices > 1:
            place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port())}
            os.environ.update(place, NODE_RANK="0", WORLD_SIZE=str(devices), LOCAL_RANK="0")
            started.extend(_helper(run, config, rank) for rank in range(1, devices))
        yield
        for process in started:
            if process.wait(PATIENCE):
                raise EtudeError(f"a process that helped to train ended with code {process.returncode}")
    finally:
        for process in started:
            process.kill()
            process.wait()
        for name in PLACE:
            os.environ.pop(name, None)
        os.environ.update(kept)


def _helper(run: RunFolder, config: dict[str, Any], rank: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "etude.training.worker", str(run.path), str(os.getpid())]
    process = subprocess.Popen(command, env=os.environ | {"LOCAL_RANK": str(rank)}, stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as told:
        told.write(json.dumps(config).encode())
    return process
