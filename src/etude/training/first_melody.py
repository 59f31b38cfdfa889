"""The first melody: music of a network after one epoch."""

from __future__ import annotations

from dataclasses import replace

import pytorch_lightning as pl
from pytorch_lightning.utilities.seed import isolate_rng
from rich.console import Console

from etude.models.checkpoint import TrainedModel
from etude.sampling.generation import generate
from etude.sampling.settings import SamplingSettings

SHOWN = 64  # tokens; four bars of 4/4 on a 1/16 grid


class FirstMelody(pl.Callback):
    """Callback that prints the beginning of a sample after the first epoch; no weight changes by it."""

    def __init__(self, console: Console, model: TrainedModel, settings: SamplingSettings) -> None:
        self._console, self._model = console, model
        self._settings = replace(settings, num_samples=min(1, settings.num_samples), only_valid=False)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the melody, if this was the first epoch of several."""
        if trainer.current_epoch or trainer.max_epochs == 1 or not trainer.is_global_zero:
            return
        with isolate_rng():  # sampling must not change the training
            samples = generate(self._model, self._settings).samples
        for one in samples:
            text = self._model.encoding.join(one.tokens[:SHOWN]) + " …" * (len(one.tokens) > SHOWN)
            self._console.print(
                f"after one epoch it writes: {text}", markup=False, highlight=False, soft_wrap=True
            )
