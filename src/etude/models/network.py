"""The contract that every network keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

State = (
    Any  # what a network carries from step to step: tensors, or tuples of tensors, batch in the second axis
)


class Network(nn.Module, ABC):
    """Logits of the next token at every position, in one pass or step by step.

    ``forward(ids (B, T), state=None) -> (logits (B, T, V), state)``; no state means the beginning of a
    piece. Running a sequence in several calls, handing the state on, gives the logits of one call.
    The pass is in two halves, so that a loss on few positions need not compute the logits of all.
    """

    @abstractmethod
    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the features (B, T, H) of every position and the state after the last."""

    @abstractmethod
    def head(self, features: Tensor) -> Tensor:
        """Return the logits (B, T, V) of features (B, T, H)."""

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the logits (B, T, V) and the state after the last position."""
        features, state = self.features(ids, state)
        return self.head(features), state
