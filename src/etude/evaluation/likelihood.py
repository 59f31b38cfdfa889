"""Likelihood of held-out music under a network: nats per token, bits, perplexity and accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from etude.corpora.gather import IGNORE, Batch
from etude.models.network import Network

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelMetrics:
    """Mean nats per label and accuracy; ``nats`` is None if infinite."""

    nats: float | None
    accuracy: float


@torch.inference_mode()
def label_metrics(network: Network, batches: Iterable[Batch], where: Bools) -> LabelMetrics:
    """Return nats and accuracy over the labels whose id is marked in ``where``, shape (V,)."""
    counted = torch.from_numpy(np.append(where, False)).to(network.device)  # IGNORE is mapped to the last
    nats, right, total = 0.0, 0, 0
    with network.evaluating():
        for batch in batches:
            targets = batch.targets.to(network.device)
            features, _ = network.features(batch.inputs.to(network.device))
            logits = network.head(features[:, -targets.shape[1] :])  # (B, L, V)
            chosen = counted[torch.where(targets == IGNORE, len(where), targets)]  # (B, L)
            labels, kept = targets[chosen], logits[chosen]  # (N,), (N, V)
            nats += float(F.cross_entropy(kept.double(), labels, reduction="sum"))
            right += int((kept.argmax(-1) == labels).sum())
            total += len(labels)
    return LabelMetrics(nats / total if total else None, right / total if total else 0.0)


def nats_to_bits(nats: float) -> float:
    """Return bits: a nat is 1/ln 2 ≈ 1.443 of them."""
    return nats / math.log(2)


def nats_to_perplexity(nats: float) -> float:
    """Return e^nats: the number of equally likely tokens that would be as hard to guess; inf past a float."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf
