"""Likelihood of the labels that count, whatever batches they come in; one likelihood in three units."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from etude.corpora.gather import IGNORE, Batch
from etude.evaluation.likelihood import label_metrics, nats_to_bits, nats_to_perplexity
from networks import network_of

VOCABULARY = 5


@given(
    st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=3, max_size=3), min_size=1),
    st.lists(st.booleans(), min_size=VOCABULARY, max_size=VOCABULARY),
    st.integers(1, 3),
)
def test_only_labels_that_count_count_and_each_alike(
    rows: list[list[tuple[bool, int]]], where: list[bool], size: int
) -> None:
    torch.manual_seed(0)
    network = network_of("lstm", VOCABULARY, hidden_dim=4).train()
    inputs = torch.tensor([[token for _, token in row] for row in rows])
    targets = torch.tensor([[token if counts else IGNORE for counts, token in row] for row in rows])
    batches = [Batch(*parts, 0) for parts in zip(inputs.split(size), targets.split(size), strict=True)]
    found = label_metrics(network, batches, np.array(where))
    assert network.training
    network.eval()
    with torch.no_grad():
        logits = torch.log_softmax(network(inputs)[0], dim=-1)
    nats, right = [], []
    for row, labels in zip(logits, targets.tolist(), strict=True):
        for chances, label in zip(row, labels, strict=True):
            if label != IGNORE and where[label]:
                nats.append(-float(chances[label]))
                right.append(int(chances.argmax()) == label)
    assert found.nats == (pytest.approx(np.mean(nats), rel=1e-5) if nats else None)
    assert found.accuracy == (pytest.approx(np.mean(right)) if right else 0.0)


def test_one_of_eight_equally_likely_tokens():
    nats = math.log(8)
    assert nats_to_bits(nats) == pytest.approx(3)
    assert nats_to_perplexity(nats) == pytest.approx(8)


@given(st.floats(0, 700))
def test_bits_and_perplexity_say_the_same(nats):
    assert math.log2(nats_to_perplexity(nats)) == pytest.approx(nats_to_bits(nats), abs=1e-12)


def test_the_perplexity_of_a_diverged_model_is_infinite():
    assert nats_to_perplexity(1e6) == math.inf
