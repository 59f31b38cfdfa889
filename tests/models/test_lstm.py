"""Stacked LSTM layers; test_every_network has the contract that all networks share."""

import torch
from torch import nn

from etude.models.lstm import OneHot
from networks import V, ids, network_of

H = 16


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_parameters_are_those_counted_by_hand() -> None:
    embedding, linear = V * V, H * V + V
    lstm = 4 * H * (V + H) + 2 * 4 * H  # four gates, PyTorch's two bias vectors
    network = network_of("lstm", embedding_dim=None, hidden_dim=H, num_layers=1)
    assert size(network) == embedding + lstm + linear


def test_the_published_size_on_the_kern_corpus() -> None:
    published = network_of("lstm", 38, embedding_dim=None, hidden_dim=128, num_layers=1)
    assert size(published) == 38 * 38 + 4 * 128 * (38 + 128 + 2) + 129 * 38 == 92_362


def test_stacked_layers_are_those_of_pytorch() -> None:
    ours = network_of("lstm", embedding_dim=5, hidden_dim=H, num_layers=3)
    theirs = nn.LSTM(5, H, num_layers=3, batch_first=True)
    with torch.no_grad():
        for number, layer in enumerate([ours.lstm, *ours.upper]):
            for name, parameter in layer.named_parameters():
                getattr(theirs, name.replace("l0", f"l{number}")).copy_(parameter)
    hidden, (h, c) = ours.features(ids(3, 20))
    expected, (their_h, their_c) = theirs(ours.embedding(ids(3, 20)))
    assert torch.allclose(hidden, expected, atol=1e-6)
    assert torch.allclose(h, their_h, atol=1e-6)
    assert torch.allclose(c, their_c, atol=1e-6)


def test_dropout_stands_between_the_layers_too() -> None:
    one, two = (network_of("lstm", hidden_dim=H, num_layers=count, dropout=0.5) for count in (1, 2))
    assert torch.equal(one.features(ids(2, 8))[0], one.features(ids(2, 8))[0])  # only before the linear layer
    assert not torch.equal(two.features(ids(2, 8))[0], two.features(ids(2, 8))[0])


def test_one_hot_vectors_are_1_at_the_id_alone() -> None:
    vectors = OneHot(V)(ids(2, 5))
    assert torch.equal(vectors, torch.nn.functional.one_hot(ids(2, 5), V).float())
    assert size(OneHot(V)) == 0
