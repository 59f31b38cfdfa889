"""Chords of a piece: the pitch classes that sound together, by root and kind.

The kinds are the triads and seventh chords of tonal harmony. A chord is known by its pitch classes alone, as
in template matching (Fujishima, "Realtime chord recognition of musical sound", ICMC 1999). The entropy of
chords is CHE of Yeh et al., "Automatic melody harmonization with triad chords", JNMR 50, 2021.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from etude.music import Piece

Floats = npt.NDArray[np.float64]

KINDS = (  # semitones above the root
    (0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8),
    (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 3, 6, 10), (0, 3, 6, 9),
)  # fmt: skip
OTHER = len(KINDS)
# An augmented triad and a diminished seventh have one set for several roots; the lowest root names it.
CHORDS = {
    frozenset((root + step) % 12 for step in kind): (root, number)
    for number, kind in enumerate(KINDS)
    for root in reversed(range(12))
}


def chords(piece: Piece) -> list[frozenset[int]]:
    """Return the pitch classes that sound at each onset, where they are three or more."""
    found: list[frozenset[int]] = []
    sounding: list[tuple[int, int]] = []  # end and pitch class
    ends = piece.onset + piece.duration
    for onset in np.unique(piece.onset).tolist():
        first, last = np.searchsorted(piece.onset, [onset, onset + 1])
        sounding = [note for note in sounding if note[0] > onset]
        sounding += zip(ends[first:last].tolist(), (piece.pitch[first:last] % 12).tolist(), strict=True)
        classes = frozenset(pitch for _, pitch in sounding)
        found += [classes] if len(classes) > 2 else []
    return found


def chord_kinds(piece: Piece) -> Floats:
    """Return for each chord the index of its kind in KINDS, OTHER if it is none of them."""
    return np.array([CHORDS.get(chord, (0, OTHER))[1] for chord in chords(piece)], dtype=np.float64)


def known_chords(piece: Piece) -> Floats:
    """Return the share of chords that are of one of the KINDS."""
    kinds = chord_kinds(piece)
    return np.array([(kinds < OTHER).mean()] if len(kinds) else [])


def chord_entropy(piece: Piece) -> Floats:
    """Return the entropy of the chords of known kinds, by root and kind, in bits."""
    counts = Counter(CHORDS[chord] for chord in chords(piece) if chord in CHORDS)
    shares = np.array(list(counts.values())) / max(counts.total(), 1)
    return np.array([-(shares * np.log2(shares)).sum() + 0.0] if counts else [])
