"""Settings of the verbs sample, play, evaluate and prepare: the keys at the top of their files in conf/."""

from __future__ import annotations

from dataclasses import dataclass

from etude.addresses import cluster_problem
from etude.config.fields import setting
from etude.corpora.settings import CorpusConfig
from etude.sampling.settings import SamplingSettings


@dataclass
class TrainedRunSettings:
    """Settings of the verbs that open a trained run."""

    run: str = setting(
        "folder of a run, start of its name or hash, latest, pretrained/NAME, or a checkpoint file"
    )
    checkpoint: str = setting(
        "best: lowest validation loss; last: end of training; ignored when run= is a file",
        choices=("best", "last"),
    )
    threads: int = setting("CPU threads of PyTorch", low=1, high=1024)


@dataclass
class SampleSettings(TrainedRunSettings):
    """Settings of `etude sample`."""

    samples_dir: str | None = setting("folder for the samples; null: samples/ of the run")
    copy_check: bool = setting("true: compare each sample with the training pieces; reads the corpus")
    sampling: SamplingSettings = setting("how music is generated and written")


@dataclass
class PlaySettings(TrainedRunSettings):
    """Settings of `etude play`."""

    against: str | None = setting("a second run to compare with, or the same; null: one alone")
    port: int = setting("port of the page on this machine, 127.0.0.1", low=1024, high=65535)
    sampling: SamplingSettings = setting("what the page begins with")


@dataclass
class EvaluateSettings(TrainedRunSettings):
    """Settings of `etude evaluate`."""

    set: str = setting("which set of the corpus", choices=("train", "val", "test", "all"))
    resamples: int = setting("bootstrap resamples of the 95 % intervals", low=100, high=100_000)
    sampling: SamplingSettings = setting("how the samples are generated; num_samples=0: none")
    data: CorpusConfig | None = setting("corpus to evaluate on; null: the one of the training")


@dataclass
class PrepareSettings:
    """Settings of `etude prepare`."""

    data: CorpusConfig = setting("corpus to prepare")
    ray: str | None = setting(
        "Ray cluster that reads the files, as HOST:PORT; null: this machine", check=cluster_problem
    )
