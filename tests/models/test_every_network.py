"""Contract of every network, tested on each choice of conf/model/."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from etude.config.resolved import ResolvedConfig
from etude.models.checkpoint import load_model, metadata
from etude.models.network import Network
from networks import CHOICES, TRAINED, VOCABULARY, V, config_of, ids, module_of, ready

every = pytest.mark.parametrize("choice", CHOICES)
trained = pytest.mark.parametrize("choice", TRAINED)
ONE_HOT = ("lstm_flat", "performance_rnn")  # without an embedding, through which a gradient would flow
TIME = 9


@every
def test_no_logit_depends_on_a_later_input(choice: str) -> None:
    network, given_ids = ready(choice).network, ids(2, TIME)
    logits, _ = network(given_ids)
    for position in range(TIME - 1):
        other = given_ids.clone()
        other[:, position + 1 :] = (other[:, position + 1 :] + 1) % V
        changed, _ = network(other)
        assert torch.equal(changed[:, : position + 1], logits[:, : position + 1])
        assert not torch.allclose(changed[:, position + 1], logits[:, position + 1])


def embedding_of(network: Network) -> nn.Embedding | None:
    found = [part for part in network.modules() if isinstance(part, nn.Embedding)]
    return found[0] if found else None


@pytest.mark.parametrize("choice", [choice for choice in TRAINED if choice not in ONE_HOT])
def test_no_gradient_flows_from_a_logit_to_a_later_input(choice: str) -> None:
    network = ready(choice).network
    seen: list[Tensor] = []

    def as_leaf(_part: nn.Module, _given: object, vectors: Tensor) -> Tensor:
        seen.append(vectors.detach().requires_grad_())
        return seen[-1]

    embedding = embedding_of(network)
    assert embedding is not None
    embedding.register_forward_hook(as_leaf)
    logits, _ = network(ids(2, TIME))
    [embedded] = seen  # (B, context + T, embedding_dim): some networks read what came before as well
    for position in range(TIME):
        [gradient] = torch.autograd.grad(logits[:, position].sum(), embedded, retain_graph=True)
        own = gradient[:, -TIME:]
        assert (own[:, position + 1 :] == 0).all()
        assert (own[:, position] != 0).any()


@every
@given(cuts=st.lists(st.integers(1, 6), min_size=1, max_size=6))
@settings(max_examples=10, deadline=None)
def test_several_calls_with_the_state_give_the_logits_of_one(choice: str, cuts: list[int]) -> None:
    network, sequence = ready(choice).network, ids(3, sum(cuts))
    whole, _ = network(sequence)
    parts, state = [], None
    for part in sequence.split(cuts, dim=1):
        logits, state = network(part, state)
        parts.append(logits)
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)


@every
def test_token_by_token_is_the_full_pass_however_long(choice: str) -> None:
    network, sequence = ready(choice).network, ids(2, 150)
    whole, _ = network(sequence)
    steps, state = [], None
    for position in range(sequence.shape[1]):
        logits, state = network(sequence[:, position : position + 1], state)
        steps.append(logits)
    assert torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-5)


@every
def test_no_state_is_the_beginning_of_a_piece(choice: str) -> None:
    """A network that keeps a state of its own between calls would fail."""
    network = ready(choice).network
    first, _ = network(ids(2, TIME))
    network(ids(2, 5, seed=2))
    again, _ = network(ids(2, TIME))
    assert torch.equal(first, again)


@every
def test_rows_of_a_batch_do_not_touch_each_other(choice: str) -> None:
    network, batch = ready(choice).network, ids(4, 12)
    together, _ = network(batch)
    for row in range(4):
        alone, _ = network(batch[row : row + 1])
        assert torch.allclose(together[row], alone[0], atol=1e-5)


@every
def test_the_two_halves_are_the_whole_at_any_last_positions(choice: str) -> None:
    network, batch = ready(choice).network, ids(3, 12)
    whole, _ = network(batch)
    features, _ = network.features(batch)
    for last in (1, 5, 12):
        assert torch.allclose(network.head(features[:, -last:]), whole[:, -last:], atol=1e-5)


@every
def test_single_precision_is_close_to_double(choice: str) -> None:
    network, batch = ready(choice).network, ids(4, 30)
    single, _ = network(batch)
    double, _ = network.double()(batch)
    assert double.dtype == torch.float64
    assert torch.allclose(single.double(), double, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@every
def test_mixed_precision_on_a_gpu_is_close_to_single_on_the_cpu(choice: str) -> None:
    network, batch = ready(choice).network, ids(4, 30)
    expected, _ = network(batch)
    network.cuda()
    found, _ = network(batch.cuda())
    assert torch.allclose(found.cpu(), expected, atol=1e-3)
    with torch.autocast("cuda", torch.bfloat16):
        found, _ = network(batch.cuda())
    assert torch.allclose(found.float().cpu(), expected, atol=0.1)


@trained
def test_it_learns_one_batch_by_heart(choice: str) -> None:
    network, batch = module_of(choice).network, ids(4, 17)
    batch[:, 0] = torch.arange(4)  # the rows can be told apart from the first token on
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(120):
        logits, _ = network(batch[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        if loss < 0.05:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pytest.fail(f"the loss is {loss} after 120 steps")


@every
def test_a_saved_network_gives_the_same_logits(choice: str, tmp_path: Path) -> None:
    module = ready(choice)
    stored = metadata(ResolvedConfig(config_of(choice)), VOCABULARY, "a corpus")
    torch.save({"state_dict": module.state_dict(), "etude": stored}, tmp_path / "model.ckpt")
    opened = load_model(tmp_path / "model.ckpt")
    expected, _ = module(ids(3, TIME))
    found, _ = opened.network(ids(3, TIME))
    assert torch.equal(found, expected)


@trained
def test_dropout_is_there_in_training_alone(choice: str) -> None:
    network, batch = ready(choice, dropout=0.5).network, ids(2, 8)
    assert torch.equal(network(batch)[0], network(batch)[0])
    network.train()
    assert not torch.equal(network(batch)[0], network(batch)[0])


@every
def test_a_prepared_step_gives_what_the_full_pass_gives(choice: str) -> None:
    network, sequence = ready(choice).network, ids(3, 40)
    whole, _ = network(sequence)
    with torch.inference_mode():
        _, state = network(sequence[:, :5])
        step = network.stepper()
        for position in range(5, 40):
            logits, state = step(sequence[:, position], state)
            assert torch.allclose(logits, whole[:, position], atol=1e-5)
        again, _ = network(sequence[:, :1], state)  # the network can continue from its own state
    assert again.shape == (3, 1, V)
