"""Clock: the time that tokens take, so that a piece can stop after a number of bars or seconds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.errors import EtudeError
from etude.sampling.frame import Frame
from etude.sampling.settings import CORPUS, SamplingSettings


class Clock:
    """Elapsed time of each row of a batch and its limit, in whole units.

    ``weights`` is the time that passes with each token, ``reach`` how long it sounds where time passes with
    other tokens.
    """

    def __init__(
        self, weights: Sequence[Fraction], limit: Fraction, reach: Sequence[Fraction] | None = None
    ) -> None:
        unit = math.lcm(limit.denominator, *(time.denominator for time in (*weights, *(reach or ()))))
        self._weights = torch.tensor([int(weight * unit) for weight in weights])  # (V,)
        self._reach = torch.tensor([int(time * unit) for time in reach or weights])  # (V,)
        self._limit = int(limit * unit)
        self._shortest = _least(self._weights)
        self._least_reach = max(self._shortest, _least(self._reach[self._weights == 0]))
        self._elapsed = torch.zeros(0)

    def begin(self, ids: Tensor) -> None:
        """Start with the time of a primer (B, n)."""
        self._weights, self._reach = self._weights.to(ids.device), self._reach.to(ids.device)
        self._elapsed = self._weights[ids].sum(dim=1)  # (B,)

    def advance(self, ids: Tensor) -> None:
        """Count the ids (B,)."""
        self._elapsed = self._elapsed + self._weights[ids]

    @property
    def is_up(self) -> Tensor:
        """Rows (B,) with no time left for even the shortest token."""
        return self._elapsed + self._shortest > self._limit

    @property
    def fits(self) -> Tensor:
        """Tokens (B, V) that stay within the limit; the shortest always does, to end held notes."""
        return self._reach <= (self._limit - self._elapsed).clamp_min(self._least_reach)[:, None]


def _least(times: Tensor) -> int:
    """Return the shortest time but 0, or 0."""
    lasting = times[times > 0]
    return int(lasting.min()) if len(lasting) else 0


def token_quarters(encoding: Encoding, tokens: Sequence[str]) -> list[Fraction]:
    """Return the length of each token in quarter notes; 0 for a terminator and for characters.

    EtudeError for an encoding without a method ``quarters(token)``; one of the user's own may have it.
    """
    if not hasattr(encoding, "quarters"):
        raise EtudeError(
            f"tokens of {encoding.name} have no length that Étude knows, so sampling.max_bars and "
            "sampling.max_seconds have nothing to count; sampling.max_tokens limits a piece"
        )
    return [Fraction(encoding.quarters(token)) for token in tokens]


def _sounding(encoding: VoicesEncoding, token: str) -> Fraction:
    """Return the steps of a note or a shift in quarter notes, 0 for a terminator."""
    steps = 0 if token == encoding.terminator else encoding.parse(token).steps
    return steps * encoding.step_quarters


def make_clock(
    settings: SamplingSettings, encoding: Encoding, tokens: Sequence[str], frame: Frame
) -> Clock | None:
    """Return the clock that stops after max_bars or max_seconds, None if neither is set.

    The frame says how long bars and seconds are. In ABC text, bar lines are counted.
    EtudeError for two limits, or for seconds in ABC text.
    """
    bars, seconds = settings.max_bars, settings.max_seconds
    if bars is not None and seconds is not None:
        raise EtudeError(
            f"sampling.max_bars={bars} and sampling.max_seconds={seconds}: one of the two is enough"
        )
    if bars is None and seconds is None:
        return None
    if isinstance(encoding, CharactersEncoding):
        if bars is None:
            raise EtudeError(
                f"sampling.max_seconds={seconds}: ABC letters have no time in seconds; "
                "sampling.max_bars counts bar lines"
            )
        return Clock([Fraction(token == "|") for token in tokens], Fraction(bars))
    if isinstance(encoding, PerformanceEncoding):  # whose tokens are timed at its own tempo
        limit = Fraction(seconds or 0) if bars is None else frame.seconds_of(frame.end_of_bars(bars))
        return Clock(token_quarters(encoding, tokens), limit.limit_denominator(1000) * 2)
    quarters = frame.end_of_seconds(seconds or 0) if bars is None else frame.end_of_bars(bars)
    weights = token_quarters(encoding, tokens)
    if isinstance(encoding, VoicesEncoding):
        return Clock(weights, quarters, [_sounding(encoding, token) for token in tokens])
    return Clock(weights, quarters)


def timed_encoding(settings: SamplingSettings, encoding: Encoding) -> Encoding:
    """Return the encoding with the time between chords of the settings, where its tokens have no rhythm."""
    if settings.step in (None, CORPUS) or not isinstance(encoding, PitchSetEncoding):
        return encoding
    return dataclasses.replace(encoding, step=settings.step)
