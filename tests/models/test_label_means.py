"""Means over labels: batches of different sizes, and labels that do not count."""

import math

import pytest
import torch

from etude.corpora.gather import IGNORE
from etude.models.label_means import StageMetrics


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64]
)  # the hits of the first are counted by NumPy
def test_every_label_weighs_the_same_in_whichever_batch(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    metrics, nats, right = StageMetrics(), [], []
    for size in (1, 7, 30):
        logits, targets = torch.randn(2, size, 5, dtype=dtype), torch.randint(5, (2, size))
        targets[0, 0] = IGNORE
        counted = targets != IGNORE
        each = -logits.log_softmax(-1)[counted].gather(-1, targets[counted][:, None])
        nats += each.flatten().tolist()
        right += (logits.argmax(-1) == targets)[counted].tolist()
        metrics.update(each.mean().float(), logits, targets, int(counted.sum()))
    metrics.settle()
    mean = sum(nats) / len(nats)
    torch.testing.assert_close(metrics.loss.compute(), torch.tensor(mean))
    torch.testing.assert_close(metrics.perplexity.compute(), torch.tensor(math.exp(mean)))
    assert float(metrics.accuracy.compute()) == torch.tensor(sum(right) / len(right))
    metrics.loss.reset()
    metrics.loss.update([torch.tensor(3.0)], 2)
    assert metrics.loss.compute() == 1.5
