"""The size of the single-layer LSTM; what it has in common with all networks is in test_every_network."""

from etude.models.lstm import LSTMNetwork

V, H = 11, 16


def size(network: LSTMNetwork) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_parameters_are_those_counted_by_hand() -> None:
    embedding, linear = V * V, H * V + V
    lstm = 4 * H * (V + H) + 2 * 4 * H  # four gates, PyTorch's two bias vectors
    network = LSTMNetwork(V, embedding_dim=None, hidden_dim=H, dropout=0.0)
    assert size(network) == embedding + lstm + linear


def test_the_published_size_on_the_kern_corpus() -> None:
    published = LSTMNetwork(38, embedding_dim=None, hidden_dim=128, dropout=0.2)
    assert size(published) == 38 * 38 + 4 * 128 * (38 + 128 + 2) + 129 * 38
