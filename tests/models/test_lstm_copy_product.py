"""A network that makes likely tokens likelier: the formula in plain numbers, and a token that is excluded."""

from __future__ import annotations

import math

import pytest
import torch

from networks import V, ids, ready


def test_the_probabilities_are_those_of_the_formula() -> None:
    network = ready("lstm_copy_product").network
    features, _ = network.features(ids(2, 12) % 4)
    written, copied, gate = network.parts(features)
    found = network.head(features).exp()
    for row in range(2):
        for place in range(12):
            kappa = math.exp(gate[row, place].item())
            weights = [
                math.exp(written[row, place, token]) * (1 + kappa * copied[row, place, token].item())
                for token in range(V)
            ]
            expected = [weight / sum(weights) for weight in weights]
            assert found[row, place].tolist() == pytest.approx(expected, abs=1e-6)


def test_what_the_lstm_layers_exclude_is_not_copied() -> None:
    passage = torch.randperm(V, generator=torch.Generator().manual_seed(0))[None]
    again = torch.cat([passage, passage], dim=1)
    excluded, chances = int(passage[0, 5]), {}
    for model in ("lstm_copy", "lstm_copy_product"):
        network = ready(model).network
        with torch.no_grad():
            network.linear.bias[excluded] = -30
        chances[model] = (
            network(again)[0][0, V + 4].softmax(-1)[excluded].item()
        )  # the passage goes on with it
    assert chances["lstm_copy"] > 1e-2
    assert chances["lstm_copy_product"] < 1e-6
