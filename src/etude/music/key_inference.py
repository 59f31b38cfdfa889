"""Inference of the key of a piece that states none, from how long each pitch class sounds.

Sources: the key-finding algorithm of C. Krumhansl and M. Schmuckler (Krumhansl, Cognitive Foundations of
Musical Pitch, 1990, chapter 4), with the profiles that D. Temperley counted in the Kostka-Payne corpus (Music
and Probability, 2007, table 6.1). Of five published pairs of profiles they find the most of the keys that
1,700 Essen songs state: 96 %; those of Krumhansl and Kessler find 70 %.
"""

from __future__ import annotations

import numpy as np

from etude.music.key import Key
from etude.music.piece import Piece

# Share of the segments of pieces in a key that have each degree, in semitones above the tonic.
PROFILES = {
    "major": (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    "minor": (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
}


def inferred_key(piece: Piece) -> Key:
    """Return the major or minor key whose profile correlates best with the durations of the pitch classes.

    C major if all twelve sound equally long, as in a piece without notes.
    """
    sounding = np.bincount(piece.pitch % 12, weights=piece.duration, minlength=12)
    sounding = sounding - sounding.mean()
    best, key = 0.0, Key("C")
    for home in (Key("C"), Key("A", "minor")):
        profile = np.array(PROFILES[home.mode])
        profile = (profile - profile.mean()) / profile.std()
        for semitones in range(12):
            candidate = home.transposed(semitones)
            correlation = float(sounding @ np.roll(profile, candidate.pitch_class))
            if correlation > best:
                best, key = correlation, candidate
    return key
