"""The Mozart lab's module: its batch statistics, and the state at the start of a batch."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from etude.corpora.gather import IGNORE, Batch
from etude.models.lstm_batchnorm import BatchNormLSTMNetwork
from etude.models.lstm_batchnorm_module import BatchNormLSTMModule
from networks import V, ids, module_of


def module(*, carry_state: bool = False) -> BatchNormLSTMModule:
    made = module_of("lstm_batchnorm", carry_state=carry_state)
    assert isinstance(made, BatchNormLSTMModule)
    return made.train()


def network_of(made: BatchNormLSTMModule) -> BatchNormLSTMNetwork:
    assert isinstance(made.network, BatchNormLSTMNetwork)
    return made.network


def batch(inputs: Tensor, targets: Tensor) -> Batch:
    return Batch(inputs, targets, int((targets != IGNORE).sum()))


def batches(count: int, size: int = 4) -> list[Batch]:
    """As the lab has them: windows with one label each."""
    return [batch(ids(size, 10, seed=n), ids(size, 1, seed=n + 50)) for n in range(count)]


def test_the_network_is_the_labs() -> None:
    """The layers in the order that the lab lists them, at the last position of windows."""
    made = module()
    net, inputs = network_of(made), ids(6, 10)
    hidden, _ = net.upper[0](net.lstm(net.embedding(inputs))[0])
    parts = [nn.BatchNorm1d(size) for size in (32, 32, V)]
    out = parts[0](hidden[:, -1])
    out = parts[1](net.between(out))
    expected = F.log_softmax(parts[2](net.linear(out)), dim=1)
    features, _ = net.features(inputs)
    assert torch.allclose(net.head(features[:, -1:])[:, 0], expected, atol=1e-5)
    for ours, theirs in zip((net.norm, net.between_norm, net.linear_norm), parts, strict=True):
        assert torch.allclose(ours.running_mean, theirs.running_mean, atol=1e-6)
        assert torch.allclose(ours.running_var, theirs.running_var, atol=1e-6)


def test_ignored_positions_count_neither_in_the_statistics_nor_in_the_loss() -> None:
    targets = ids(4, 10, seed=2)
    targets[:, 6:] = IGNORE
    targets[1] = IGNORE
    inputs, other = ids(4, 10), ids(4, 10)
    other[:, 6:] = (other[:, 6:] + 1) % V  # what stands at ignored positions makes no difference
    other[1] = (other[1] + 3) % V
    one, two = module(), module()
    loss, other_loss = (
        made.training_step(batch(given, targets), 0) for made, given in ((one, inputs), (two, other))
    )
    assert torch.equal(loss, other_loss)
    for part, other_part in zip(network_of(one).buffers(), network_of(two).buffers(), strict=True):
        assert torch.equal(part, other_part)


@pytest.mark.parametrize("labels", [0, 1])
def test_a_batch_with_hardly_a_label_can_be_trained_on(labels: int) -> None:
    targets = torch.full((2, 10), IGNORE)
    targets[0, :labels] = 1
    made = module()
    before = network_of(made).norm.running_mean.clone()
    loss = made.training_step(batch(ids(2, 10), targets), 0)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.equal(network_of(made).norm.running_mean, before)


def lab_losses(made: BatchNormLSTMModule, epochs: list[list[Batch]]) -> list[float]:
    """The loop that the lab prints: one state, zero at the start of each epoch, detached after each batch."""
    net, losses = network_of(made), []
    for epoch in epochs:
        zeros = torch.zeros(2, len(epoch[0].inputs), 32)
        h0, h1 = zeros, zeros
        for step in epoch:
            hidden, (h0, h1) = net.features(step.inputs, (h0, h1))
            logits = net.head(hidden[:, -1:])[:, 0]
            losses.append(F.cross_entropy(logits, step.targets[:, 0]).item())
            h0, h1 = h0.detach(), h1.detach()
    return losses


def our_losses(made: BatchNormLSTMModule, epochs: list[list[Batch]]) -> list[float]:
    return [float(made.training_step(step, n)) for epoch in epochs for n, step in enumerate(epoch)]


def test_the_state_is_handed_on_as_published_when_asked_for() -> None:
    epochs = [batches(3), batches(2)]
    published = lab_losses(module(), epochs)
    assert our_losses(module(carry_state=True), epochs) == pytest.approx(published, abs=1e-6)
    assert our_losses(module(), epochs) != pytest.approx(published, abs=1e-4)


def test_otherwise_each_batch_begins_with_zeros() -> None:
    made, steps = module(), batches(3)
    alone = [lab_losses(made, [[step]])[0] for step in steps]
    assert our_losses(module(), [steps]) == pytest.approx(alone, abs=1e-6)


def test_validation_begins_with_zeros_and_leaves_the_training_state_alone() -> None:
    made, steps = module(carry_state=True), batches(3)
    made.training_step(steps[0], 0)
    made.eval()
    found, _ = made.label_logits(steps[1])
    expected = network_of(made)(steps[1].inputs)[0][:, -1]
    assert torch.allclose(found[0], expected, atol=1e-6)
    made.train()
    interrupted = float(made.training_step(steps[2], 1))
    straight = module(carry_state=True)
    straight.training_step(steps[0], 0)
    assert interrupted == pytest.approx(float(straight.training_step(steps[2], 1)), abs=1e-6)


def test_a_smaller_last_batch_begins_with_zeros() -> None:
    made = module(carry_state=True)
    made.training_step(batches(1)[0], 0)
    assert torch.isfinite(made.training_step(batches(1, size=3)[0], 1))


def test_a_checkpoint_holds_the_state_that_the_next_batch_begins_with() -> None:
    made, steps = module(carry_state=True), batches(2)
    made.training_step(steps[0], 0)
    checkpoint = {"weights": made.state_dict()}
    made.on_save_checkpoint(checkpoint)
    resumed = module(carry_state=True)
    resumed.load_state_dict(checkpoint["weights"])
    resumed.on_load_checkpoint(checkpoint)
    assert float(resumed.training_step(steps[1], 1)) == float(made.training_step(steps[1], 1))
