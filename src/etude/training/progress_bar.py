"""Progress: one bar for the whole training, or a line an epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from etude.corpora.gather import Batch

METRICS = {
    "loss": "train/loss_step",
    "val": "val/loss",
    "accuracy": "val/accuracy",
    "train": "train/loss",
}  # by importance: a narrow terminal shows the first ones alone
PER_SECOND = 4  # drawings of the bar; ten would take a fortieth of a small network's time
OTHERS = 24  # columns beside epoch and metrics: a bar of eight, "left 00:00:00", gaps


class TrainingProgress(ProgressBar):
    """Progress bar: epoch, loss, time left, and what else the terminal has room for; without one, lines."""

    def __init__(self, console: Console, show_bar: bool) -> None:
        super().__init__()
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._show_bar = show_bar and console.is_terminal
        self._tokens = 0
        self._since = self._shown = 0.0

    def disable(self) -> None:
        """Show nothing (Lightning calls this on all processes but the first)."""
        self._show_bar = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the bar."""
        self._since, self._tokens = time.monotonic(), 0
        if self._show_bar:
            self._bar = training_bar(self._console)
            total = trainer.estimated_stepping_batches
            name = _epoch(trainer)
            self._task = self._bar.add_task(name, total=total, completed=trainer.global_step, metrics="")
            self._bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Move the bar, if it is to be drawn again."""
        self._tokens += batch.num_labels
        if self._bar is not None and time.monotonic() - self._shown >= 1 / PER_SECOND:
            self._show(self._bar, trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move the bar to the epoch's end, or print the epoch's line where there is none."""
        if self._bar is not None:
            self._show(self._bar, trainer)
        elif trainer.is_global_zero:
            parts = self._parts(trainer)
            line = [parts[label] for label in ("loss", "train", "val", "accuracy", "speed") if label in parts]
            self._console.print("  ".join([_epoch(trainer), *line]), highlight=False)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the bar."""
        self._stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the terminal."""
        self._stop()

    def _show(self, bar: Progress, trainer: pl.Trainer) -> None:
        name, self._shown = _epoch(trainer), time.monotonic()
        shown = fitting(self._parts(trainer), self._console.width - len(name) - OTHERS)
        bar.update(self._task, completed=trainer.global_step, description=name, metrics=shown)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _parts(self, trainer: pl.Trainer) -> dict[str, str]:
        """Return the metrics known so far and the speed, as text, by label."""
        known = trainer.callback_metrics
        parts = {label: f"{label} {float(known[key]):.3f}" for label, key in METRICS.items() if key in known}
        rate = self._tokens / max(time.monotonic() - self._since, 1e-9)
        return {**parts, "speed": f"{rate:,.0f} tokens/s"}


def training_bar(console: Console) -> Progress:
    """Return the bar; its tasks have a field ``metrics``. No column but the bar's gives way."""
    whole = Column(no_wrap=True)
    return Progress(
        TextColumn("{task.description}", table_column=whole.copy()),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[metrics]}", table_column=whole.copy()),
        TextColumn("left", table_column=whole.copy()),
        TimeRemainingColumn(table_column=whole.copy()),
        console=console,
        expand=True,
        refresh_per_second=PER_SECOND,
    )


def fitting(parts: Mapping[str, str], room: int) -> str:
    """Return the first part, and of the others those that fit into ``room`` columns, most important first."""
    chosen: list[str] = []
    for part in parts.values():
        if not chosen or len("  ".join([*chosen, part])) <= room:
            chosen.append(part)
    return "  ".join(chosen)


def _epoch(trainer: pl.Trainer) -> str:
    last = f"/{trainer.max_epochs}" if trainer.max_epochs != -1 else ""
    return f"epoch {trainer.current_epoch + 1}{last}"
