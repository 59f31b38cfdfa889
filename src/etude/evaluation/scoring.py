"""How well a network predicts held-out music."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F

from etude.corpora.gather import IGNORE, Batch
from etude.evaluation.baselines import Bools, LabelMetrics
from etude.models.network import Network


@torch.inference_mode()
def score(network: Network, batches: Iterable[Batch], where: Bools) -> LabelMetrics:
    """Return nats and accuracy over the labels whose id is marked in ``where``, shape (V,)."""
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    counted = torch.from_numpy(np.append(where, False)).to(device)  # IGNORE is mapped to the last
    nats, right, total = 0.0, 0, 0
    for batch in batches:
        targets = batch.targets.to(device)
        features, _ = network.features(batch.inputs.to(device))
        logits = network.head(features[:, -targets.shape[1] :])  # (B, L, V)
        chosen = counted[torch.where(targets == IGNORE, len(where), targets)]  # (B, L)
        labels, kept = targets[chosen], logits[chosen]  # (N,), (N, V)
        nats += float(F.cross_entropy(kept.double(), labels, reduction="sum"))
        right += int((kept.argmax(-1) == labels).sum())
        total += len(labels)
    network.train(was_training)
    return LabelMetrics(nats / total if total else None, right / total if total else 0.0)
