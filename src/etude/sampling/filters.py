"""Filters: small pure functions that turn the logits of a step into the logits to draw from."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Filter = Callable[[Tensor], Tensor]  # (B, V) logits → (B, V) logits


def temperature(logits: Tensor, degree: float) -> Tensor:
    """Divide the logits (B, V) by ``degree`` > 0: below 1 the likely becomes likelier, above 1 rarer."""
    return logits / degree
