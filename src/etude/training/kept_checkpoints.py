"""Checkpoints that a run keeps beside last.ckpt: the best one, and others on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint

from etude.training.settings import CallbackSettings


class TopCheckpoints(ModelCheckpoint):
    """The best few; a class of its own, because Lightning saves the state of a callback under its class."""


def kept_checkpoints(settings: CallbackSettings, folder: Path) -> list[ModelCheckpoint]:
    """Return a callback for each kind of checkpoint that is kept in ``folder``.

    Only validated weights are ranked. Those of every n-th step or epoch are all kept: Lightning would rank
    them by an earlier validation.
    """
    # Weights that are trained again after a kill are the same, and have the same file.
    kept: dict[str, Any] = {
        "dirpath": folder, "auto_insert_metric_name": False, "enable_version_counter": False,
    }  # fmt: skip
    # Weights are ranked at each validation. Left to itself, Lightning takes val_check_interval=1, which asks
    # for one after each step, for 1.0, one at the end of an epoch.
    ranked = {
        **kept, "monitor": settings.monitor, "mode": settings.mode, "save_on_train_epoch_end": False,
    }  # fmt: skip
    found = [ModelCheckpoint(filename="best", **ranked)]
    if settings.save_top_k != 1:
        found.append(TopCheckpoints(filename="top-{step:06d}", save_top_k=settings.save_top_k, **ranked))
    for each in found:  # a validation ranks them: Lightning need not ask after each step
        each.on_train_batch_end = None  # type: ignore[method-assign,assignment]
    if every := settings.every_n_train_steps:
        found.append(
            ModelCheckpoint(filename="step-{step:06d}", save_top_k=-1, every_n_train_steps=every, **kept)
        )
    if settings.keep_every_epoch:
        found.append(
            ModelCheckpoint(filename="epoch-{epoch:02d}", save_top_k=-1, save_on_train_epoch_end=True, **kept)
        )
    return found
