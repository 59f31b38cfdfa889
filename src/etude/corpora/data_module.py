"""Batches of a corpus, and the LightningDataModule that hands them to a trainer."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch

from etude.corpora.batches import held_out, training_windows
from etude.corpora.gather import Batch
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.shard import ALONE, Shard
from etude.corpora.windows import HeldOutLabels, TrainingWindows


class CorpusDataModule(pl.LightningDataModule):
    """The batches of a corpus, each shared by the processes of the trainer.

    Batches are gathered in this process: one is a single indexing call, and a worker costs more than it
    saves. ``seed`` decides the order of the training windows.
    """

    def __init__(self, corpus: PreparedCorpus, seed: int = 0) -> None:
        super().__init__()
        self.corpus, self._seed = corpus, seed

    def prepare_data(self) -> None:
        """Create the store if it does not exist."""
        _ = self.corpus.store

    def train_dataloader(self) -> TrainingWindows:
        """Return training windows in an order that depends only on (seed, epoch)."""
        repeat = bool(getattr(self.trainer, "overfit_batches", 0))
        return training_windows(
            self.corpus, self._seed, repeat=repeat, device=self._device, shard=self._shard
        )

    def val_dataloader(self) -> HeldOutLabels:
        """Return every validation label, once."""
        return held_out(self.corpus, self.corpus.split.val, device=self._device, shard=self._shard)

    def test_dataloader(self) -> HeldOutLabels:
        """Return every test label, once."""
        return held_out(self.corpus, self.corpus.split.test, device=self._device, shard=self._shard)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return the batch on ``device``; Lightning would search one that is there for its tensors."""
        if isinstance(batch, Batch) and batch.inputs.device == device:
            return batch
        return super().transfer_batch_to_device(batch, device, dataloader_idx)

    @property
    def _shard(self) -> Shard:
        """Return this process's shard of each batch."""
        if self.trainer is None:
            return ALONE
        return Shard(self.trainer.global_rank, self.trainer.world_size)

    @property
    def _device(self) -> torch.device | None:
        """Return the device that batches are gathered on; None: the memory map."""
        if not self.corpus.config.on_device:
            return None
        return self.trainer.strategy.root_device if self.trainer is not None else torch.device("cpu")
