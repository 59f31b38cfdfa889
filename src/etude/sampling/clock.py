"""Clock: how much time each drawn token takes, so that drawing can stop after so many bars or seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    NoteDurationEncoding,
    PerformanceEncoding,
)
from etude.errors import EtudeError


class Clock:
    """Counts the time of each row of a batch against a limit, in whole units."""

    def __init__(self, weights: Sequence[Fraction], limit: Fraction) -> None:
        unit = math.lcm(limit.denominator, *(weight.denominator for weight in weights))
        self._weights = torch.tensor([int(weight * unit) for weight in weights])  # (V,)
        self._limit = int(limit * unit)
        lasting = self._weights[self._weights > 0]
        self._shortest = int(lasting.min()) if len(lasting) else 0
        self._elapsed = torch.zeros(0)

    def begin(self, ids: Tensor) -> None:
        """Start anew, with the primer's ids (B, n) counted."""
        self._weights = self._weights.to(ids.device)
        self._elapsed = self._weights[ids].sum(dim=1)  # (B,)

    def advance(self, ids: Tensor) -> None:
        """Count the ids (B,)."""
        self._elapsed = self._elapsed + self._weights[ids]

    @property
    def is_up(self) -> Tensor:
        """Where not even the shortest token would fit, (B,)."""
        return self._elapsed + self._shortest > self._limit

    @property
    def fits(self) -> Tensor:
        """Which tokens would not pass the limit, (B, V); the shortest fits always, to close what is open."""
        return self._weights <= (self._limit - self._elapsed).clamp_min(self._shortest)[:, None]


def token_quarters(encoding: Encoding, tokens: Sequence[str]) -> list[Fraction]:
    """Return how long each token lasts, in quarter notes; 0 for a terminator, and for characters."""
    if isinstance(encoding, PerformanceEncoding):  # whose quarters are half a second
        quarter = Fraction(encoding.steps_per_second, 2)
        prefix = "TIME_SHIFT_"
        return [
            int(token.removeprefix(prefix)) / quarter if token.startswith(prefix) else Fraction(0)
            for token in tokens
        ]
    if isinstance(encoding, CharactersEncoding):
        return [Fraction(0)] * len(tokens)
    step = 4 * Fraction(str(encoding.config()["step"]))
    steps = [
        0 if token == encoding.terminator
        else int(token.rpartition("/")[2]) if isinstance(encoding, NoteDurationEncoding)
        else 1
        for token in tokens
    ]  # fmt: skip
    return [count * step for count in steps]


def make_clock(
    encoding: Encoding,
    tokens: Sequence[str],
    *,
    max_bars: int | None,
    max_seconds: float | None,
    bar_quarters: Fraction,
    tempo: float,
) -> Clock | None:
    """Return the clock that stops after so many bars or seconds, None if neither is limited.

    Characters tell no time: their bars are bar lines, and seconds are an EtudeError. ``tempo`` (quarter
    notes a minute) and ``bar_quarters`` say how long a bar is where the tokens do not.
    """
    if max_bars is not None and max_seconds is not None:
        raise EtudeError(
            f"sampling.max_bars={max_bars} and sampling.max_seconds={max_seconds}: one of the two is enough"
        )
    if max_bars is None and max_seconds is None:
        return None
    if isinstance(encoding, CharactersEncoding):
        if max_bars is None:
            raise EtudeError(
                f"sampling.max_seconds={max_seconds}: letters tell no time; max_bars counts bar lines"
            )
        return Clock([Fraction(token == "|") for token in tokens], Fraction(max_bars))
    minute = 120 if isinstance(encoding, PerformanceEncoding) else Fraction(tempo)
    quarters = (
        max_bars * bar_quarters
        if max_bars is not None
        else Fraction(max_seconds or 0).limit_denominator(1000) * minute / 60
    )
    return Clock(token_quarters(encoding, tokens), Fraction(quarters))
