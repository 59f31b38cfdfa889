"""Sharding of batches over the training processes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import full_like

from etude.corpora.gather import IGNORE, Batch


@dataclass(frozen=True)
class Shard:
    """Shard of each batch for process ``rank`` of ``count``: every ``count``-th row, starting at ``rank``.

    Each process makes whole batches and keeps its rows, so that all have the same number of batches and
    know how many labels the others have; making one takes a small part of the time of a training step.
    """

    rank: int = 0
    count: int = 1

    def of(self, batch: Batch) -> Batch:
        """Return this shard of a batch; one row without labels if the batch is smaller than ``count``.

        A row that is given for want of another keeps the processes in step, and counts nowhere.
        """
        if self.count == 1:
            return batch
        inputs, targets = batch.inputs[self.rank :: self.count], batch.targets[self.rank :: self.count]
        if not len(inputs):
            inputs, targets = batch.inputs[:1], full_like(batch.targets[:1], IGNORE)
        own = int((targets != IGNORE).sum())
        return Batch(inputs, targets, own, own * self.count / max(batch.num_labels, 1))


ALONE = Shard()
