"""Performance RNN: initial weights of its layers."""

import copy

import torch

from etude.models.performance_rnn import PerformanceRNNNetwork
from networks import network_of


def test_an_untrained_stack_hears_its_input_through_all_layers() -> None:
    network = network_of("performance_rnn", 50, hidden_dim=64, num_layers=3)
    some, others = torch.randint(50, (2, 8, 20))
    features = [network.features(ids)[0] for ids in (some, others)]
    assert (features[0] - features[1]).square().mean().sqrt() > 0.05  # 0.0015 as PyTorch begins


def test_an_untrained_layer_remembers_longer_than_pytorchs_own() -> None:
    torch.manual_seed(0)
    network = network_of("performance_rnn", 50, hidden_dim=64, num_layers=1)
    assert isinstance(network, PerformanceRNNNetwork)
    forgetful = copy.deepcopy(network)
    with torch.no_grad():
        forgetful.lstm.bias_ih_l0[64:128].uniform_(-1 / 8, 1 / 8)  # type: ignore[union-attr]
    some = torch.randint(50, (32, 12))
    others = some.clone()
    others[:, 0] = (some[:, 0] + 1) % 50
    traces = [
        float((each.features(some)[0] - each.features(others)[0])[:, -1].abs().mean().detach())
        for each in (network, forgetful)
    ]  # of the first id, eleven steps later
    assert traces[0] > 3 * traces[1]
