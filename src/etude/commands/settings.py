"""Settings of the verbs: the keys at the top of conf/train.yaml, sample.yaml and prepare.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from etude.config.fields import setting
from etude.corpora.settings import CorpusConfig
from etude.models.settings import ModelConfig, OptimizerConfig, ScheduleConfig
from etude.plain_names import name_problem
from etude.sampling.settings import SamplingSettings
from etude.training.settings import CallbackSettings, LoggerSettings, TrainerSettings


@dataclass
class TrainSettings:
    """Settings of `etude train`."""

    seed: int = setting(
        "random seed; the same seed and settings give the same weights, bit for bit",
        low=0,
        high=2**32 - 1,
    )
    name: str = setting("folder under outputs_dir, shared by runs to compare")
    label: str | None = setting("any word: make a second copy of an existing run", check=name_problem)
    on_running: str = setting(
        "while another process trains the same run: stop with an error, wait, or skip it",
        choices=("stop", "wait", "skip"),
    )
    on_mismatch: str = setting(
        "if the run exists with other code or packages: stop, reuse it, or rerun",
        choices=("stop", "reuse", "rerun"),
    )
    retry: bool = setting("true: continue a failed run from its last checkpoint")
    threads: int = setting("CPU threads of PyTorch", low=1)
    outputs_dir: str = setting("folder of all runs, relative to the current folder")
    data: CorpusConfig = setting("corpus to train on")
    model: ModelConfig = setting("network")
    optim: OptimizerConfig = setting("optimizer")
    schedule: ScheduleConfig = setting("learning rate schedule")
    trainer: TrainerSettings = setting("how long and on what to train")
    callbacks: CallbackSettings = setting("early stopping and checkpoints")
    logger: LoggerSettings = setting("where metrics go beside metrics.csv")
    sampling: SamplingSettings = setting("how music is generated and written")


@dataclass
class SampleSettings:
    """Settings of `etude sample`."""

    run: str = setting("folder of a run, as etude train prints it, or a checkpoint file")
    checkpoint: str = setting(
        "best: lowest validation loss; last: end of training; ignored when run= is a file",
        choices=("best", "last"),
    )
    threads: int = setting("CPU threads of PyTorch", low=1)
    sampling: SamplingSettings = setting("how music is generated and written")


@dataclass
class PrepareSettings:
    """Settings of `etude prepare`."""

    data: CorpusConfig = setting("corpus to prepare")
