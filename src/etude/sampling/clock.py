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
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
)
from etude.errors import EtudeError
from etude.music import Metre
from etude.sampling.settings import CORPUS, SamplingSettings


class Clock:
    """The time of each row of a batch against a limit, in whole units."""

    def __init__(self, weights: Sequence[Fraction], limit: Fraction) -> None:
        unit = math.lcm(limit.denominator, *(weight.denominator for weight in weights))
        self._weights = torch.tensor([int(weight * unit) for weight in weights])  # (V,)
        self._limit = int(limit * unit)
        lasting = self._weights[self._weights > 0]
        self._shortest = int(lasting.min()) if len(lasting) else 0
        self._elapsed = torch.zeros(0)

    def begin(self, ids: Tensor) -> None:
        """Start with the time of a primer (B, n)."""
        self._weights = self._weights.to(ids.device)
        self._elapsed = self._weights[ids].sum(dim=1)  # (B,)

    def advance(self, ids: Tensor) -> None:
        """Count the ids (B,)."""
        self._elapsed = self._elapsed + self._weights[ids]

    @property
    def is_up(self) -> Tensor:
        """Rows (B,) that not even the shortest token fits in."""
        return self._elapsed + self._shortest > self._limit

    @property
    def fits(self) -> Tensor:
        """Tokens (B, V) that stay within the limit; the shortest always does, to close what is open."""
        return self._weights <= (self._limit - self._elapsed).clamp_min(self._shortest)[:, None]


def token_quarters(encoding: Encoding, tokens: Sequence[str]) -> list[Fraction]:
    """Return the length of each token in quarter notes; 0 for a terminator and for characters."""
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


def make_clock(settings: SamplingSettings, encoding: Encoding, tokens: Sequence[str]) -> Clock | None:
    """Return the clock that stops after max_bars or max_seconds, None if neither is set.

    Metre and tempo of the settings say how long a bar is where the tokens do not. In ABC text, bar lines are
    counted. EtudeError for two limits, or for seconds in ABC text.
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
    if bars is not None:
        quarters = bars * settings_metre(settings).quarters
    else:
        minute = 120 if isinstance(encoding, PerformanceEncoding) else Fraction(settings.tempo)
        quarters = Fraction(seconds or 0).limit_denominator(1000) * minute / 60
    return Clock(token_quarters(encoding, tokens), Fraction(quarters))


def settings_metre(settings: SamplingSettings) -> Metre:
    """Return the metre of the settings; EtudeError if it is not a time signature."""
    beats, _, unit = settings.metre.partition("/")
    if beats.isdigit() and unit in ("1", "2", "4", "8", "16", "32") and 1 <= int(beats) <= 64:
        return Metre(int(beats), int(unit))
    raise EtudeError(f"sampling.metre={settings.metre} is not a time signature; type 4/4, 3/4 or 6/8")


def timed_encoding(settings: SamplingSettings, encoding: Encoding) -> Encoding:
    """Return the encoding with the time between chords of the settings, where its tokens have no rhythm."""
    if settings.step in (None, CORPUS) or not isinstance(encoding, PitchSetEncoding):
        return encoding
    return dataclasses.replace(encoding, step=settings.step)
