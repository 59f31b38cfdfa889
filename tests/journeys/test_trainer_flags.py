"""A killed training ends as an undisturbed one under each of Lightning's flags."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from test_killed_training import EACH_STEP, STEP, at, begin, end, outcome

from etude.runs.folder import RunFolder
from small_training import killed_and_resumed, left_by, small_config, train_small

pytestmark = pytest.mark.journey

FLAGS = [
    ["trainer.accumulate_grad_batches=3", "trainer.gradient_clip_algorithm=value"],
    ["trainer.val_check_interval=0.5"],
    ["trainer.max_steps=7", "callbacks.patience=2"],
    ["trainer.limit_train_batches=3", "trainer.limit_val_batches=1"],
    ["trainer.overfit_batches=2"],
    [
        "schedule=plateau",
        "schedule.patience=0",
        "schedule.threshold=9",
        "schedule.warmup=4",
        "optim=adamw",
        "optim.decay_biases_and_norms=false",
        "schedule.threshold_mode=abs",
    ],
    ["schedule._target_=torch.optim.lr_scheduler.StepLR", "schedule.step_size=1", "schedule.interval=epoch"],
    ["trainer.check_val_every_n_epoch=2", "trainer.accumulate_grad_batches=2", "trainer.max_steps=5"],
]


@pytest.fixture(autouse=True)
def prepared(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETUDE_DATA_DIR", str(data_dir))


def said(folder: Path) -> str:
    return (folder / "said.txt").read_text()


@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: flags[0])
def test_a_killed_fit_ends_as_an_undisturbed_one(tmp_path: Path, flags: list[str]) -> None:
    config = small_config(tmp_path, *flags)
    calm, killed = RunFolder(tmp_path / "calm"), RunFolder(tmp_path / "killed")
    trainer, _ = train_small(config, calm)
    last = trainer.global_step
    assert last >= 3
    killed_and_resumed(config, killed, last // 3, last - 1)
    assert left_by(killed) == left_by(calm)


# the training steps of its attempts at which SIGKILL and SIGTERM come, after validations within an epoch
@pytest.mark.soak
@pytest.mark.parametrize("steps", [(5, 9), (5, 5), (9, 9)])
@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: flags[0])
def test_a_killed_training_ends_as_an_undisturbed_one(
    tmp_path: Path, flags: list[str], steps: tuple[int, int]
) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    assert end(begin(calm, *flags)) == 0, said(calm)
    for call, number in zip(steps, (signal.SIGKILL, signal.SIGTERM), strict=True):
        end(begin(killed, EACH_STEP, *flags, first=at(STEP, call, number)))
    assert end(begin(killed, *flags)) == 0, said(killed)
    assert outcome(killed) == outcome(calm)
