"""Transposition to C major or A minor, so that a model learns scale degrees."""

from __future__ import annotations

from etude.errors import EncodeError
from etude.music.key import PITCH_CLASS_OF_LETTER
from etude.music.piece import Piece

_C4, _A4 = 60, 69


def to_c_major_or_a_minor(piece: Piece) -> Piece:
    """Transpose a piece to C major, or to A minor if its key is minor.

    The rule is that of the published recipes (music21's ``Interval(tonic, Pitch("C"))`` and
    ``Interval(tonic, Pitch("A"))``, where a pitch without an octave is in octave 4): the tonic as it is
    spelled between C4 and B4 goes to C4, or in minor to A4. So G major goes down 7 semitones, not up 5;
    C minor goes up 9. On the 1,700 Essen *erk* songs this gives the published alphabet of 35 pitches,
    MIDI 45 to 81, in the 1,683 songs that fit a grid of sixteenths; the nearest direction would give 39.

    Other modes keep their mode: those with a minor third go to A, the others to C.
    EncodeError if the piece has no key, or if a pitch would leave MIDI's 0..127.
    """
    key = piece.key
    if key is None:
        raise EncodeError("the piece states no key, so it cannot be moved to C major or A minor")
    target = _A4 if key.has_minor_third else _C4
    accidentals = key.tonic.count("#") - key.tonic.count("b")
    tonic = _C4 + PITCH_CLASS_OF_LETTER[key.tonic[0]] + accidentals  # Cb is below C4, as it is written
    try:
        return piece.transposed(target - tonic)
    except ValueError as error:
        raise EncodeError(f"moving {key} to C major or A minor: {error}") from error
