"""Hooks that a callback leaves empty are not called, and all others are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LambdaCallback
from pytorch_lightning.demos.boring_classes import BoringModel

from etude.training.empty_hooks import OF_A_STEP, without_empty_hooks


class Before(pl.Callback):
    def __init__(self) -> None:
        self.calls = 0

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: torch.Tensor
    ) -> None:
        self.calls += 1


class After(Before):
    """Another callback, with a hook of its base and one of its own."""

    def on_train_batch_end(self, *args: Any) -> None:
        self.calls += 10


@pytest.mark.filterwarnings("ignore")
def test_lightning_calls_the_hooks_that_do_something_and_skips_the_others(tmp_path: Path) -> None:
    called: list[str] = []
    given = LambdaCallback(**{name: lambda *_, name=name: called.append(name) for name in OF_A_STEP})
    before, after, nothing = callbacks = [Before(), After(), pl.Callback()]
    trainer = pl.Trainer(
        max_steps=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path, limit_val_batches=0,
        callbacks=without_empty_hooks([*callbacks, given]),
    )  # fmt: skip
    trainer.fit(BoringModel())
    assert (before.calls, after.calls) == (2, 22)
    assert called == [*OF_A_STEP] * 2
    assert all(getattr(nothing, name) is None for name in OF_A_STEP)
    assert [name for name in OF_A_STEP if getattr(after, name)] == [
        "on_before_backward",
        "on_train_batch_end",
    ]
