"""One likelihood in three units: nats, bits and perplexity, each per token."""

from __future__ import annotations

import math


def nats_to_bits(nats: float) -> float:
    """Return bits: a nat is 1/ln 2 ≈ 1.443 of them."""
    return nats / math.log(2)


def bits_to_nats(bits: float) -> float:
    """Return nats: a bit is ln 2 ≈ 0.693 of them."""
    return bits * math.log(2)


def nats_to_perplexity(nats: float) -> float:
    """Return e^nats: the number of equally likely tokens that would be as hard to guess; inf past a float."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def perplexity_to_nats(perplexity: float) -> float:
    """Return ln perplexity; ValueError if ``perplexity`` is not positive."""
    return math.log(perplexity)
