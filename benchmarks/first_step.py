"""Callback that ends the command at the first training step, for benchmarks of the start of a training."""

from __future__ import annotations

import os
from typing import Any

from pytorch_lightning import Callback


class FirstStep(Callback):
    """End the process, with exit code 0, when the first training step is done."""

    def on_train_batch_end(self, *_: Any) -> None:
        os._exit(0)
