"""Progress: one bar for the whole training, or a line an epoch."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from etude.corpora.gather import Batch


class TrainingProgress(ProgressBar):
    """Progress bar: loss, accuracy, tokens per second, time left; one line per epoch without a terminal."""

    def __init__(self, console: Console, show_bar: bool) -> None:
        super().__init__()
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._show_bar = show_bar and console.is_terminal
        self._tokens = 0
        self._since = 0.0

    def disable(self) -> None:
        """Show nothing (Lightning calls this on all processes but the first)."""
        self._show_bar = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the bar."""
        self._since, self._tokens = time.monotonic(), 0
        if self._show_bar:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[figures]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self._console,
                expand=True,
            )
            total = trainer.estimated_stepping_batches
            self._task = self._bar.add_task("epoch 1", total=total, completed=trainer.global_step, figures="")
            self._bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Move the bar."""
        self._tokens += batch.num_labels
        if self._bar is not None:
            name = _epoch(trainer)
            self._bar.update(
                self._task, completed=trainer.global_step, description=name, figures=self._figures(trainer)
            )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the epoch's line where there is no bar."""
        if self._bar is None and trainer.is_global_zero:
            name = _epoch(trainer)
            self._console.print(f"{name}  {self._figures(trainer)}", highlight=False)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the bar."""
        self._stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the terminal."""
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _figures(self, trainer: pl.Trainer) -> str:
        shown = []
        for label, key in (
            ("loss", "train/loss_step"),
            ("train", "train/loss"),
            ("val", "val/loss"),
            ("accuracy", "val/accuracy"),
        ):
            if key in trainer.callback_metrics:
                shown.append(f"{label} {float(trainer.callback_metrics[key]):.3f}")
        rate = self._tokens / max(time.monotonic() - self._since, 1e-9)
        return "  ".join([*shown, f"{rate:,.0f} tokens/s"])


def _epoch(trainer: pl.Trainer) -> str:
    last = f"/{trainer.max_epochs}" if trainer.max_epochs != -1 else ""
    return f"epoch {trainer.current_epoch + 1}{last}"
