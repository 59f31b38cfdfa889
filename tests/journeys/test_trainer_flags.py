"""A killed training ends as an undisturbed one under each of Lightning's flags."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from test_killed_training import EACH_STEP, STEP, at, begin, end, outcome

pytestmark = pytest.mark.journey

# three epochs of nine batches
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
# (SIGKILL, SIGTERM): the training step of its attempt at which each comes, after validations within an epoch
SHORT, LONG = ((5, 9),), ((5, 5), (9, 9))


@pytest.fixture(autouse=True)
def prepared(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETUDE_DATA_DIR", str(data_dir))


def said(folder: Path) -> str:
    return (folder / "said.txt").read_text()


@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: flags[0])
@pytest.mark.parametrize(
    "steps",
    [pytest.param(SHORT, id="once"), pytest.param(LONG, id="at more steps", marks=pytest.mark.soak)],
)
def test_a_killed_training_ends_as_an_undisturbed_one(
    tmp_path: Path, flags: list[str], steps: tuple[tuple[int, int], ...]
) -> None:
    assert end(begin(tmp_path / "calm", *flags)) == 0, said(tmp_path / "calm")
    calm = outcome(tmp_path / "calm")
    for calls in steps:
        folder = tmp_path / f"killed-{calls[0]}"
        for call, number in zip(calls, (signal.SIGKILL, signal.SIGTERM), strict=True):
            end(begin(folder, EACH_STEP, *flags, first=at(STEP, call, number)))
        assert end(begin(folder, *flags)) == 0, said(folder)
        assert outcome(folder) == calm, calls
