import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.evaluation.units import bits_to_nats, nats_to_bits, nats_to_perplexity, perplexity_to_nats


def test_one_of_eight_equally_likely_tokens():
    nats = math.log(8)
    assert nats_to_bits(nats) == pytest.approx(3)
    assert nats_to_perplexity(nats) == pytest.approx(8)
    assert bits_to_nats(3) == pytest.approx(nats)
    assert perplexity_to_nats(8) == pytest.approx(nats)


@given(st.floats(0, 700))
def test_there_and_back(nats):
    assert bits_to_nats(nats_to_bits(nats)) == pytest.approx(nats, abs=1e-12)
    assert perplexity_to_nats(nats_to_perplexity(nats)) == pytest.approx(nats, abs=1e-12)


def test_the_perplexity_of_a_diverged_model_is_infinite():
    assert nats_to_perplexity(1e6) == math.inf


@pytest.mark.parametrize("perplexity", [0.0, -2.0])
def test_a_perplexity_is_positive(perplexity):
    with pytest.raises(ValueError):  # noqa: PT011  the message is the standard library's
        perplexity_to_nats(perplexity)
