"""Range: a filter that keeps the notes of a piece between two pitches."""

from __future__ import annotations

from collections.abc import Callable

import torch

from etude.encodings import CharactersEncoding, Encoding, PerformanceEncoding
from etude.encodings.performance import ON
from etude.errors import EtudeError
from etude.sampling.context import TrainingContext
from etude.sampling.filters import NOTHING, Filter
from etude.sampling.note_names import name_pitch
from etude.sampling.settings import SamplingSettings


def range_filter(settings: SamplingSettings, context: TrainingContext, moved: int = 0) -> Filter | None:
    """Return a filter that forbids tokens with a pitch outside the range of the settings; None without one.

    ``moved``: semitones by which the network's pitches are above those of the finished piece. EtudeError for
    a range that is none, that leaves no note of the vocabulary, or for text whose notes have several tokens.
    """
    if settings.lowest is None and settings.highest is None:
        return None
    lowest = _pitch("lowest", settings.lowest, 0)
    highest = _pitch("highest", settings.highest, 127)
    typed = f"sampling.lowest={settings.lowest} sampling.highest={settings.highest}"
    encoding = context.encoding
    if isinstance(encoding, CharactersEncoding):
        raise EtudeError(f"{typed}: a note of ABC text has several tokens, so its range cannot be limited")
    found = note_filter(context, moved, lambda pitch: lowest <= pitch <= highest)
    if found is None:
        tokens = context.vocabulary.tokens
        known = sorted(pitch - moved for token in tokens for pitch in begun_pitches(encoding, token))
        raise EtudeError(f"{typed} leaves no note; the model knows pitches from {known[0]} to {known[-1]}")
    return found


def note_filter(context: TrainingContext, moved: int, fits: Callable[[int], bool]) -> Filter | None:
    """Return a filter that forbids tokens with a pitch that does not fit; None if it leaves no note.

    ``moved`` as in ``range_filter``; ``fits`` is asked about pitches of the finished piece.
    """
    pitches = [begun_pitches(context.encoding, token) for token in context.vocabulary.tokens]
    inside = [all(fits(pitch - moved) for pitch in each) for each in pitches]
    if not any(ok and each for ok, each in zip(inside, pitches, strict=True)):
        return None
    outside = torch.tensor([not ok for ok in inside])
    return lambda logits, ids: logits.masked_fill(outside.to(logits.device), NOTHING)


def _pitch(key: str, text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    pitch = int(text) if str(text).isdecimal() else name_pitch(str(text))
    if pitch is None or not 0 <= pitch <= 127:
        raise EtudeError(f"sampling.{key}={text} is no pitch; type a name such as C4, or 0 to 127")
    return pitch


def begun_pitches(encoding: Encoding, token: str) -> list[int]:
    """Return the pitches of the notes that begin with a token."""
    if isinstance(encoding, PerformanceEncoding):
        return [int(token.removeprefix(f"{ON}_"))] if token.startswith(ON) else []
    if token == encoding.terminator:
        return []
    found: list[int] = encoding.decode([token]).piece.pitch.tolist()
    return found
