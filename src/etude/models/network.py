"""Interface of every network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from etude.models.module import SequenceModule

# What a network carries from step to step: tensors, or tuples of tensors, batch in the second axis.
State = Any
Step = Callable[[Tensor, State], tuple[Tensor, State]]  # ids (B,), state → logits (B, V), state


class Network(nn.Module, ABC):
    """Logits of the next token at every position, in one pass or step by step.

    ``forward(ids (B, T), state=None) -> (logits (B, T, V), state)``; no state means the beginning of a
    piece. Running a sequence in several calls, handing the state on, gives the logits of one call.
    The pass is in two halves, so that a loss on few positions need not compute the logits of all.
    """

    @classmethod
    def training_module(cls) -> type[SequenceModule]:
        """Return the module that trains the network; sampling needs none, and imports none."""
        from etude.models.module import SequenceModule

        return SequenceModule

    @classmethod
    def own_name(cls, name: str) -> str:
        """Return the name here of a tensor of a published state dict; a network may know other names."""
        return name

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

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next(self.parameters()).device

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Set evaluation mode inside the block, and restore the mode afterwards, also after an error."""
        was_training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(was_training)

    def stepper(self) -> Step:
        """Return a function for many single steps: ids (B,) and a state to logits (B, V) and the state.

        It takes and gives the states of :meth:`forward`, in evaluation mode, with the weights as they are
        now. A network may prepare its weights here, so that a step costs less than a pass of one position.
        """

        def step(ids: Tensor, state: State) -> tuple[Tensor, State]:
            logits, state = self(ids[:, None], state)
            return logits[:, -1], state

        return step
