"""Batches of a corpus, made as its settings say."""

from __future__ import annotations

import torch

from etude.corpora.augmentation import augmentation
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.shard import ALONE, Shard
from etude.corpora.splits import Subset
from etude.corpora.store import Store
from etude.corpora.windows import HeldOutLabels, TrainingWindows
from etude.errors import EtudeError


def training_windows(
    corpus: PreparedCorpus,
    seed: int,
    *,
    repeat: bool = False,
    device: torch.device | None = None,
    shard: Shard = ALONE,
) -> TrainingWindows:
    """Return training windows in an order that depends only on (seed, epoch); with ``repeat``, on the seed.

    EtudeError if ``data.drop_last`` leaves no batch.
    """
    config = corpus.config
    windows = TrainingWindows(
        corpus.store,
        corpus.split.train,
        length=config.sequence_len,
        batch_size=config.batch_size,
        objective=config.objective,
        seed=seed,
        drop_last=config.drop_last,
        bucket=config.bucket,
        repeat=repeat,
        device=device,
        shard=shard,
        augment=augmentation(config, corpus.encoding, corpus.vocabulary),
    )
    if not len(windows):
        raise EtudeError(
            f"data.batch_size={config.batch_size} is more than all training windows together, and "
            "data.drop_last=true leaves out a batch that is not full"
        )
    return windows


def held_out(
    corpus: PreparedCorpus,
    subset: Subset,
    *,
    store: Store | None = None,
    device: torch.device | None = None,
    shard: Shard = ALONE,
) -> HeldOutLabels:
    """Return batches with each label of a subset once; ``store``: with the same pieces in other ids."""
    return HeldOutLabels(
        corpus.store if store is None else store,
        subset,
        length=corpus.config.sequence_len,
        batch_size=corpus.config.eval_batch_size,
        objective=corpus.config.objective,
        device=device,
        shard=shard,
    )
