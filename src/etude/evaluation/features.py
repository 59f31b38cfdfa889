"""Musical features of a piece: one number each, or how often each value occurs among its notes.

As each feature states, its definition is that of MusPy (Dong et al., ISMIR 2020), of mgeval (Yang & Lerch,
"On the evaluation of generative models in music", 2018) or of MusDr (Wu & Yang, "The Jazz Transformer on the
Front Line", ISMIR 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from etude.evaluation.chords import chord_entropy, chord_kinds, known_chords
from etude.music import Piece
from etude.music.notes_by_bar import GRID, bar_contents
from etude.music.timing import DEFAULT_METRE

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Values = Callable[[Piece], Floats]

PHRASE = 8  # bars
MOTIF = 4  # notes of a motif whose return counts as repetition
WIDEST = 12  # semitones; wider melodic intervals count as this wide
LONGEST = 8  # quarter notes; longer notes count as this long

# Krumhansl & Kessler 1982: how well each degree fits its key, from the tonic up
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
PROFILES = np.array(
    [
        np.roll((np.array(profile) - np.mean(profile)) / np.std(profile), root)
        for profile in (MAJOR, MINOR)
        for root in range(12)
    ]
)
SHARES = tuple(np.linspace(0, 1.05, 22).tolist())  # grid of values from 0 to 1
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))  # major, natural minor


@dataclass(frozen=True)
class Feature:
    """A feature: its name, its meaning and source, and its values for a piece.

    ``values`` gives an array: one number for the piece (``by_note`` False), or one for each note or interval.
    It is empty where the feature has no meaning. ``grid``: the edges of the bins that distributions are
    compared in. ``in_bars``: it needs the metre.
    """

    name: str
    meaning: str
    values: Values
    grid: tuple[float, ...]
    by_note: bool = False
    in_bars: bool = False


FEATURES: list[Feature] = []  # in the order of the report


def feature(
    name: str, meaning: str, grid: Iterable[float], *, by_note: bool = False, in_bars: bool = False
) -> Callable[[Values], Values]:
    """Add the decorated function to FEATURES."""

    def add(values: Values) -> Values:
        FEATURES.append(Feature(name, meaning, values, tuple(grid), by_note, in_bars))
        return values

    return add


def melody(piece: Piece) -> tuple[Ids, Ids]:
    """Return onsets and pitches of the highest note at each onset."""
    order = np.lexsort((-piece.pitch, piece.onset))
    onset, pitch = piece.onset[order], piece.pitch[order]
    first = np.diff(onset, prepend=-1) > 0
    return onset[first], pitch[first]


@feature("pitch range", "semitones from the lowest to the highest note (mgeval, MusPy)", range(-1, 90, 2))
def pitch_range(piece: Piece) -> Floats:
    """Return the semitones from the lowest to the highest note."""
    return np.array([np.ptp(piece.pitch)] if len(piece) else [], dtype=np.float64)


@feature(
    "pitch-class entropy", "bits; 0: one pitch class, 3.58: all twelve alike (MusDr H, MusPy)",
    np.linspace(0, 3.6, 19).tolist(),
)  # fmt: skip
def pitch_class_entropy(piece: Piece) -> Floats:
    """Return the entropy of the pitch classes in bits."""
    counts = np.bincount(piece.pitch % 12, minlength=12)
    shares = counts[counts > 0] / max(len(piece), 1)
    return np.array([-(shares * np.log2(shares)).sum() + 0.0] if len(piece) else [])


@feature(
    "in key", "share of notes in the major or minor scale that holds the most (Mogren 2016, MusPy)", SHARES
)
def scale_consistency(piece: Piece) -> Floats:
    """Return the share of notes in the major or natural minor scale that holds the most."""
    counts = np.bincount(piece.pitch % 12, minlength=12)
    best = max(counts[[(root + step) % 12 for step in scale]].sum() for scale in SCALES for root in range(12))
    return np.array([best / len(piece)] if len(piece) else [])


def tonic(piece: Piece) -> int:
    """Return the pitch class of the likeliest tonic: the best correlation with the key profiles.

    Krumhansl & Schmuckler 1990; each pitch class weighs as long as it sounds.
    """
    weights = np.bincount(piece.pitch % 12, piece.duration, minlength=12)
    # the profiles differ in their spread, so each is scaled before they are compared
    fits = PROFILES @ (weights - weights.mean())  # (24,): twelve major keys, then twelve minor ones
    return int(fits.argmax()) % 12


@feature(
    "ends on the tonic", "share of pieces; the tonic by key profiles (Krumhansl & Schmuckler 1990)",
    (-0.5, 0.5, 1.5),
)  # fmt: skip
def ends_on_tonic(piece: Piece) -> Floats:
    """Return 1 if the last note of the melody, or the bass below it, is the tonic; else 0."""
    if not len(piece):
        return np.array([])
    last = piece.pitch[piece.onset == piece.onset.max()]
    return np.array([float(tonic(piece) in {int(last.max()) % 12, int(last.min()) % 12})])


@feature(
    "polyphony", "notes that sound at once, while any does (MusPy)", np.arange(0.875, 8.2, 0.25).tolist()
)
def polyphony(piece: Piece) -> Floats:
    """Return the mean number of notes that sound while any does."""
    sounding = _sounding_ticks(piece)
    return np.array([piece.duration.sum() / sounding] if sounding else [])


@feature("rests", "share of the time in which nothing sounds", SHARES)
def rest_share(piece: Piece) -> Floats:
    """Return the share of the time, up to the end of the piece, in which nothing sounds."""
    return np.array([1 - _sounding_ticks(piece) / piece.length] if piece.length else [])


def _sounding_ticks(piece: Piece) -> int:
    """Return for how many ticks at least one note sounds."""
    if not len(piece):
        return 0
    ends = np.maximum.accumulate(piece.onset + piece.duration)
    begins = np.maximum(piece.onset, np.concatenate([[0], ends[:-1]]))
    return int(np.maximum(ends - begins, 0).sum())


@feature(
    "empty bars", "share of bars in which no note begins (MuseGAN, Dong et al. 2018)", SHARES, in_bars=True
)
def empty_bars(piece: Piece) -> Floats:
    """Return the share of bars in which no note begins."""
    bars = bar_contents(piece)
    return np.array([sum(not bar for bar in bars) / len(bars)] if bars else [])


@feature("repeated motifs", "share of four-note motifs, in any key, that came before in the piece", SHARES)
def motif_repetition(piece: Piece) -> Floats:
    """Return the share of motifs (MOTIF notes: intervals and times) that came before in the piece."""
    onset, pitch = melody(piece)
    steps = list(zip(np.diff(onset).tolist(), np.diff(pitch).tolist(), strict=True))
    motifs = [tuple(steps[place : place + MOTIF - 1]) for place in range(len(steps) - MOTIF + 2)]
    return np.array([1 - len(set(motifs)) / len(motifs)] if motifs else [])


@feature("repeated bars", "share of bars that equal an earlier one (self-similarity)", SHARES, in_bars=True)
def repeated_bars(piece: Piece) -> Floats:
    """Return the share of bars, among those with notes, that equal an earlier one."""
    bars = [bar for bar in bar_contents(piece) if bar]
    return np.array([1 - len(set(bars)) / len(bars)] if bars else [])


@feature("whole phrases", "share of pieces with a multiple of eight bars", (-0.5, 0.5, 1.5), in_bars=True)
def whole_phrases(piece: Piece) -> Floats:
    """Return 1 if the piece has a multiple of PHRASE bars, else 0; an upbeat and its rest are one bar."""
    bars = len(bar_contents(piece)) if len(piece) else 0
    return np.array([float(bars % PHRASE == 0)] if bars else [])


@feature(
    "groove consistency", "likeness of the rhythm of successive bars, 0 to 1 (MusDr GS, as in MusPy)", SHARES,
    in_bars=True,
)  # fmt: skip
def groove_consistency(piece: Piece) -> Floats:
    """Return 1 minus the mean share of sixteenth steps in which the onsets of successive bars differ."""
    metre = piece.metre or DEFAULT_METRE
    steps = int(metre.quarters * 4)
    width = Fraction(GRID, 4)
    onsets = [frozenset(int(start / width) for start, _ in bar) for bar in bar_contents(piece)]
    differing = [len(one ^ other) / steps for one, other in pairwise(onsets)]
    return np.array([1 - sum(differing) / len(differing)] if differing and steps else [])


feature(
    "known chords",
    "share of chords (three pitch classes or more) that are a triad or a seventh chord",
    SHARES,
)(known_chords)
feature(
    "chord entropy", "bits; how varied the triads and seventh chords are (CHE of Yeh et al. 2021)",
    np.arange(-0.125, 7, 0.25).tolist(),
)(chord_entropy)  # fmt: skip
feature(
    "chord kind", "0 major, 1 minor, 2 diminished, 3 augmented, 4 to 8 sevenths, 9 other (Fujishima 1999)",
    np.arange(-0.5, 10).tolist(), by_note=True,
)(chord_kinds)  # fmt: skip


@feature("pitch class", "of each note, C = 0 (mgeval PCH)", np.arange(-0.5, 12).tolist(), by_note=True)
def pitch_classes(piece: Piece) -> Floats:
    """Return the pitch class of each note."""
    return (piece.pitch % 12).astype(np.float64)


@feature(
    "melodic interval", "semitones between successive highest notes, up is positive (mgeval PI)",
    np.arange(-WIDEST - 0.5, WIDEST + 1).tolist(), by_note=True,
)  # fmt: skip
def melodic_intervals(piece: Piece) -> Floats:
    """Return the intervals between the highest notes of successive onsets."""
    return np.clip(np.diff(melody(piece)[1]), -WIDEST, WIDEST).astype(np.float64)


@feature(
    "note length", "quarter notes (mgeval NLH)", np.arange(-0.125, LONGEST + 0.2, 0.25).tolist(), by_note=True
)
def note_lengths(piece: Piece) -> Floats:
    """Return the length of each note in quarter notes."""
    return np.minimum(piece.duration / piece.division, LONGEST)
