"""Settings of the encodings; the values are in conf/data/encoding/."""

from __future__ import annotations

from dataclasses import dataclass

from etude.config.fields import setting

STEPS = ("1/4", "1/8", "1/16", "1/32", "1/12", "1/24", "1/48")  # of a whole note


@dataclass
class GridConfig:
    """etude.encodings.GridEncoding."""

    _target_: str = setting()
    step: str = setting(
        "length of a step in whole notes; pieces with durations that do not fit are rejected", choices=STEPS
    )


@dataclass
class NoteDurationConfig:
    """etude.encodings.NoteDurationEncoding."""

    _target_: str = setting()
    step: str = setting(
        "length of a step in whole notes; pieces with durations that do not fit are rejected", choices=STEPS
    )


@dataclass
class PitchSetConfig:
    """etude.encodings.PitchSetEncoding."""

    _target_: str = setting()
    step: str = setting(
        "length of a step in whole notes; pieces with durations that do not fit are rejected", choices=STEPS
    )


@dataclass
class CharactersConfig:
    """etude.encodings.CharactersEncoding."""

    _target_: str = setting()


@dataclass
class PerformanceConfig:
    """etude.encodings.PerformanceEncoding."""

    _target_: str = setting()
    steps_per_second: int = setting("time resolution; 10 ms a step", low=1, high=1000)
    longest_shift: int = setting(
        "steps of the longest TIME_SHIFT; longer gaps take several", low=1, high=10000
    )
    velocity_bins: int = setting("loudness steps of 128/32 MIDI velocities", low=1, high=128)
    lowest: int = setting("lowest MIDI pitch; a piece with a lower one is rejected", low=0, high=127)
    highest: int = setting("highest MIDI pitch", low=0, high=127)
