"""Freezing: weights that training leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from etude.config.problems import did_you_mean
from etude.errors import EtudeError


def freeze(network: nn.Module, names: Sequence[str]) -> None:
    """Freeze layers or single weights of a network, by name; EtudeError for another name, or for all weights.

    Running means of a batch normalisation still follow the batches.
    """
    weights = dict(network.named_parameters(remove_duplicate=False))  # a tied one has two names
    for name in names:
        chosen = [weight for key, weight in weights.items() if f"{key}.".startswith(f"{name}.")]
        if not chosen:
            layers = [key for key, layer in network.named_children() if list(layer.parameters())]
            raise EtudeError(
                f"freeze={name}: this model has no such weights{did_you_mean(name, [*layers, *weights])}; "
                f"its layers are {', '.join(layers)}"
            )
        for weight in chosen:
            weight.requires_grad_(False)
    if names and not any(weight.requires_grad for weight in weights.values()):
        raise EtudeError(f"freeze=[{','.join(names)}] leaves nothing to train; name fewer layers")
