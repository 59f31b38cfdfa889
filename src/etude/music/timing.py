"""Metre and tempo changes of a piece, and ticks to seconds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from etude.errors import EtudeError
from etude.music.piece import Metre, Piece

DEFAULT_TEMPO = 120.0  # quarter notes a minute; the MIDI standard's default
DEFAULT_METRE = Metre(4, 4)  # likewise
SLOWEST_TEMPO = 60e6 / (2**24 - 1)  # a MIDI file stores a tempo as 24 bits of microseconds a quarter note
FASTEST_TEMPO = 60e6  # one microsecond


def metre_changes(piece: Piece) -> list[tuple[Fraction, Metre]]:
    """Return the time signatures within the piece by quarter notes, the first at 0; 4/4 if it has none.

    The signature is repeated after a pickup, so that a full bar starts there.
    """
    changes = {Fraction(tick, piece.division): metre for tick, metre in piece.metres}
    pickup = Fraction(piece.pickup, piece.division)
    earliest = min(changes, default=Fraction(0))
    first = changes.pop(earliest, DEFAULT_METRE) if earliest <= pickup else DEFAULT_METRE
    changes = {Fraction(0): first, pickup: first} | changes
    for metre in changes.values():
        if metre.beats not in range(1, 256) or metre.unit not in {2**power for power in range(8)}:
            raise EtudeError(
                f"{piece.name or piece.title or 'the piece'}: the metre {metre} cannot be written; "
                "beats must lie in 1..255 and the unit must be a power of two up to 128"
            )
    return [(time, metre) for time, metre in sorted(changes.items()) if time == 0 or time < piece.quarters]


def tempo_changes(piece: Piece) -> list[tuple[Fraction, float]]:
    """Return the tempos (quarter notes a minute) within the piece by quarter notes, the first at 0.

    DEFAULT_TEMPO before the first tempo of the piece; each is clipped to SLOWEST_TEMPO..FASTEST_TEMPO.
    """
    changes = {Fraction(0): DEFAULT_TEMPO}
    for tick, tempo in piece.tempos:
        changes[Fraction(tick, piece.division)] = min(max(tempo, SLOWEST_TEMPO), FASTEST_TEMPO)
    return [(time, tempo) for time, tempo in sorted(changes.items()) if time == 0 or time < piece.quarters]


def seconds_at(piece: Piece, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert ticks of the piece to seconds from its start; same shape as ``ticks``."""
    changes = tempo_changes(piece)
    knots = np.array([float(time * piece.division) for time, _ in changes])  # (tempos,)
    rates = np.array([60.0 / (tempo * piece.division) for _, tempo in changes])  # seconds a tick
    reached = np.concatenate([[0.0], np.cumsum(np.diff(knots) * rates[:-1])])
    moments = np.asarray(ticks, dtype=np.float64)
    latest = np.searchsorted(knots, moments, side="right") - 1
    seconds: npt.NDArray[np.float64] = reached[latest] + (moments - knots[latest]) * rates[latest]
    return seconds


def quarters_at(tempos: Sequence[tuple[Fraction, float]], seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert seconds to quarter notes, the inverse of :func:`seconds_at`; same shape as ``seconds``.

    ``tempos``: each with the quarter note from which it holds, the first at 0, in order.
    """
    knots = np.array([float(time) for time, _ in tempos])  # (tempos,)
    rates = np.array([tempo / 60.0 for _, tempo in tempos])  # quarter notes a second
    reached = np.concatenate([[0.0], np.cumsum(np.diff(knots) / rates[:-1])])
    moments = np.asarray(seconds, dtype=np.float64)
    latest = np.searchsorted(reached, moments, side="right") - 1
    quarters: npt.NDArray[np.float64] = knots[latest] + (moments - reached[latest]) * rates[latest]
    return quarters
