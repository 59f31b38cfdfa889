"""Trainings killed at chosen and at any moments: the same command again ends as if nothing had happened.

Each attempt is a process of its own, forked from this one, which has imported everything.
"""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

import forked
from etude.corpora.gather import Batch
from etude.models.module import SequenceModule
from etude.runs import request
from etude.runs.code_hash import packages_of, training_code
from etude.training import checkpoints
from forked import at, end
from journey import LIMIT, Etude

pytestmark = pytest.mark.journey

SMALL = ("train", *LIMIT, "logger=csv", "model.hidden_dim=8", "model.dropout=0.3", "sampling.forms=[]",
         "schedule=cosine", "trainer.max_epochs=3", "trainer.log_every_n_steps=1")  # fmt: skip
EACH_STEP, EACH_EPOCH = "callbacks.checkpoint_minutes=0", "callbacks.checkpoint_minutes=null"

STEP = "etude.models.module.SequenceModule.training_step"


def begin(folder: Path, *arguments: str, first: Callable[[], None] = lambda: None) -> int:
    """Type the small training in a process of its own (see ``forked.begin``)."""
    return forked.begin(folder, *SMALL, *arguments, first=first)


def half_written(call: int) -> Callable[[], None]:
    """Have the process killed while it writes its ``call``-th checkpoint."""

    def patch() -> None:
        original, calls = checkpoints.atomic_write, [0]

        def written(path: Path, data: memoryview) -> None:
            calls[0] += 1
            if calls[0] == call:
                (path.parent / ".half.tmp").write_bytes(data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            original(path, data)

        checkpoints.atomic_write = written  # type: ignore[assignment]

    return patch


def run_in(folder: Path) -> Path:
    [run] = folder.glob("outputs/*/*")
    return run


def status(folder: Path) -> dict[str, Any]:
    return json.loads((run_in(folder) / "status.json").read_text())  # type: ignore[no-any-return]


def outcome(folder: Path) -> dict[str, Any]:
    """Outcome of a training, to compare: weights and optimizer bit for bit, metrics.csv byte for byte."""
    run = run_in(folder)
    results = json.loads((run / "results.json").read_text())
    found = {key: results[key] for key in ("test", "validation", "baselines", "files")}
    found["metrics.csv"] = (run / "metrics.csv").read_text()
    for name in ("best", "last"):
        content = torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)
        state = content["optimizer_states"][0]["state"]
        tensors = content["state_dict"] | {f"{n}.{key}": state[n][key] for n in state for key in state[n]}
        found |= {f"{name}.{key}": tensor.numpy().tobytes() for key, tensor in tensors.items()}
    return found


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> dict[str, Any]:
    """Outcome of an undisturbed training."""
    os.environ["ETUDE_DATA_DIR"] = str(data_dir)
    folder = tmp_path_factory.mktemp("calm")
    assert end(begin(folder)) == 0, (folder / "said.txt").read_text()
    return outcome(folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, calm: dict[str, Any]) -> Path:
    """A training that was killed at its seventh step, with a checkpoint before each."""
    folder = tmp_path_factory.mktemp("killed") / "here"
    assert end(begin(folder, EACH_STEP, first=at(STEP, 7))) == -signal.SIGKILL
    return folder


KILLS = [
    (at("etude.commands.train.generate", 1), EACH_STEP),  # before training
    (at(STEP, 2), EACH_EPOCH),  # nothing is saved yet
    (at(STEP, 3), EACH_STEP),  # in the middle of an epoch, one step after a checkpoint
    (half_written(1), EACH_STEP),  # while a checkpoint is written
    (at("etude.models.module.SequenceModule.validation_step", 1), EACH_EPOCH),
    (at("etude.training.resume._between_batches", 2), EACH_STEP),  # about to save the second time
    (at(STEP, 2), EACH_EPOCH),
    (at("etude.evaluation.evaluation_file.score_labels", 1), EACH_EPOCH),
    (at("etude.commands.train.generate", 2), EACH_EPOCH),  # after training
    (at("etude.commands.train.baseline_metrics", 1), EACH_EPOCH),
    (at("etude.commands.train.write_into", 1), EACH_EPOCH),  # files of the samples before training
]


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param([KILLS[number] for number in (2, 3, 5, 7)], id="where it hurts most"),
        pytest.param(KILLS, id="everywhere", marks=pytest.mark.soak),
    ],
)
def test_a_training_killed_at_each_critical_place_ends_as_an_undisturbed_one(
    calm: dict[str, Any], tmp_path: Path, kills: list[tuple[Callable[[], None], str]]
) -> None:
    for kill, often in kills:
        assert end(begin(tmp_path, often, first=kill)) == -signal.SIGKILL, (tmp_path / "said.txt").read_text()
    assert end(begin(tmp_path)) == 0
    assert "resuming after step" in (tmp_path / "said.txt").read_text()
    assert status(tmp_path)["attempt"] == len(kills) + 1
    assert outcome(tmp_path) == calm


def test_a_training_killed_at_any_moment_ends_as_an_undisturbed_one(
    calm: dict[str, Any], tmp_path: Path
) -> None:
    rng = random.Random(0)
    for _ in range(3):
        child = begin(tmp_path, EACH_STEP)
        while not list(tmp_path.glob("outputs/*/*/checkpoints/*.ckpt")):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        os.kill(child, signal.SIGKILL)
        assert end(child) in (-signal.SIGKILL, 0)
    assert end(begin(tmp_path)) == 0
    assert outcome(tmp_path) == calm


def test_a_stopped_training_saves_and_resumes(calm: dict[str, Any], tmp_path: Path) -> None:
    assert end(begin(tmp_path, EACH_EPOCH, first=at(STEP, 2, signal.SIGTERM))) == os.EX_TEMPFAIL
    assert status(tmp_path)["state"] == "preempted"
    assert "SIGTERM" in (tmp_path / "said.txt").read_text()
    last = torch.load(run_in(tmp_path) / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 2  # the step that it was at is not lost
    assert not (run_in(tmp_path) / "samples").exists()  # the first steps wait for no files
    assert end(begin(tmp_path, EACH_STEP, first=at(STEP, 2, signal.SIGINT))) == 130
    assert status(tmp_path)["state"] == "interrupted"
    assert (
        end(begin(tmp_path, first=at("etude.commands.train.generate", 2, signal.SIGUSR1))) == os.EX_TEMPFAIL
    )
    assert status(tmp_path)["state"] == "preempted"
    assert end(begin(tmp_path)) == 0
    assert outcome(tmp_path) == calm


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one_and_where_it_was_moved(
    calm: dict[str, Any], tmp_path: Path
) -> None:
    assert end(begin(tmp_path / "here", EACH_STEP, first=at(STEP, 7))) == -signal.SIGKILL
    (tmp_path / "here").rename(tmp_path / "there")
    last = run_in(tmp_path / "there") / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-1000])
    assert end(begin(tmp_path / "there")) == 0
    assert outcome(tmp_path / "there") == calm
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def _without(number: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:number], *lines[number + 1 :]]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda lines: [], id="emptied"),
        pytest.param(lambda lines: lines[:3], id="cut"),
        pytest.param(_without(2), id="a row removed"),
        pytest.param(lambda lines: [*lines[:2], lines[2].replace(b".", b".1", 1), *lines[3:]], id="changed"),
        pytest.param(lambda lines: [*lines[:2], b"\xff\xff", *lines[2:]], id="no text"),
    ],
)
def test_damaged_rows_of_a_killed_run_are_noticed(
    etude: Etude,
    killed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[list[bytes]], list[bytes]],
) -> None:
    shutil.copytree(killed, tmp_path / "here")
    path = run_in(tmp_path / "here") / "metrics.csv"
    whole, was = path.read_bytes(), status(tmp_path / "here")
    path.write_bytes(b"".join(damage(whole.splitlines(keepends=True))))
    assert path.read_bytes() != whole
    monkeypatch.chdir(tmp_path / "here")
    said = etude(*SMALL)
    assert said.code == 2
    assert "metrics.csv is damaged" in said.err
    assert f"type etude rm {run_in(tmp_path / 'here').relative_to(tmp_path / 'here')}" in said.err
    assert "Traceback" not in said.err
    assert status(tmp_path / "here") == was


def test_after_its_rows_are_put_back_a_killed_run_goes_on(
    calm: dict[str, Any], killed: Path, tmp_path: Path
) -> None:
    shutil.copytree(killed, tmp_path / "here")
    path = run_in(tmp_path / "here") / "metrics.csv"
    whole = path.read_bytes()
    path.write_bytes(b"")
    assert end(begin(tmp_path / "here")) == 2
    path.write_bytes(whole)
    assert end(begin(tmp_path / "here")) == 0
    assert outcome(tmp_path / "here") == calm


def test_stopped_early_after_a_kill_as_without(calm: dict[str, Any], tmp_path: Path) -> None:
    early = ("callbacks.patience=1", "callbacks.min_delta=0.5", "trainer.max_epochs=9")
    assert end(begin(tmp_path / "calm", *early)) == 0
    assert end(begin(tmp_path / "killed", *early, first=at("etude.commands.train.baseline_metrics", 1))) == -9
    assert end(begin(tmp_path / "killed", *early)) == 0
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "calm")
    assert outcome(tmp_path / "calm")["validation"]["epochs"] < 9


def test_of_several_that_start_at_once_one_trains(calm: dict[str, Any], tmp_path: Path) -> None:
    there, names = f"outputs_dir={tmp_path / 'all' / 'outputs'}", ("one", "two", "three")
    children = [begin(tmp_path / name, there, "on_running=wait") for name in names]
    assert [end(child) for child in children] == [0, 0, 0]
    said = [(tmp_path / name / "said.txt").read_text() for name in names]
    assert sorted("trained before" in each for each in said) == [False, True, True]
    assert all("test metrics" in each for each in said)
    assert status(tmp_path / "all")["attempt"] == 1
    assert outcome(tmp_path / "all") == calm


def test_a_second_training_of_a_running_one_waits_skips_or_stops(
    calm: dict[str, Any], tmp_path: Path
) -> None:
    """A signal stops the first until the others have come and gone."""
    one = begin(tmp_path / "all", first=at(STEP, 2, signal.SIGSTOP))
    os.waitpid(one, os.WUNTRACED)
    run = run_in(tmp_path / "all")
    there = f"outputs_dir={tmp_path / 'all' / 'outputs'}"
    assert end(begin(tmp_path / "stop", there)) == 2
    assert "on_running=wait" in (tmp_path / "stop" / "said.txt").read_text()
    assert end(begin(tmp_path / "skip", there, "on_running=skip")) == 0
    assert "left alone" in (tmp_path / "skip" / "said.txt").read_text()
    waiting = begin(tmp_path / "wait", there, "on_running=wait")
    assert json.loads((run / "status.json").read_text())["pid"] == one
    os.kill(one, signal.SIGCONT)
    assert end(one) == 0
    assert end(waiting) == 0
    assert "trained before" in (tmp_path / "wait" / "said.txt").read_text()
    assert status(tmp_path / "all")["attempt"] == 1
    assert outcome(tmp_path / "all") == calm


def test_a_training_that_diverges_fails_with_a_name_and_is_not_tried_again_unasked(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SequenceModule.training_step

    def third_overflows(module: SequenceModule, batch: Batch, number: int) -> Any:
        loss = step(module, batch, number)
        return loss * float("inf") if module.global_step == 2 else loss

    monkeypatch.setattr(SequenceModule, "training_step", third_overflows)
    diverging = (*SMALL, EACH_STEP, "optim.lr=0.01")
    said = etude(*diverging)
    assert said.code == 2
    assert "the training loss became inf at step" in said.err
    assert "the training has diverged" in said.err
    assert "optim.lr=0.001" in said.err
    assert status(tmp_path)["state"] == "failed"
    for path in (run_in(tmp_path) / "checkpoints").glob("*.ckpt"):
        weights = torch.load(path, weights_only=True)["state_dict"]
        assert all(tensor.isfinite().all() for tensor in weights.values())
    said = etude(*diverging)
    assert said.code == 2
    assert "retry=true" in said.err
    assert status(tmp_path)["attempt"] == 1
    assert etude(*diverging, "retry=true").code == 2
    assert status(tmp_path)["attempt"] == 2


def test_settings_that_need_a_new_training_are_named_for_a_finished_run(etude: Etude, toy_run: Path) -> None:
    toy = ("train", *LIMIT, "model.hidden_dim=8")
    said = etude(*toy, "logger=tensorboard")
    assert said.code == 0
    assert "not trained again for logger.tensorboard=True" in said.out
    assert "not trained again" not in etude(*toy, "logger=csv").out


def test_a_run_of_other_code_is_shown_only_if_that_is_wanted(etude: Etude, toy_run: Path) -> None:
    toy = ("train", *LIMIT, "model.hidden_dim=8", "logger=csv")
    torch_then = version("torch")
    with pytest.MonkeyPatch.context() as now:
        now.setattr(request, "training_code", lambda config: {**training_code(config), "models/lstm.py": "0"})
        now.setattr(request, "packages_of", lambda config: {**packages_of(config), "torch": "9.0"})
        said = etude(*toy)
        assert said.code == 2
        assert "code.models/lstm.py  changed" in said.err
        assert f"{torch_then} → 9.0" in said.err
        assert "Traceback" not in said.err
        assert "trained before" in etude(*toy, "on_mismatch=reuse").out
        assert "trained before" not in etude(*toy, "on_mismatch=rerun").out
    assert "trained before" in etude(*toy).out
