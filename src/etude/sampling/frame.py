"""Frame: the metre, bar lines and tempo of samples, from the settings and the user's music."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from etude.encodings import CharactersEncoding, Encoding, PerformanceEncoding, PitchSetEncoding
from etude.encodings.performance import DECODED_TEMPO
from etude.errors import EtudeError
from etude.music import Metre, Piece
from etude.music.timing import quarters_at, seconds_at
from etude.notation.pickup import inferred_pickup
from etude.sampling.settings import SamplingSettings

USUAL_METRE = Metre(4, 4)
USUAL_TEMPO = 100.0  # quarter notes a minute
FINE_DIVISION = 9600  # ticks to the quarter note of a performance that is written at another tempo


@dataclass(frozen=True)
class Frame:
    """Metres and tempos with the quarter note from which each holds, the first at 0.

    ``pickup``: quarter notes before the first full bar; None where nobody says it, so that it is inferred.
    """

    metres: tuple[tuple[Fraction, Metre], ...] = ((Fraction(0), USUAL_METRE),)
    tempos: tuple[tuple[Fraction, float], ...] = ((Fraction(0), USUAL_TEMPO),)
    pickup: Fraction | None = None
    tempo_is_typed: bool = False

    @property
    def metre(self) -> Metre:
        """The metre in which a network continues."""
        return self.metres[-1][1]

    def end_of_bars(self, bars: int) -> Fraction:
        """Return the end of the first ``bars`` bars in quarter notes; a pickup is no bar."""
        end = self.pickup or Fraction(0)
        for _ in range(bars):
            metre = next(metre for start, metre in reversed(self.metres) if start <= end or start == 0)
            later = [start for start, _ in self.metres if start > end]
            end = min([end + metre.quarters, *later])
        return end

    def seconds_of(self, quarters: Fraction) -> Fraction:
        """Return the second of a time in quarter notes."""
        seconds = Fraction(0)
        for (start, tempo), (end, _) in pairwise([*self.tempos, (quarters, 0.0)]):
            seconds += (min(end, quarters) - min(start, quarters)) * 60 / Fraction(tempo)
        return seconds

    def end_of_seconds(self, seconds: float) -> Fraction:
        """Return the time of a second in quarter notes."""
        return Fraction(float(quarters_at(self.tempos, seconds))).limit_denominator(FINE_DIVISION)


def frame_of(settings: SamplingSettings, encoding: Encoding, music: Piece | None) -> Frame:
    """Return the frame of samples: what the user typed, else what the user's music says, else what is usual.

    ``music``: the part of the user's music that a piece begins with. EtudeError for a metre that is no time
    signature, or that the tokens cannot follow.
    """
    typed = None if settings.metre is None else parse_metre(settings.metre)
    if typed is not None and isinstance(encoding, CharactersEncoding):
        raise EtudeError(f"sampling.metre={typed} has no effect: an ABC tune states its metre after M:")
    usual = DECODED_TEMPO if isinstance(encoding, PerformanceEncoding) else USUAL_TEMPO
    frame = Frame(tempos=((Fraction(0), usual),))
    if music is not None:
        frame = _frame_of_music(music, frame)
        if isinstance(encoding, PitchSetEncoding):  # its tokens have lost the rhythm, and so the bars
            frame = Frame(frame.metres[:1], frame.tempos[:1])
    if typed is not None:
        pickup = frame.pickup if frame.pickup is not None and frame.pickup < typed.quarters else None
        frame = dataclasses.replace(frame, metres=((Fraction(0), typed),), pickup=pickup)
    if settings.tempo is not None:
        tempos = ((Fraction(0), float(settings.tempo)),)
        frame = dataclasses.replace(frame, tempos=tempos, tempo_is_typed=True)
    return frame


def parse_metre(text: str) -> Metre:
    """Return the metre that is written as ``3/4``; EtudeError if it is not a time signature."""
    beats, _, unit = text.partition("/")
    if beats.isdigit() and unit in ("1", "2", "4", "8", "16", "32") and 1 <= int(beats) <= 64:
        return Metre(int(beats), int(unit))
    raise EtudeError(f"sampling.metre={text} is not a time signature; type 4/4, 3/4 or 6/8")


def _frame_of_music(music: Piece, usual: Frame) -> Frame:
    """Return the frame of a piece; what it does not say is as in ``usual``."""
    metres = tuple((Fraction(tick, music.division), metre) for tick, metre in music.metres)
    tempos = tuple((Fraction(tick, music.division), tempo) for tick, tempo in music.tempos)
    pickup = Fraction(music.pickup, music.division) if metres else None
    if not pickup and len(metres) > 1 and metres[0][1] == metres[1][1]:
        # MIDI has no sign for a pickup: its metre is written again where the first full bar begins
        again = metres[1][0]
        if again < metres[0][1].quarters:
            pickup, metres = again, ((Fraction(0), metres[0][1]), *metres[2:])
    elif not pickup and len(metres) > 1 and metres[1][0] == metres[0][1].quarters < metres[1][1].quarters:
        # some programs write a pickup as one short bar: 1/4, then 3/4
        pickup, metres = metres[1][0], ((Fraction(0), metres[1][1]), *metres[2:])
    if tempos and tempos[0][0] > 0:
        tempos = (*usual.tempos, *tempos)
    return Frame(metres or usual.metres, tempos or usual.tempos, pickup)


def framed(piece: Piece, frame: Frame, encoding: Encoding) -> Piece:
    """Return a decoded piece with the metre, bar lines and tempo of the frame where its tokens say none.

    A tempo that the user typed replaces that of ABC text.
    """
    if frame.tempo_is_typed and isinstance(encoding, CharactersEncoding):
        piece = dataclasses.replace(piece, tempos=())
    if isinstance(encoding, PerformanceEncoding):
        piece = _at_tempos(piece, frame)
    times = [time for time, _ in (*frame.metres, *frame.tempos)] + [frame.pickup or Fraction(0)]
    division = math.lcm(piece.division, *(time.denominator for time in times))
    finer = piece.finer(division // piece.division)
    framed = dataclasses.replace(
        finer,
        metres=finer.metres or tuple((int(time * division), metre) for time, metre in frame.metres),
        tempos=finer.tempos or tuple((int(time * division), tempo) for time, tempo in frame.tempos),
    )
    if piece.metres:
        return framed
    if frame.pickup is not None:
        return dataclasses.replace(framed, pickup=int(frame.pickup * division))
    return dataclasses.replace(framed, pickup=inferred_pickup(framed)) if piece.is_monophonic else framed


def _at_tempos(piece: Piece, frame: Frame) -> Piece:
    """Return a performance in the quarter notes of the frame's tempos; every note keeps its second."""
    if frame.tempos == ((Fraction(0), DECODED_TEMPO),):
        return piece
    times = np.array([*piece.onset, *(piece.onset + piece.duration), piece.length])
    quarters = quarters_at(frame.tempos, seconds_at(piece, times))
    onset, end, length = np.split(np.rint(quarters * FINE_DIVISION).astype(np.int64), [len(piece), -1])
    return dataclasses.replace(
        piece,
        onset=onset,
        duration=np.maximum(end - onset, 1),
        division=FINE_DIVISION,
        length=int(length[0]),
        tempos=(),
    )
