"""A sweep killed at random moments and typed again: each job done once, with the undisturbed results."""

import csv
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from etude.sweeps.sweep_folder import Sweep
from forked import begin, end, wait_until
from journey import LIMIT, Etude

LINE = (
    "train", *LIMIT, "logger=csv", "trainer.max_epochs=6", "callbacks.checkpoint_minutes=0",
    "sampling.forms=[]", "-m", "model.hidden_dim=2,4", "seed=0,1", "sampling.temperature=0.6,1.0",
)  # fmt: skip
IN_ONE_PROCESS = "hydra/launcher=basic"

# When to kill: once so many jobs are done and one is at work (None: while it sets out), and a random part of
# so much of a training later.
Kills = tuple[tuple[int | None, float], ...]
KILLS: Kills = ((None, 1.0), (0, 0.8), (1, 0.5), (0, 0.3), (5, 0.0))


class Form(NamedTuple):
    """Command line, moments of the kills, and whether it runs in a new process or a fork of this one."""

    line: tuple[str, ...]
    kills: Kills
    anew: bool


SMALLER = tuple(word.replace("seed=0,1", "seed=0").replace("epochs=6", "epochs=2") for word in LINE)
FORMS = [
    pytest.param(Form(SMALLER, ((1, 0.3),), anew=False), id="once"),
    pytest.param(Form(LINE, KILLS, anew=True), id="again and again", marks=pytest.mark.soak),
]


def start(folder: Path, form: Form) -> int:
    """Type the line in a process that leads a group; return its id."""
    if not form.anew:
        return begin(folder, *form.line, IN_ONE_PROCESS)
    command = [sys.executable, "-m", "etude", *form.line, "-j", "2"]
    return begin(folder, first=lambda: os.execv(sys.executable, command))


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


def table(folder: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader((the_sweep(folder).path / "table.csv").open()))
    return [{key: value for key, value in row.items() if key != "minutes"} for row in rows]


def weights(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        f"{path.parts[-3]}/{path.name}": torch.load(path, weights_only=True)["state_dict"]
        for name in ("best", "last")
        for path in folder.glob(f"outputs/erk_lstm_copy/*/checkpoints/{name}.ckpt")
    }


@pytest.mark.journey
@pytest.mark.skipif(sys.platform != "linux", reason="kills a process group")
@pytest.mark.parametrize("form", FORMS)
def test_a_killed_sweep_goes_on_to_the_same_end(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form
) -> None:
    said = etude(*form.line, IN_ONE_PROCESS)  # in this process, which has imported everything
    assert said.code == 0, said.err
    assert etude("sweep-report", str(the_sweep(tmp_path).path)).code == 0
    undisturbed, expected = table(tmp_path), weights(tmp_path)
    jobs = len(undisturbed)
    assert jobs == 2 * len({path.partition("/")[0] for path in expected})  # a training for two temperatures
    training = min(60 * job.status["result"]["minutes"] for job in the_sweep(tmp_path).jobs())

    killed, rng, once = tmp_path / "killed", random.Random(0), dict[str, Any]()
    for done, part in form.kills:
        process = start(killed, form)
        if done is not None:
            wait_until(lambda done=done: count(killed, "done") >= done and count(killed, "running"), process)
        time.sleep(rng.random() * part * training)
        os.killpg(process, signal.SIGKILL)
        assert end(process) == -signal.SIGKILL, (killed / "said.txt").read_text()
        wait_until(lambda: not count(killed, "running"))  # the killed job counts as interrupted
        once |= done_jobs(killed)
        assert len(once) < jobs
    assert len(once) >= max(done or 0 for done, _ in form.kills)
    assert end(start(killed, form)) == 0, (killed / "said.txt").read_text()

    monkeypatch.chdir(killed)
    again = etude(*form.line)
    assert again.code == 0
    assert f"sweep of {jobs} jobs, {jobs} done before" in again.err
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
    assert json.loads((the_sweep(killed).path / "ledger.json").read_text())["jobs"] == jobs
