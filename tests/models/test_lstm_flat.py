"""The flat network at the last position of a window is the published one."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.models import lstm_flat
from etude.models.lstm_flat import FlatLSTMNetwork
from networks import V, ids, network_of

H, WINDOW = 12, 64


class Published(nn.Module):
    """The article's network: one-hot input, an LSTM, a linear layer over the flattened outputs."""

    def __init__(self, network: FlatLSTMNetwork) -> None:
        super().__init__()
        self.lstms, self.dense = network.lstm, network.linear

    def forward(self, window: Tensor) -> Tensor:
        outputs, _ = self.lstms(F.one_hot(window, V).float())
        return self.dense(outputs.reshape(len(window), -1))


def network() -> FlatLSTMNetwork:
    return network_of("lstm_flat", hidden_dim=H, window=WINDOW)


def test_at_the_last_position_of_a_window_it_is_the_published_network() -> None:
    net, window = network(), ids(5, WINDOW)
    features, _ = net.features(window)
    found = net.head(features[:, -1:])[:, 0]
    assert torch.allclose(found, Published(net)(window), atol=1e-6)


def test_elsewhere_it_is_a_causal_convolution_over_the_outputs() -> None:
    net, sequence = network(), ids(2, 100)
    found, _ = net(sequence)
    outputs, _ = net.lstm(F.one_hot(sequence, V).float())
    kernel = net.linear.weight.view(V, WINDOW, H).transpose(1, 2)  # (V, H, window)
    padded = F.pad(outputs.transpose(1, 2), (WINDOW - 1, 0))
    expected = F.conv1d(padded, kernel, net.linear.bias).transpose(1, 2)
    assert torch.allclose(found, expected, atol=1e-5)


def test_whole_pieces_are_taken_part_by_part_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    net, sequence = network(), ids(2, 100)
    expected, _ = net(sequence)
    monkeypatch.setattr(lstm_flat, "FLAT_NUMBERS", 2 * WINDOW * H * 7)  # seven positions at a time
    with torch.no_grad():
        found, _ = net(sequence)
    assert torch.allclose(found, expected, atol=1e-6)


def test_sizes_counted_by_hand() -> None:
    def size(hidden: int) -> int:
        net = network_of("lstm_flat", 38, hidden_dim=hidden, window=64)
        count = sum(parameter.numel() for parameter in net.parameters())
        assert count == 4 * hidden * (38 + hidden + 2) + (64 * hidden + 1) * 38
        return count

    assert (size(34), size(128)) == (92_790, 397_350)  # as the preset's comment says
