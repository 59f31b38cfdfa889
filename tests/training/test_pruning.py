"""When a training stops at the request of the search that watches it."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from etude.errors import Pruned
from etude.training.pruning import PruningCallback, watched_by
from etude.training.signals import StopSignals


@pytest.mark.parametrize(
    ("epoch", "worse", "ends", "pruned"),
    [
        pytest.param(0, True, False, True, id="worse than others"),
        pytest.param(1, True, False, True, id="worse, one epoch before the last"),
        pytest.param(2, True, False, False, id="worse after the last epoch"),
        pytest.param(0, True, True, False, id="worse, but it ends by itself"),
        pytest.param(0, False, False, False, id="as good as others"),
    ],
)
def test_a_training_is_pruned_where_that_saves_something(
    epoch: int, worse: bool, ends: bool, pruned: bool
) -> None:
    reported: list[tuple[int, float]] = []

    def watcher(epoch: int, nats: float) -> bool:
        reported.append((epoch, nats))
        return worse

    stop = StopSignals()
    metrics = {"val/loss": torch.tensor(1.5)}
    trainer = SimpleNamespace(callback_metrics=metrics, current_epoch=epoch, max_epochs=3, should_stop=ends)
    callback = PruningCallback(stop)
    callback.on_validation_end(trainer, None)  # type: ignore[arg-type]
    assert not stop.received  # nobody watches
    with watched_by(watcher):
        callback.on_validation_end(trainer, None)  # type: ignore[arg-type]
    assert reported == [(epoch, 1.5)]
    assert bool(stop.received) == pruned
    with pytest.raises(Pruned) if pruned else nullcontext():
        stop.check()
