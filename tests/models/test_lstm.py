"""What every network must keep, shown on the single-layer LSTM."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.models.lstm import LSTMNetwork

V, H = 11, 16


def network(dropout: float = 0.0) -> LSTMNetwork:
    torch.manual_seed(0)
    return LSTMNetwork(V, embedding_dim=None, hidden_dim=H, dropout=dropout)


def ids(batch: int, time: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(V, (batch, time), generator=torch.Generator().manual_seed(seed))


def test_the_parameters_are_those_counted_by_hand() -> None:
    embedding, linear = V * V, H * V + V
    lstm = 4 * H * (V + H) + 2 * 4 * H  # four gates, PyTorch's two bias vectors
    assert sum(parameter.numel() for parameter in network().parameters()) == embedding + lstm + linear


def test_the_published_sizes_on_the_kern_corpus() -> None:
    published = LSTMNetwork(38, embedding_dim=None, hidden_dim=128, dropout=0.2)
    count = sum(parameter.numel() for parameter in published.parameters())
    assert count == 38 * 38 + 4 * 128 * (38 + 128 + 2) + 129 * 38


def test_no_logit_depends_on_a_later_input() -> None:
    net, time = network(), 9
    embedded = net.embedding(ids(2, time)).detach().requires_grad_()
    hidden, _ = net.lstm(embedded)
    logits = net.head(hidden)
    for position in range(time):
        [gradient] = torch.autograd.grad(logits[:, position].sum(), embedded, retain_graph=True)
        assert (gradient[:, position + 1 :] == 0).all()
        assert (gradient[:, position] != 0).any()


@given(cuts=st.lists(st.integers(1, 6), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_several_calls_with_the_state_give_the_logits_of_one(cuts: list[int]) -> None:
    net, sequence = network().eval(), ids(3, sum(cuts))
    whole, whole_state = net(sequence)
    parts, state = [], None
    for part in sequence.split(cuts, dim=1):
        logits, state = net(part, state)
        parts.append(logits)
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-6)
    assert all(
        torch.allclose(ours, theirs, atol=1e-6) for ours, theirs in zip(state, whole_state, strict=True)
    )


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    net, batch = network().eval(), ids(4, 12)
    together, _ = net(batch)
    for row in range(4):
        alone, _ = net(batch[row : row + 1])
        assert torch.allclose(together[row], alone[0], atol=1e-6)


def test_single_precision_is_close_to_double() -> None:
    net, batch = network().eval(), ids(4, 30)
    single, _ = net(batch)
    double, _ = net.double()(batch)
    assert torch.allclose(single.double(), double, atol=1e-5)


def test_it_learns_one_batch_by_heart() -> None:
    net, batch = network(), ids(4, 16)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(150):
        logits, _ = net(batch[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.25  # the first tokens of the four rows cannot be told apart for certain


def test_dropout_is_silent_outside_training() -> None:
    net, batch = network(dropout=0.5), ids(2, 8)
    assert not torch.equal(net(batch)[0], net(batch)[0])
    net.eval()
    assert torch.equal(net(batch)[0], net(batch)[0])
