"""Settings of the verbs: the keys at the top of conf/train.yaml, sample.yaml and prepare.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from etude.config.fields import setting


@dataclass
class TrainSettings:
    """What `etude train` takes; each group has a schema of its own."""

    seed: int = setting(
        "any whole number from 0; the same seed and config give the same weights, bit for bit",
        low=0,
        high=2**32 - 1,
    )
    name: str = setting("folder of the run under outputs_dir, shared by runs to be compared")
    label: str | None = setting("any word: a second copy of a run that would otherwise be the same")
    on_running: str = setting(
        "if another process is training the same run: stop with an error, wait until it ends, or skip it",
        choices=("stop", "wait", "skip"),
    )
    on_mismatch: str = setting(
        "if the run exists with other code or packages: stop, reuse it, or rerun (removes it first)",
        choices=("stop", "reuse", "rerun"),
    )
    retry: bool = setting("true: a run that failed is tried again, from where it was saved last")
    threads: int = setting("CPU threads of PyTorch", low=1)
    outputs_dir: str = setting("where runs land, relative to the current folder")
    data: Any = setting()
    model: Any = setting()
    optim: Any = setting()
    schedule: Any = setting()
    trainer: Any = setting()
    callbacks: Any = setting()
    logger: Any = setting()
    sampling: Any = setting()


@dataclass
class SampleSettings:
    """What `etude sample` takes."""

    run: str = setting("the folder of a run, as etude train prints it, or a checkpoint file alone")
    checkpoint: str = setting(
        "best: lowest validation loss; last: the end of training; of a checkpoint file alone it says nothing",
        choices=("best", "last"),
    )
    threads: int = setting("CPU threads of PyTorch", low=1)
    sampling: Any = setting()


@dataclass
class PrepareSettings:
    """What `etude prepare` takes."""

    data: Any = setting()
