"""Performance RNN: what its layers begin with."""

import torch

from networks import network_of


def test_an_untrained_stack_hears_its_input_through_all_layers() -> None:
    network = network_of("performance_rnn", 50, hidden_dim=64, num_layers=3)
    some, others = torch.randint(50, (2, 8, 20))
    features = [network.features(ids)[0] for ids in (some, others)]
    assert (features[0] - features[1]).square().mean().sqrt() > 0.05  # 0.0015 as PyTorch begins
