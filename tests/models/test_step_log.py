"""The metrics of a step are logged as by Lightning's own ``log``, whose inner workings the short way uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from etude.models.step_log import log_step, logs_this_step


class Line(pl.LightningModule):
    """One weight; it logs three metrics of a step in two hooks, by the short way or by Lightning's own."""

    def __init__(self, *, short: bool) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.short, self.seen, self.calls = short, [], 0

    def training_step(self, batch: Tensor, number: int) -> Tensor:
        loss = self.weight * batch.sum()
        assert self.trainer._logger_connector.should_update_logs == logs_this_step(self.trainer)
        if logs_this_step(self.trainer):
            self._log("loss", loss, prog_bar=True, sync_dist=True)
            self._log("other", 2 * loss)
        self.log("own", loss, on_epoch=True)  # what a user adds
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        if logs_this_step(self.trainer):
            self._log("rate", torch.tensor(0.5))

    def on_train_batch_end(self, outputs: Any, batch: Tensor, batch_idx: int) -> None:
        trainer = self.trainer
        self.seen.append([dict(each) for each in (trainer.callback_metrics, trainer.progress_bar_metrics)])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)

    def log(self, name: str, *args: Any, **options: Any) -> None:
        self.calls += name != "own"
        super().log(name, *args, **options)

    def _log(self, name: str, value: Tensor, **options: Any) -> None:
        if self.short:
            log_step(self, name, value, **options)
        else:
            self.log(name, value, on_step=True, on_epoch=False, **options)


def fitted(folder: Path, *, short: bool, every: int, gathered: int) -> tuple[Line, str]:
    """A module after three epochs, and the rows of its logger."""
    logger = CSVLogger(folder, name="", version=str(short))
    trainer = pl.Trainer(
        max_epochs=3, accelerator="cpu", logger=logger, log_every_n_steps=every, default_root_dir=folder,
        accumulate_grad_batches=gathered, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    module = Line(short=short)
    trainer.fit(module, torch.utils.data.DataLoader(torch.arange(7.0)))
    return module, (Path(logger.log_dir) / "metrics.csv").read_text()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("every", "gathered"), [(1, 1), (2, 1), (3, 2)])
def test_rows_and_metrics_of_callbacks_are_those_of_lightning(
    tmp_path: Path, every: int, gathered: int
) -> None:
    (ours, our_rows), (theirs, their_rows) = (
        fitted(tmp_path, short=short, every=every, gathered=gathered) for short in (True, False)
    )
    assert our_rows == their_rows
    assert our_rows.count("\n") > 3
    assert ours.seen == theirs.seen
    assert 0 < ours.calls < theirs.calls
