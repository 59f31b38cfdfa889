"""Notation: a piece laid out as a page has it, in parts, staves, bars and voices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from etude.scores.bars import Bar, bars_of
from etude.scores.noteheads import Head, Span, heads_of
from etude.scores.piece import Note, Piece
from etude.scores.quantise import notatable

MIDDLE_C = 60  # and above: the right hand
LOWEST_MEAN_IN_TREBLE = 57  # A below middle C; a part that lies lower is written in the bass clef


@dataclass(frozen=True)
class Staff:
    """One staff: ``voices[bar][voice]`` is a row of heads, or empty where the voice is silent in the bar."""

    clef: str  # "treble" or "bass"
    voices: list[list[list[Head]]]


@dataclass(frozen=True)
class ScorePart:
    """One instrument: its name and its staves, from the top."""

    name: str
    staves: list[Staff]


@dataclass(frozen=True)
class Score:
    """A piece as a page has it; ``piece`` has the times that are written."""

    piece: Piece
    bars: list[Bar]
    parts: list[ScorePart]


class _Chord(NamedTuple):
    """Notes of one voice that begin and end together."""

    onset: Fraction
    end: Fraction
    pitches: tuple[int, ...]


def score_of(piece: Piece) -> Score:
    """Lay a piece out as a score.

    One melody takes one staff. Parts of different names take a staff each, as instruments do. Other music
    takes a grand staff: the higher of two parts above, or one or many parts divided at middle C (one staff
    if all lies on one side of it). Times that no usual notation has are moved first (see ``notatable``).
    """
    piece = notatable(piece)
    bars = bars_of(piece)
    by_part: dict[int, list[Note]] = defaultdict(list)
    for note in piece.notes:
        by_part[note.part].append(note)
    names = {part: piece.part_names[part] for part in by_part if 0 <= part < len(piece.part_names)}
    if len(by_part) > 2 and len(set(names.values()) - {""}) == len(by_part):
        parts = [ScorePart(names[part], [_staff(by_part[part], bars)]) for part in sorted(by_part)]
        return Score(piece, bars, parts)
    if len(by_part) == 2:
        hands = sorted(by_part.values(), key=_mean_pitch, reverse=True)
    elif piece.is_monophonic:
        hands = [piece.notes]
    else:
        right = [note for note in piece.notes if note.pitch >= MIDDLE_C]
        left = [note for note in piece.notes if note.pitch < MIDDLE_C]
        hands = [hand for hand in (right, left) if hand]
    name = next(iter(names.values())) if len(names) == 1 else ""
    return Score(piece, bars, [ScorePart(name, [_staff(hand, bars) for hand in hands])])


def _mean_pitch(notes: Sequence[Note]) -> float:
    return sum(note.pitch for note in notes) / len(notes) if notes else MIDDLE_C


def _staff(notes: Sequence[Note], bars: Sequence[Bar]) -> Staff:
    clef = "treble" if _mean_pitch(notes) >= LOWEST_MEAN_IN_TREBLE else "bass"
    voices = [_spans_by_bar(voice, bars) for voice in _voices(notes)] or [{}]
    rows: list[list[list[Head]]] = []
    for index, bar in enumerate(bars):
        row: list[list[Head]] = []
        for voice in voices:
            spans = voice.get(index, [])
            # The first voice always has something to show; the others appear where they sound.
            row.append(heads_of(bar, _with_rests(spans, bar.length)) if spans or not row else [])
        rows.append(row)
    return Staff(clef, rows)


def _voices(notes: Iterable[Note]) -> list[list[_Chord]]:
    """Divide notes among as few voices as they need, higher first; equal onset and end make a chord."""
    chords: dict[tuple[Fraction, Fraction], set[int]] = defaultdict(set)
    for note in notes:
        chords[note.onset, note.onset + note.duration].add(note.pitch)
    rows = [_Chord(onset, end, tuple(sorted(pitches))) for (onset, end), pitches in chords.items()]
    voices: list[list[_Chord]] = []
    for chord in sorted(rows, key=lambda chord: (chord.onset, -chord.pitches[-1], chord.end)):
        free = next((voice for voice in voices if voice[-1].end <= chord.onset), None)
        if free is None:
            voices.append([chord])
        else:
            free.append(chord)
    return voices


def _spans_by_bar(voice: Iterable[_Chord], bars: Sequence[Bar]) -> dict[int, list[Span]]:
    """Cut the chords of a voice at the bar lines; a bar without notes has no entry."""
    spans: dict[int, list[Span]] = defaultdict(list)
    index = 0
    for chord in voice:
        while bars[index].end <= chord.onset:
            index += 1
        last = index
        while True:
            bar = bars[last]
            start, end = max(chord.onset, bar.start), min(chord.end, bar.end)
            spans[last].append(
                Span(start - bar.start, end - bar.start, chord.pitches, start > chord.onset, end < chord.end)
            )
            if chord.end <= bar.end:
                break
            last += 1
    return spans


def _with_rests(spans: Sequence[Span], length: Fraction) -> list[Span]:
    """Return the spans with rests in the gaps, so that they fill the bar."""
    filled: list[Span] = []
    position = Fraction(0)
    for span in spans:
        if position < span.start:
            filled.append(Span(position, span.start))
        filled.append(span)
        position = span.end
    if position < length:
        filled.append(Span(position, length))
    return filled
