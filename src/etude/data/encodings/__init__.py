"""Encodings: music to tokens and back."""

from etude.data.encodings.base import Decoded, Encoding, SourceEncoding, SourceTokens
from etude.data.encodings.characters import CharactersEncoding
from etude.data.encodings.grid import GridEncoding
from etude.data.encodings.note_duration import NoteDurationEncoding
from etude.data.encodings.performance import PerformanceEncoding
from etude.data.encodings.pitch_set import PitchSetEncoding

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
