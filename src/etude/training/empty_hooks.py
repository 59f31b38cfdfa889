"""Hooks of a step that callbacks leave empty: Lightning's calls of them take a fiftieth of a small step."""

from __future__ import annotations

from collections.abc import Iterable

import pytorch_lightning as pl

OF_A_STEP = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)


def without_empty_hooks(callbacks: Iterable[pl.Callback]) -> list[pl.Callback]:
    """Set the hooks of a step that do nothing, being ``pl.Callback``'s, to None: Lightning skips those."""
    found = list(callbacks)
    for callback in found:
        for name in OF_A_STEP:
            if name not in vars(callback) and getattr(type(callback), name) is getattr(pl.Callback, name):
                setattr(callback, name, None)
    return found
