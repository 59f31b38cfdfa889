"""Performance RNN: what its layers begin with."""

from functools import partial

import torch

from etude.models.performance_rnn import PerformanceRNNModule


def test_an_untrained_stack_hears_its_input_through_all_layers() -> None:
    torch.manual_seed(0)
    module = PerformanceRNNModule(
        50, name="", hidden_dim=64, num_layers=3, dropout=0.0, optimizer=partial(torch.optim.Adam, lr=1e-3)
    )
    some, others = torch.randint(50, (2, 8, 20))
    features = [module.network.features(ids)[0] for ids in (some, others)]
    assert (features[0] - features[1]).square().mean().sqrt() > 0.05  # 0.0015 as PyTorch begins
