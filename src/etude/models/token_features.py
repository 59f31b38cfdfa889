"""Features of tokens: rare chords share vectors with frequent ones that have the same pitches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError

PITCHES, CLASSES, SIZES = 128, 12, 6  # columns; sizes are 0 to 5 notes or more
_SCALE = 0.5  # of a feature's vector: those of a token together are about as large as its own


def feature_table(encoding: Encoding, vocabulary: Vocabulary) -> Tensor:
    """Return which features each token has, (V, F), 1 or 0: pitches, pitch classes, the number of notes.

    A token that sounds no note, as the terminator, has the size 0. EtudeError if the encoding does not say
    which pitches a token has.
    """
    if not hasattr(encoding, "pitches"):
        raise EtudeError(
            f"model.token_features=true: tokens of encoding {encoding.name} are no sets of pitches and no "
            "characters; type model.token_features=false, or data/encoding=pitch_set or characters"
        )
    table = np.zeros((len(vocabulary), PITCHES + CLASSES + SIZES), dtype=np.float32)
    for row, token in zip(table, vocabulary.tokens, strict=True):
        pitches = pitches_of(encoding, token)
        row[pitches] = 1
        row[[PITCHES + pitch % CLASSES for pitch in pitches]] = 1
        row[PITCHES + CLASSES + min(len(pitches), SIZES - 1)] = 1
    return torch.from_numpy(table)


def pitches_of(encoding: Any, token: str) -> list[int]:
    """Return the pitches that sound in a token, none in the terminator and in a token of no encoding."""
    try:
        return [] if token == encoding.terminator else list(encoding.pitches(token))
    except ValueError:  # a token of no encoding: it stands for one more in `initial_weights`
        return []


class FeatureEmbedding(nn.Module):
    """The vector of a token: its own, plus those of its features."""

    table: Tensor

    def __init__(self, own: nn.Module, table: Tensor) -> None:
        super().__init__()
        assert isinstance(own, nn.Embedding)
        self.own = own
        self.of_feature = nn.Parameter(torch.empty(table.shape[1], own.embedding_dim))
        nn.init.normal_(self.of_feature, std=_SCALE)
        self.register_buffer("table", table, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors (…, D) of ids (…)."""
        vectors: Tensor = self.own(ids) + F.embedding(ids, self.table @ self.of_feature)
        return vectors


class FeatureLinear(nn.Module):
    """The logit of a token: its own, plus those of its features."""

    table: Tensor

    def __init__(self, own: nn.Linear, table: Tensor) -> None:
        super().__init__()
        self.own = own
        self.of_feature = nn.Parameter(torch.empty(table.shape[1], own.in_features))
        nn.init.normal_(self.of_feature, std=_SCALE / own.in_features**0.5)
        self.register_buffer("table", table, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits (…, V) of hidden states (…, H)."""
        logits: Tensor = self.own(hidden) + F.linear(F.linear(hidden, self.of_feature), self.table)
        return logits
