"""A sweep killed at random moments and typed again: each job done once, nothing else than undisturbed."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from etude.sweeps.ledger import Sweep
from journey import Etude

LINE = (
    "train", "debug=limit", "logger=csv", "trainer.max_epochs=6", "callbacks.checkpoint_minutes=0",
    "sampling.forms=[]", "-m", "model.hidden_dim=2,4", "seed=0,1", "sampling.temperature=0.6,1.0",
)  # fmt: skip

# When to kill: once so many jobs are done and one is at work (None: while it sets out), and a random part of
# so much of a training later.
KILLS: tuple[tuple[int | None, float], ...] = ((None, 1.0), (0, 0.8), (1, 0.5), (0, 0.3), (5, 0.0))


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "etude", *LINE, "-j", "2"]
    with (folder / "said").open("ab") as said:
        return subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, start_new_session=True)


def the_sweep(folder: Path) -> Sweep:
    [path] = (folder / "outputs" / "sweeps").iterdir()
    return Sweep(path)


def done_jobs(folder: Path) -> dict[str, Any]:
    """The status of each job that is done, by its name."""
    if not list(folder.glob("outputs/sweeps/*/ledger.json")):
        return {}
    return {job.name: job.status for job in the_sweep(folder).jobs() if job.status["state"] == "done"}


def count(folder: Path, *states: str) -> int:
    if not list(folder.glob("outputs/sweeps/*/ledger.json")):
        return 0
    return sum(job.status["state"] in states for job in the_sweep(folder).jobs())


def wait_until(condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 200
    while not condition() and (process is None or process.poll() is None):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def table(folder: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader((the_sweep(folder).path / "table.csv").open()))
    return [{key: value for key, value in row.items() if key != "minutes"} for row in rows]


def weights(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        f"{path.parts[-3]}/{path.name}": torch.load(path, weights_only=True)["state_dict"]
        for name in ("best", "last")
        for path in folder.glob(f"outputs/erk_lstm/*/checkpoints/{name}.ckpt")
    }


@pytest.mark.journey
@pytest.mark.skipif(sys.platform != "linux", reason="kills a process group")
def test_a_killed_sweep_goes_on_to_the_same_end(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = etude(*LINE, "hydra/launcher=basic")  # in this process, which has imported everything
    assert said.code == 0, said.err
    assert etude("sweep-report", str(the_sweep(tmp_path).path)).code == 0
    undisturbed, expected = table(tmp_path), weights(tmp_path)
    assert len(undisturbed) == 8
    assert len({path.partition("/")[0] for path in expected}) == 4  # a training for two temperatures
    training = min(60 * job.status["result"]["minutes"] for job in the_sweep(tmp_path).jobs())

    killed, rng, once = tmp_path / "killed", random.Random(0), dict[str, Any]()
    killed.mkdir()
    for done, part in KILLS:
        process = start(killed)
        if done is not None:
            wait_until(lambda done=done: count(killed, "done") >= done and count(killed, "running"), process)
        time.sleep(rng.random() * part * training)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, (killed / "said").read_text()
        wait_until(lambda: not count(killed, "running"))  # what was at work is seen to be interrupted
        once |= done_jobs(killed)
        assert len(once) < 8
    assert len(once) >= 5
    assert start(killed).wait() == 0, (killed / "said").read_text()

    monkeypatch.chdir(killed)
    again = etude(*LINE)
    assert again.code == 0
    assert "sweep of 8 jobs, 8 done before" in again.err
    assert etude("sweep-report", str(the_sweep(killed).path)).code == 0
    assert table(killed) == undisturbed
    found = weights(killed)
    assert found.keys() == expected.keys()
    for name, state in expected.items():
        assert all(torch.equal(found[name][key], value) for key, value in state.items()), name
    assert once.items() <= done_jobs(killed).items()  # none was run again
    for job in the_sweep(killed).jobs():
        # the first of a training has its sample in after/, the other one in a folder of its own
        [tokens] = killed.glob(f"{job.status['result']['folder']}/samples/temperature-*/*.tokens.txt")
        twin = tmp_path / tokens.relative_to(killed)
        assert twin.read_bytes() == tokens.read_bytes()
    assert json.loads((the_sweep(killed).path / "ledger.json").read_text())["jobs"] == 8
