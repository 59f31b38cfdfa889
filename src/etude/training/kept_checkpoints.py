"""Checkpoints that a run keeps beside last.ckpt: the best one, and others on request."""

from __future__ import annotations

from functools import partial
from pathlib import Path

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
    kept = partial(
        ModelCheckpoint, dirpath=folder, auto_insert_metric_name=False, enable_version_counter=False
    )
    best = kept(filename="best", monitor=settings.monitor, mode=settings.mode)
    found: list[ModelCheckpoint] = [best]
    if settings.save_top_k != 1:
        found.append(
            TopCheckpoints(
                dirpath=folder,
                filename="top-{step:06d}",
                monitor=settings.monitor,
                mode=settings.mode,
                save_top_k=settings.save_top_k,
                auto_insert_metric_name=False,
                enable_version_counter=False,
            )
        )
    if settings.every_n_train_steps is not None:
        every = settings.every_n_train_steps
        found.append(kept(filename="step-{step:06d}", save_top_k=-1, every_n_train_steps=every))
    if settings.keep_every_epoch:
        found.append(kept(filename="epoch-{epoch:02d}", save_top_k=-1, save_on_train_epoch_end=True))
    return found
