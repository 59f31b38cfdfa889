"""Likelihood of held-out music under a network: the score of each label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from etude.corpora.gather import IGNORE
from etude.corpora.windows import HeldOutLabels
from etude.encodings import Encoding
from etude.encodings.grid import REST
from etude.encodings.vocabulary import Vocabulary
from etude.models.network import Network

Bools = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelMetrics:
    """Mean nats per label and accuracy; ``nats`` is None if infinite."""

    nats: float | None
    accuracy: float


@dataclass(frozen=True, eq=False)
class LabelScores:
    """The score of each label, in the order of the store; every array has the shape (labels,).

    ``ids``: the labels. ``piece``: the piece of each in the store. ``position``: its number in the piece.
    ``nats``: −ln of its probability. ``right``: whether it was the likeliest token. ``confidence``: the
    probability of the likeliest token.
    """

    ids: Ids
    piece: Ids
    position: Ids
    nats: Floats
    right: Bools
    confidence: Floats

    def metrics(self, where: Bools | None = None) -> LabelMetrics | None:
        """Return the means over all labels, or over those marked in ``where``; None if there are none."""
        nats, right = (self.nats, self.right) if where is None else (self.nats[where], self.right[where])
        return LabelMetrics(float(nats.mean()), float(right.mean())) if len(nats) else None

    def means(self, where: Bools) -> dict[str, Any]:
        """Return the number of the labels marked in ``where``, which are some, and the means over them."""
        return {
            "labels": int(where.sum()),
            "nats": float(self.nats[where].mean()),
            "accuracy": float(self.right[where].mean()),
        }


@torch.inference_mode()
def score_labels(network: Network, held_out: HeldOutLabels) -> LabelScores:
    """Score every label of a held-out set once, in float32, on the network's device."""
    parts: list[tuple[Tensor, ...]] = []
    with network.evaluating():
        for batch, (piece, first) in zip(held_out, held_out.places(), strict=True):
            targets = batch.targets.to(network.device)
            features, _ = network.features(batch.inputs.to(network.device))
            logits = network.head(features[:, -targets.shape[1] :]).float()  # (B, L, V)
            where = targets != IGNORE  # (B, L)
            row, column = where.nonzero(as_tuple=True)  # (N,) each
            labels, log_chances = targets[where], torch.log_softmax(logits[where], dim=-1)  # (N,), (N, V)
            best, guess = log_chances.max(dim=-1)
            nats = -log_chances.gather(-1, labels[:, None]).squeeze(-1)
            at, of = column.cpu(), row.cpu()
            places = torch.from_numpy(piece)[of], torch.from_numpy(first)[of] + at
            parts.append((labels.cpu(), *places, nats.cpu(), (guess == labels).cpu(), best.exp().cpu()))
    columns = [torch.cat(column).numpy() for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[2], columns[1]))
    ids, pieces, positions, losses, hits, chance = (column[order] for column in columns)
    return LabelScores(ids, pieces, positions, losses.astype(np.float64), hits, chance.astype(np.float64))


def note_mask(encoding: Encoding, vocabulary: Vocabulary) -> Bools:
    """Return which ids begin a note, shape (V,): neither rests nor the terminator do."""
    return np.array(
        [
            token != vocabulary.tokens[vocabulary.terminator]
            and encoding.is_onset(token)
            and token.partition("/")[0] != REST
            for token in vocabulary.tokens
        ]
    )


def nats_to_bits(nats: float) -> float:
    """Return bits: a nat is 1/ln 2 ≈ 1.443 of them."""
    return nats / math.log(2)


def nats_to_perplexity(nats: float) -> float:
    """Return e^nats: the number of equally likely tokens that would be as hard to guess; inf past a float."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf
