"""The progress bar: at 80 columns epoch, time left and loss are there, from the first epoch to the last."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from etude.training import progress_bar
from etude.training.progress_bar import TrainingProgress, fitting

LATER = {"train/loss_step": 1.234, "val/loss": 1.345, "val/accuracy": 0.512, "train/loss": 1.456}


def last_line(width: int, epoch: int, epochs: int, metrics: dict[str, float], tokens: int = 1024) -> str:
    """Last line of the terminal after a batch of an epoch."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    progress = TrainingProgress(console, show_bar=True)
    trainer = SimpleNamespace(current_epoch=epoch, max_epochs=epochs, estimated_stepping_batches=100)
    trainer.global_step, trainer.callback_metrics = 0, {}
    progress.on_train_start(trainer, None)
    trainer.global_step, trainer.callback_metrics = 99, metrics
    progress.on_train_batch_end(trainer, None, None, SimpleNamespace(num_labels=tokens), 0)
    progress.on_train_end(trainer, None)
    lines = [
        line for line in re.sub(r"\x1b\[[?\d]*\w|\r", "\n", out.getvalue()).splitlines() if "epoch" in line
    ]
    return lines[-1]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    ("epoch", "epochs", "metrics"),
    [(0, 12, {"train/loss_step": 2.5}), (1, 12, LATER), (998, 1000, {**LATER, "train/loss_step": 12.345})],
)
def test_epoch_loss_and_time_left_are_whole(
    width: int, epoch: int, epochs: int, metrics: dict[str, float]
) -> None:
    shown = last_line(width, epoch, epochs, metrics, tokens=10**9)
    assert f"epoch {epoch + 1}/{epochs}" in shown
    assert f"loss {metrics['train/loss_step']:.3f}" in shown
    assert "left 0:00:0" in shown or "left -:--:--" in shown
    assert "…" not in shown
    assert len(shown) <= width


def test_at_80_columns_the_validation_loss_stands_beside() -> None:
    assert "val 1.345" in last_line(80, 1, 12, LATER)
    assert "tokens/s" not in last_line(80, 1, 12, LATER, tokens=10**12)
    assert "tokens/s" in last_line(160, 1, 12, LATER)


def test_the_first_part_is_always_there() -> None:
    assert fitting({"loss": "loss 1.000", "val": "val 2.000"}, 0) == "loss 1.000"
    assert fitting({"loss": "loss 1.000", "val": "val 2.000"}, 21) == "loss 1.000  val 2.000"


def test_steps_move_the_bar_a_few_times_a_second_and_the_end_of_an_epoch_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, moved = [100.0], []
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Progress, "update", lambda self, task, **to: moved.append(to["completed"]))
    trainer = SimpleNamespace(current_epoch=0, max_epochs=1, estimated_stepping_batches=100)
    trainer.global_step, trainer.callback_metrics = 0, {"train/loss_step": 1.0}
    progress = TrainingProgress(Console(file=io.StringIO(), force_terminal=True), show_bar=True)
    progress.on_train_start(trainer, None)
    for step in range(1, 41):
        now[0] += 0.025
        trainer.global_step = step
        progress.on_train_batch_end(trainer, None, None, SimpleNamespace(num_labels=1), 0)
    assert len(moved) == pytest.approx(progress_bar.PER_SECOND, abs=1)  # in a second
    progress.on_train_epoch_end(trainer, None)
    progress.on_train_end(trainer, None)
    assert moved[-1] == 40
