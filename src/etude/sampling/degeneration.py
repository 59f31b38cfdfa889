"""Collapse: when a network is sure, token after token, of nothing but the same."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

CERTAIN = 0.99
SAME_EVENTS = 4  # at least so many in a row, and for a bar
LONGEST_EVENT = 4  # bars; no note is written longer


def degenerate_from(
    events: Sequence[str], probabilities: Sequence[float], quarters: Sequence[Fraction], bar: Fraction
) -> int | None:
    """Return the index of the token at which a sample has collapsed, None if it has not.

    ``events`` has for each token the event that it begins, "" where it goes on with the one before (a hold).
    Each token took ``quarters`` of time, and the network itself gave it its probability, whatever the
    filters did. A sample has collapsed once the same event, each of its tokens given more than 99 %, has
    been repeated for more than a bar and at least four times, or one event has gone on for four bars:
    a whole note that is held for sure is no collapse.
    """
    current, begin, count = "", 0, 0
    time = held = Fraction(0)  # since ``begin``, and since the last event
    for place, (event, probability, lasts) in enumerate(zip(events, probabilities, quarters, strict=True)):
        if probability <= CERTAIN:
            current, begin, count, time, held = "", place + 1, 0, Fraction(0), Fraction(0)
            continue
        if event:
            if event != current:
                current, begin, count, time = event, place, 0, Fraction(0)
            count, held = count + 1, Fraction(0)
        time, held = time + lasts, held + lasts
        if (count >= SAME_EVENTS and time > bar) or held > LONGEST_EVENT * bar:
            return begin
    return None
