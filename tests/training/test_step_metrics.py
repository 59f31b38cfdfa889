"""Learning rate, gradient norm and speed: logged for every logger, and kept out of what two runs share."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from etude.corpora.gather import Batch
from etude.runs.folder import RunFolder
from etude.training.metrics_csv import MetricsCsv, TimesCsv
from etude.training.step_metrics import StepMetrics
from small_training import small_config, train_small

STEPS, LABELS = 4, 6


class Line(pl.LightningModule):
    """One weight, whose loss is the weight times the batch's number: the gradient is that number."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(2))

    def training_step(self, batch: Batch, number: int) -> torch.Tensor:
        return self.weights.sum() * (number + 1.0)

    def validation_step(self, batch: Batch, number: int) -> None:
        pass

    def configure_optimizers(self) -> tuple[list[torch.optim.Optimizer], list[dict[str, object]]]:
        optimizer = torch.optim.SGD(self.parameters(), 1.0)
        halved = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        return [optimizer], [{"scheduler": halved, "interval": "step"}]


def fitted(folder: Path, *, every: int = 1) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows of metrics.csv and times.csv of two epochs whose gradients are clipped."""
    batches = [Batch(torch.zeros(1, LABELS), torch.zeros(1, LABELS), LABELS)] * STEPS
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", callbacks=[StepMetrics()], enable_checkpointing=False,
        logger=[MetricsCsv(folder / "metrics.csv"), TimesCsv(folder / "times.csv")], log_every_n_steps=every,
        gradient_clip_val=0.1, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(batches, batch_size=None)
    trainer.fit(Line(), loader, loader)
    tables = [list(csv.DictReader((folder / name).open())) for name in ("metrics.csv", "times.csv")]
    return tables[0], tables[1]


@pytest.mark.filterwarnings("ignore")
def test_rate_and_norm_are_those_of_the_step_and_times_have_a_file_of_their_own(tmp_path: Path) -> None:
    steps, epochs = fitted(tmp_path)
    assert [float(row["train/lr"]) for row in steps] == [0.5**step for step in range(2 * STEPS)]
    norms = [(step + 1) * math.sqrt(2) for step in range(STEPS)]  # before they are clipped
    assert [float(row["train/grad_norm"]) for row in steps] == pytest.approx(norms * 2)
    assert not [column for column in steps[0] if column.startswith("time/")]
    assert [row["epoch"] for row in epochs] == ["0", "1"]
    for row in epochs:
        seconds = float(row["time/epoch_seconds"])
        assert 0 < STEPS * LABELS / seconds <= float(row["time/tokens_per_second"])


@pytest.mark.filterwarnings("ignore")
def test_only_the_steps_that_are_logged_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[float] = []

    def norm(gradients: list[torch.Tensor]) -> torch.Tensor:
        norms.append(float(gradients[0][0]))
        return torch.tensor(0.0)

    monkeypatch.setattr(torch.nn.utils, "get_total_norm", norm)
    assert [row["step"] for row in fitted(tmp_path, every=3)[0]] == ["2", "5"]
    assert norms == [3.0, 2.0]


@pytest.mark.parametrize("end", [("trainer.max_epochs=2",), ("trainer.max_steps=7", "trainer.max_epochs=-1")])
def test_the_loss_of_a_row_is_that_of_its_step_and_the_last_step_has_one(
    tmp_path: Path, end: tuple[str, ...]
) -> None:
    losses = []
    for every in (1, 4):
        run = RunFolder(tmp_path / f"every-{every}")
        train_small(small_config(tmp_path, *end, f"trainer.log_every_n_steps={every}"), run)
        rows = csv.DictReader(run.metrics.open())
        losses.append({int(row["step"]): row["train/loss_step"] for row in rows if row["train/loss_step"]})
    each, some = losses
    assert some.keys() == {step for step in each if (step + 1) % 4 == 0 or step == max(each)}
    assert some == {step: each[step] for step in some}
    assert max(each) % 4 != 3


@pytest.mark.parametrize("text", [None, b"\xff\xfe", b"step,epoch\nsoon,0\n", b"0,1\n"])
def test_lost_or_damaged_times_do_not_stop_a_resumed_run(tmp_path: Path, text: bytes | None) -> None:
    path = tmp_path / "times.csv"
    if text is not None:
        path.write_bytes(text)
    logger = TimesCsv(path, before=5)
    logger.log_metrics({"time/epoch_seconds": 1.0, "val/loss": 2.0, "epoch": 0}, 7)
    logger.finalize("success")
    assert path.read_text().split() == ["step,epoch,time/epoch_seconds", "7,0,1.0"]


def test_a_schedule_by_epochs_takes_its_length_from_the_number_of_steps(tmp_path: Path) -> None:
    rates = []
    for end in (("trainer.max_epochs=2",), ("trainer.max_epochs=-1", "trainer.max_steps=10")):
        run = RunFolder(tmp_path / str(len(rates)))
        train_small(small_config(tmp_path, *end, "schedule.interval=epoch"), run)
        rows = csv.DictReader(run.metrics.open())
        rates.append([row["train/lr"] for row in rows if row["train/lr"]])
    assert rates[0] == rates[1]
    assert len(set(rates[0])) == 2
