"""The feed-forward network against one window at a time."""

import torch

from etude.models.causal_windows import causal_windows
from networks import ids, network_of

CONTEXT = 3


def test_each_position_sees_its_last_tokens_and_terminators_before_the_first() -> None:
    network, sequence = network_of("ffn", context=CONTEXT, embedding_dim=4, hidden_dim=8), ids(2, 7)
    found, _ = network(sequence)
    for row in range(2):
        before = [0] * (CONTEXT - 1) + sequence[row].tolist()
        for position in range(7):
            window = torch.tensor(before[position : position + CONTEXT])
            together = torch.cat([network.embedding(token) for token in window])
            expected = network.linear(torch.tanh(network.hidden(together)))
            assert torch.allclose(found[row, position], expected, atol=1e-6)


def test_a_context_of_one_needs_no_state() -> None:
    windows, state = causal_windows(ids(2, 5), None, 1)
    assert torch.equal(windows.squeeze(-1), ids(2, 5))
    assert state.shape == (0, 2)
