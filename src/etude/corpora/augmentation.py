"""Augmentation: training windows in other keys and at other speeds, token by token."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from etude.corpora.gather import IGNORE, Batch, Indices
from etude.corpora.settings import CorpusConfig
from etude.corpora.shuffle import random_below
from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError

TEMPOS = 5  # speeds at equal distances, the original in the middle (Oore et al. 2018)
_DRAW = 1  # beside seed and epoch, so that a variation does not depend on where the window starts


class Augmentation:
    """Replaces the ids of each training window by those of the same music, transposed or at another speed.

    ``ids`` (variations, V): the id of each token's counterpart. Where the vocabulary has none, the input
    stays as it is, and ``known`` (variations, V) says that the label does not count.
    """

    def __init__(self, ids: Tensor, known: Tensor) -> None:
        self._ids, self._known = ids, known

    def __call__(self, batch: Batch, windows: Indices, seed: int, epoch: int) -> Batch:
        """Return the batch with a random variation of each window, by its number in ``windows`` (B,)."""
        device = batch.inputs.device
        drawn = random_below(np.full(len(windows), len(self._ids)), windows, seed, epoch, _DRAW)
        row = torch.from_numpy(drawn).to(device)[:, None]
        ids, known = self._ids.to(device), self._known.to(device)
        counted = batch.targets != IGNORE
        labels = batch.targets.masked_fill(~counted, 0)
        counted &= known[row, labels]
        targets = ids[row, labels].masked_fill(~counted, IGNORE)
        return batch._replace(inputs=ids[row, batch.inputs], targets=targets, num_labels=int(counted.sum()))


def augmentation(config: CorpusConfig, encoding: Encoding, vocabulary: Vocabulary) -> Augmentation | None:
    """Return the augmentation of a corpus; None where its settings ask for none.

    EtudeError if the tokens of the encoding cannot be transposed, or stretched in time, one by one.
    """
    semitones, share = config.augment_semitones, config.augment_tempo
    transposed = _method(encoding, "transposed", f"data.augment_semitones={semitones}") if semitones else None
    stretched = _method(encoding, "stretched", f"data.augment_tempo={share}") if share else None
    if transposed is None and stretched is None:
        return None

    def counterpart(token: str, shift: int, factor: float) -> str:
        if token == encoding.terminator:
            return token
        if stretched is not None:  # first: it stays in the encoding, which a transposition may leave
            token = stretched(token, factor)
        return token if transposed is None else transposed(token, shift)

    factors = 1 + share * np.linspace(-1, 1, TEMPOS) if share else np.ones(1)
    variations = product(range(-semitones, semitones + 1), factors.tolist())
    ids = torch.tensor(
        [
            [vocabulary.id_of.get(counterpart(token, *variation), -1) for token in vocabulary.tokens]
            for variation in variations
        ]
    )
    return Augmentation(torch.where(ids < 0, torch.arange(len(vocabulary)), ids), ids >= 0)


def _method(encoding: Encoding, name: str, typed: str) -> Callable[[str, float], str]:
    """Return a method of the encoding that changes one token; EtudeError if it has none."""
    if not hasattr(encoding, name):
        raise EtudeError(
            f"{typed}: tokens of encoding {encoding.name} cannot be {name} one by one; leave this setting out"
        )
    found: Callable[[str, float], str] = getattr(encoding, name)
    return found
