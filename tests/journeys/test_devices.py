"""Two processes that train one model: gloo on the CPU, started as a user starts them."""

import csv
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_killed_training import EACH_STEP, STEP, at, begin, end, outcome, status

import forked
from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.errors import EtudeError
from etude.training.settings import TrainerSettings
from etude.training.trainer import check_devices
from forked import fork_helpers, torchrun
from journey import LIMIT, Etude

pytestmark = pytest.mark.journey

TWO = ("trainer.devices=2", "trainer.strategy=ddp")


@pytest.fixture(autouse=True)
def prepared(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETUDE_DATA_DIR", str(data_dir))


def torchrun_anew(line: tuple[str, ...]) -> int:
    """Type ``torchrun … -m etude …``, whose processes import everything anew; return its exit code."""
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    return subprocess.run([sys.executable, "-m", *launcher, "-m", "etude", *line], check=False).returncode


def figures(run: Path) -> list[list[float]]:
    with (run / "metrics.csv").open() as file:
        return [[float(cell or 0) for cell in row] for row in list(csv.reader(file))[1:]]


def test_in_a_sweep_two_processes_reach_what_one_reaches(tmp_path: Path) -> None:
    # batches of 11 windows: the shares are never the same, and one has a row without labels now and then
    short = ("model.dropout=0", "data.batch_size=11", "trainer.max_epochs=1")
    for name, more in (("one", ()), ("two", ("-m", *TWO))):
        assert end(begin(tmp_path / name, *short, *more, first=fork_helpers)) == 0, (
            tmp_path / name / "said.txt"
        ).read_text()
    runs = [run for name in ("one", "two") for run in tmp_path.glob(f"{name}/outputs/erk_lstm_copy/*")]
    assert len(runs) == 2  # the process that helps has no folder of its own
    one, two = (torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in runs)
    assert one["global_step"] == two["global_step"] > 2
    for name, weights in one["state_dict"].items():
        torch.testing.assert_close(two["state_dict"][name], weights, rtol=1e-4, atol=1e-6)
    for row, other in zip(*map(figures, runs), strict=True):
        assert other == pytest.approx(row, rel=1e-5)
    assert len(two["resume"]["processes"]) == 2


@pytest.mark.parametrize(
    "start",
    [pytest.param(torchrun, id="forked"), pytest.param(torchrun_anew, id="anew", marks=pytest.mark.soak)],
)
def test_two_processes_of_torchrun_reach_what_one_reaches(
    etude: Etude, tmp_path: Path, start: Callable[[tuple[str, ...]], int]
) -> None:
    line = ("train", *LIMIT, "logger=csv", "model.hidden_dim=8", "model.dropout=0", "data.batch_size=11",
            "trainer.max_epochs=1", "trainer.log_every_n_steps=1", "sampling.num_samples=0",
            "evaluate=off")  # fmt: skip
    code = end(forked.begin(tmp_path, *line, "trainer.devices=2", "name=two", run=start))
    said = (tmp_path / "said.txt").read_text()
    assert code == 0, said
    assert said.count("test metrics") == 1, "the first process alone prints"
    assert etude(*line, "name=one").code == 0
    [one], [two] = tmp_path.glob("outputs/one/*"), tmp_path.glob("outputs/two/*")
    assert json.loads((two / "status.json").read_text())["attempt"] == 1
    for row, other in zip(figures(one), figures(two), strict=True):
        assert other == pytest.approx(row, rel=1e-5)
    weights, others = (
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run in (one, two)
    )
    for name, weight in weights.items():
        torch.testing.assert_close(others[name], weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("kills", "helpers"),
    [
        pytest.param((), fork_helpers, id="stopped"),
        pytest.param((4,), lambda: None, id="killed and stopped", marks=pytest.mark.soak),
    ],
)
def test_two_processes_that_are_killed_or_stopped_go_on_as_if_they_had_not_been(
    tmp_path: Path, kills: tuple[int, ...], helpers: Callable[[], None]
) -> None:
    def stopped_at(step: int, number: int) -> Callable[[], None]:
        return lambda: (helpers(), at(STEP, step, number)())  # type: ignore[func-returns-value]

    calm, killed = tmp_path / "calm", tmp_path / "killed"
    assert end(begin(calm, *TWO, first=helpers)) == 0, (calm / "said.txt").read_text()
    for step in kills:
        first = stopped_at(step, signal.SIGKILL)
        assert end(begin(killed, *TWO, EACH_STEP, first=first)) == -signal.SIGKILL
    stopped = begin(killed, *TWO, EACH_STEP, first=stopped_at(2, signal.SIGTERM))
    assert end(stopped) == os.EX_TEMPFAIL, (killed / "said.txt").read_text()
    assert status(killed)["state"] == "preempted"
    assert end(begin(killed, *TWO, first=helpers)) == 0, (killed / "said.txt").read_text()
    assert "resuming after step" in (killed / "said.txt").read_text()
    assert outcome(killed) == outcome(calm)


@pytest.mark.parametrize(
    ("choice", "why"),
    [("model=lstm_batchnorm", "normalises over a batch"), ("model=markov", "not trained by gradients")],
)
def test_what_several_processes_cannot_train_as_one_is_refused(etude: Etude, choice: str, why: str) -> None:
    line = ("train", *LIMIT, "logger=csv", choice, "trainer.max_epochs=1", "sampling.num_samples=0",
            "evaluate=off", "data.max_pieces=20")  # fmt: skip
    said = etude(*line, *TWO)
    assert said.code == 2
    assert why in said.err
    assert etude(*line, "trainer.devices=1").code == 0


def test_a_run_goes_on_with_as_many_processes_as_it_began_with(tmp_path: Path) -> None:
    first = at(STEP, 4, signal.SIGTERM)
    assert end(begin(tmp_path, EACH_STEP, first=first)) == os.EX_TEMPFAIL
    [saved] = tmp_path.glob("outputs/*/*/checkpoints/last.ckpt")
    before = saved.read_bytes()
    assert end(begin(tmp_path, *TWO)) == 2
    assert "started with trainer.devices=1; resume it with that" in (tmp_path / "said.txt").read_text()
    assert saved.read_bytes() == before
    assert status(tmp_path)["state"] == "preempted"
    assert end(begin(tmp_path)) == 0, (tmp_path / "said.txt").read_text()


def test_a_helper_whose_parent_has_gone_ends(tmp_path: Path) -> None:
    given, _ = os.pipe()  # where it waits for its config

    def helper(line: tuple[str, ...]) -> int:
        os.dup2(given, 0)
        sys.stdin, sys.argv = open(0, closefd=False), [*line]  # noqa: SIM115
        signal.alarm(300)
        runpy.run_module("etude.training.worker", run_name="__main__")
        return 0

    assert end(forked.begin(tmp_path, "worker", str(tmp_path), "1000000000", run=helper)) == 1


@pytest.mark.parametrize("accelerator", ["gpu", "auto"])
def test_more_gpus_than_there_are(accelerator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    values = {**plain(compose("train").trainer), "devices": 2, "accelerator": accelerator}
    with pytest.raises(EtudeError, match=r"PyTorch finds 1; type trainer\.devices=1"):
        check_devices(from_plain(TrainerSettings, values), torch.nn.Linear(2, 2))
