"""One likelihood in three units."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.evaluation.likelihood import nats_to_bits, nats_to_perplexity


def test_one_of_eight_equally_likely_tokens():
    nats = math.log(8)
    assert nats_to_bits(nats) == pytest.approx(3)
    assert nats_to_perplexity(nats) == pytest.approx(8)


@given(st.floats(0, 700))
def test_bits_and_perplexity_say_the_same(nats):
    assert math.log2(nats_to_perplexity(nats)) == pytest.approx(nats_to_bits(nats), abs=1e-12)


def test_the_perplexity_of_a_diverged_model_is_infinite():
    assert nats_to_perplexity(1e6) == math.inf
