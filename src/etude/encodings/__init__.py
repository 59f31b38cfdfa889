"""Encodings: music to tokens and back."""

from etude.encodings.base import Decoded, Encoding, SourceEncoding, SourceTokens
from etude.encodings.characters import CharactersEncoding
from etude.encodings.grid import GridEncoding
from etude.encodings.note_duration import NoteDurationEncoding
from etude.encodings.performance import PerformanceEncoding
from etude.encodings.pitch_set import PitchSetEncoding

ENCODINGS = (
    CharactersEncoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
)

__all__ = [
    "ENCODINGS",
    "CharactersEncoding",
    "Decoded",
    "Encoding",
    "GridEncoding",
    "NoteDurationEncoding",
    "PerformanceEncoding",
    "PitchSetEncoding",
    "SourceEncoding",
    "SourceTokens",
]
