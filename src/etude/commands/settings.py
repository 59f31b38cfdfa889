"""Settings of the verbs sample and prepare: the keys at the top of conf/sample.yaml and conf/prepare.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from etude.config.fields import setting
from etude.corpora.settings import CorpusConfig
from etude.sampling.settings import SamplingSettings


@dataclass
class SampleSettings:
    """Settings of `etude sample`."""

    run: str = setting("folder of a run, the beginning of its name or hash, latest, or a checkpoint file")
    checkpoint: str = setting(
        "best: lowest validation loss; last: end of training; ignored when run= is a file",
        choices=("best", "last"),
    )
    threads: int = setting("CPU threads of PyTorch", low=1, high=1024)
    sampling: SamplingSettings = setting("how music is generated and written")


@dataclass
class PrepareSettings:
    """Settings of `etude prepare`."""

    data: CorpusConfig = setting("corpus to prepare")
