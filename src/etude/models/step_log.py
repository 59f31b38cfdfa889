"""Metrics of a single training step, logged in a twentieth of the time of ``self.log``.

What Étude uses of the inside of Lightning's logging is here; tests/models/test_step_log.py compares the rows.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from torch import Tensor


def logs_this_step(trainer: pl.Trainer) -> bool:
    """Return whether loggers write the training step that is under way: every n-th, or the last."""
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]  # which Lightning does not declare
    before = trainer.fit_loop.epoch_loop._batches_that_stepped
    return every != 0 and ((before + 1) % every == 0 or trainer.should_stop)


def log_step(module: pl.LightningModule, name: str, value: Tensor, **options: Any) -> None:
    """Log a metric of this step as ``module.log`` does, which checks the same call again each time.

    ``module.log`` gets the first call of all and those in the first batch of an epoch, with ``options``.
    """
    key, trainer = f"{module._current_fx_name}.{name}", module._trainer
    results = None if trainer is None or trainer._logger_connector._first_loop_iter else trainer._results
    if results is None or key not in results:
        module.log(name, value, on_step=True, on_epoch=False, **options)
    else:
        results.update_metrics(key, value.detach(), 1)
