"""Encodings: music to tokens and back.

Classes are imported at first use: help and configuration errors do not wait for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etude.encodings.base import Decoded, Encoding, SourceEncoding, SourceTokens
    from etude.encodings.characters import CharactersEncoding
    from etude.encodings.grid import GridEncoding
    from etude.encodings.note_duration import NoteDurationEncoding
    from etude.encodings.performance import PerformanceEncoding
    from etude.encodings.pitch_set import PitchSetEncoding
    from etude.encodings.voices import VoicesEncoding

__all__ = [
    "CharactersEncoding",
    "Decoded",
    "Encoding",
    "GridEncoding",
    "NoteDurationEncoding",
    "PerformanceEncoding",
    "PitchSetEncoding",
    "SourceEncoding",
    "SourceTokens",
    "VoicesEncoding",
]

_MODULES = ("base", "characters", "grid", "note_duration", "performance", "pitch_set", "voices")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"{__name__}.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
