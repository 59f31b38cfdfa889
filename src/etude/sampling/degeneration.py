"""Degeneration: samples that repeat one event, each time with near certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from etude.encodings import CharactersEncoding, Encoding
from etude.sampling.clock import token_quarters

CERTAIN = 0.99
SAME_EVENTS = 4  # at least so many in a row, and for a bar
LONGEST_EVENT = 4  # bars; no note is written longer
LETTERS_OF_EVENTS = "ABCDEFGabcdefgz"  # in ABC text, where eight of them count as a bar


def degenerate_from(
    events: Sequence[str], probabilities: Sequence[float], quarters: Sequence[Fraction], bar: Fraction
) -> int | None:
    """Return the index of the token from which a sample has degenerated, None if it has not.

    For each token, ``events`` has the event that it begins, "" where it goes on with the last one (a hold);
    ``quarters`` its length, and ``probabilities`` what the network itself gave it, without the filters. A
    sample has degenerated once the same event, each of its tokens more than 99 % likely, repeats for more
    than a bar and at least four times, or one event goes on for more than four bars: a whole note that is
    held for sure is not degenerate.
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


def find_degeneration(
    encoding: Encoding, tokens: Sequence[str], nats: Sequence[float], bar: Fraction
) -> int | None:
    """Return the index from which generated tokens, each with its nats, have degenerated.

    None if they have not, or the length of a token is not known.
    """
    if not hasattr(encoding, "quarters"):
        return None
    if isinstance(encoding, CharactersEncoding):
        events = [token if token in LETTERS_OF_EVENTS else "" for token in tokens]
        quarters = [bar / 8 * bool(event) for event in events]
    else:
        events = [token if encoding.is_onset(token) else "" for token in tokens]
        quarters = token_quarters(encoding, tokens)
    return degenerate_from(events, [math.exp(-each) for each in nats], quarters, bar)


def cut_repetition(
    encoding: Encoding, primer: Sequence[str], tokens: Sequence[str], begin: int, bar: Fraction
) -> list[str]:
    """Return the tokens up to one bar after ``begin``; all of them where the cut would need repairs."""
    time = Fraction(0)
    for place, lasts in enumerate(token_quarters(encoding, tokens)):
        time += lasts if place >= begin else 0
        if time >= bar:
            kept = list(tokens[: place + 1])
            return list(tokens) if encoding.decode([*primer, *kept]).repairs else kept
    return list(tokens)
