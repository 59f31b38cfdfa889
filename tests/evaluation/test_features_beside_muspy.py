"""Our features have the values of MusPy's, on random pieces where the definitions agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from etude.evaluation.features import FEATURES
from etude.music import Piece

muspy = pytest.importorskip("muspy", reason="the comparison needs MusPy: pip install muspy")

BAR = 16  # ticks, sixteenths
BY_NAME = {feature.name: feature for feature in FEATURES}
METRICS = {
    "pitch range": muspy.pitch_range,
    "pitch-class entropy": muspy.pitch_class_entropy,
    "in key": muspy.scale_consistency,
    "polyphony": muspy.polyphony,
    "empty bars": lambda music: muspy.empty_measure_rate(music, BAR),
    "groove consistency": lambda music: muspy.groove_consistency(music, BAR),
}


def random_piece(seed: int) -> Piece:
    """Notes of different pitches within their bars.

    MusPy counts doubled notes once, and a bar that a note ends with as filled.
    """
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 40))
    bars, places = rng.integers(0, 12, size), rng.integers(0, 13, size)
    return Piece(
        onset=bars * BAR + places,
        duration=rng.integers(1, 4, size),
        pitch=rng.permutation(np.arange(30, 90))[:size],
        velocity=np.full(size, 80),
        part=np.zeros(size, dtype=np.int64),
        division=4,
    )


def as_muspy(piece: Piece) -> Any:
    columns = (each.tolist() for each in (piece.onset, piece.pitch, piece.duration))
    notes = [muspy.Note(time, pitch, duration, 80) for time, pitch, duration in zip(*columns, strict=True)]
    return muspy.Music(resolution=4, tracks=[muspy.Track(notes=notes)])


@pytest.mark.parametrize("name", METRICS)
def test_a_feature_has_the_value_of_muspy(name: str) -> None:
    for seed in range(50):
        piece = random_piece(seed)
        [ours] = BY_NAME[name].values(piece) if name != "groove consistency" else [_groove(piece)]
        theirs = METRICS[name](as_muspy(piece))
        assert ours == pytest.approx(theirs, nan_ok=True), f"seed {seed}"


def _groove(piece: Piece) -> float:
    """NaN of one bar, as MusPy has it."""
    found = BY_NAME["groove consistency"].values(piece)
    return float(found[0]) if len(found) else float("nan")
