"""Settings of the encodings; the values are in conf/data/encoding/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from etude.config.fields import setting

STEPS = ("1/4", "1/8", "1/16", "1/32", "1/12", "1/24", "1/48", "1/20", "1/40", "1/80")  # of a whole note
MIDITOK = ("REMI", "TSD", "MIDILike", "Structured", "CPWord", "Octuple", "MuMIDI", "PerTok", "MMM")


@dataclass
class EncodingConfig:
    """Settings of any encoding."""

    builds: ClassVar[str] = ""


@dataclass
class GridConfig(EncodingConfig):
    """Settings of the grid encoding."""

    builds: ClassVar[str] = "etude.encodings.GridEncoding"
    step: str = setting("length of a step in whole notes; durations off the grid are rejected", choices=STEPS)


@dataclass
class NoteDurationConfig(EncodingConfig):
    """Settings of the note-and-duration encoding."""

    builds: ClassVar[str] = "etude.encodings.NoteDurationEncoding"
    step: str = setting("unit of length in whole notes; durations off the grid are rejected", choices=STEPS)


@dataclass
class VoicesConfig(EncodingConfig):
    """Settings of the voices encoding."""

    builds: ClassVar[str] = "etude.encodings.VoicesEncoding"
    step: str = setting("unit of time in whole notes; times off the grid are rejected", choices=STEPS)
    voices: int = setting("most parts of a piece; pieces with more are rejected", low=1, high=256)


@dataclass
class PitchSetConfig(EncodingConfig):
    """Settings of the pitch-set encoding."""

    builds: ClassVar[str] = "etude.encodings.PitchSetEncoding"
    step: str = setting("length of each decoded chord in whole notes; tokens have no rhythm", choices=STEPS)
    merge_parts: bool = setting("true: one chord of all tracks at each onset; false: each track's own chords")


@dataclass
class CharactersConfig(EncodingConfig):
    """Settings of the characters encoding: none."""

    builds: ClassVar[str] = "etude.encodings.CharactersEncoding"


@dataclass
class PerformanceConfig(EncodingConfig):
    """Settings of the performance encoding."""

    builds: ClassVar[str] = "etude.encodings.PerformanceEncoding"
    steps_per_second: int = setting("time resolution; 100: steps of 10 ms", low=1, high=1000)
    longest_shift: int = setting("longest TIME_SHIFT, in steps; longer gaps take several", low=1, high=10000)
    velocity_bins: int = setting("loudness levels that MIDI velocities are rounded to", low=1, high=128)
    lowest: int = setting("lowest MIDI pitch; pieces with lower notes are rejected", low=0, high=127)
    highest: int = setting("highest MIDI pitch; pieces with higher notes are rejected", low=0, high=127)


@dataclass
class MidiTokConfig(EncodingConfig):
    """Settings of MidiTok's tokenizers."""

    builds: ClassVar[str] = "etude.encodings.miditok.MidiTokEncoding"
    tokenizer: str = setting("MidiTok's tokenizer", choices=MIDITOK)
    options: dict[str, Any] = setting("arguments of MidiTok's TokenizerConfig, e.g. {use_programs: true}")
    trained: str | None = setting("file of tokenizer.save with trained byte pairs; null: none")
