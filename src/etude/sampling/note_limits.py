"""Limits on notes: filters that keep them between two pitches, or in the scale of a key."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from etude.encodings import CharactersEncoding, Encoding, PerformanceEncoding
from etude.encodings.performance import ON
from etude.errors import EtudeError
from etude.music import Key
from etude.sampling.context import TrainingContext
from etude.sampling.filters import NOTHING, Filter
from etude.sampling.note_names import name_pitch
from etude.sampling.settings import SamplingSettings

MINOR_LEADS = (9, 11)  # semitones above the tonic: the raised sixth and seventh of melodic minor
HOME = {False: 0, True: 9}  # tonic that a corpus is moved to: C, or A for keys with a minor third


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


def key_filter(settings: SamplingSettings, context: TrainingContext, moved: int = 0) -> Filter | None:
    """Return a filter that forbids tokens with notes outside the scale of the key; None without a key.

    In minor, the raised sixth and seventh belong to it. ``moved`` as in ``range_filter``. EtudeError for a
    key that is none, that leaves no note of the vocabulary, or for text whose notes have several tokens.
    """
    if settings.key is None:
        return None
    key = parse_key(settings.key)
    if isinstance(context.encoding, CharactersEncoding):
        raise EtudeError(
            f"sampling.key={settings.key}: an ABC tune states its key after K:, so type the header with "
            f"its K: line in sampling.primer"
        )
    scale = {(fifths * 7) % 12 for fifths in range(key.fifths - 1, key.fifths + 6)}
    if key.mode == "minor":
        scale |= {(key.pitch_class + step) % 12 for step in MINOR_LEADS}
    found = note_filter(context, moved, lambda pitch: pitch % 12 in scale)
    if found is None:
        raise EtudeError(f"sampling.key={settings.key} leaves no note that the model knows")
    return found


def note_filter(context: TrainingContext, moved: int, fits: Callable[[int], bool]) -> Filter | None:
    """Return a filter that forbids tokens with a pitch that does not fit; None if it leaves no note.

    ``moved`` as in ``range_filter``; ``fits`` takes pitches of the finished piece.
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


def parse_key(text: str) -> Key:
    """Return the key that is written as "G", "Bb major" or "D minor"; EtudeError if it is none."""
    found = re.fullmatch(r"([A-G][#b]?)(?: (\w+))?", text.strip())
    try:
        return Key(found[1], (found[2] or "major").lower()) if found else Key(text)
    except ValueError:
        raise EtudeError(f"sampling.key={text} is no key; type G, Bb or 'D minor'") from None


def key_shift(key: Key) -> int:
    """Return by how many semitones, −5 to 6, the corpus moves music of this key to C major or A minor."""
    return (HOME[key.has_minor_third] - key.pitch_class + 5) % 12 - 5
