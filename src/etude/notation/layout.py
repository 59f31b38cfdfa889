"""Layout of a piece as a score: parts, staves, bars and voices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from etude.music.piece import Note, Piece
from etude.music.piece_limits import check_size
from etude.notation.bars import Bar, bars_of
from etude.notation.choir import choir_of
from etude.notation.hands import hands_of
from etude.notation.noteheads import Head, Span, heads_of
from etude.notation.quantise import quantise_performance
from etude.notation.readable import readable

MIDDLE_C = 60
STAFF_COMPASS = 19  # semitones: five lines and a ledger line or two
LOWEST_MEAN_IN_TREBLE = 57  # A below middle C; a part with a lower mean is written in the bass clef

# The cost of a clef is the number of semitones beyond this range, summed over the notes of a staff.
CLEF_RANGES = {"treble": (59, 86), "bass": (38, 64)}
CLEF_CHANGE = 24  # semitones that a change of clef must save


@dataclass(frozen=True)
class Staff:
    """One staff: ``voices[bar][voice]`` has a voice's heads in a bar, none where it is silent."""

    clefs: list[str]  # of each bar: "treble" or "bass"
    voices: list[list[list[Head]]]
    velocities: list[dict[tuple[Fraction, int], int]]  # of each voice, by (onset, pitch) of the note


@dataclass(frozen=True)
class ScorePart:
    """One instrument, or a choir: its name and its staves from the top.

    ``singers`` are the parts of the piece that a choir's voices are, from the highest; () for an instrument.
    """

    name: str
    staves: list[Staff]
    singers: tuple[int, ...] = ()
    program: int = 0  # of General MIDI, from 1; 0 if it is not known or not one


@dataclass(frozen=True)
class Score:
    """A piece as sheet music; ``piece`` has the times that are written, perhaps quantised."""

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

    A melody takes one staff, a choir two, with two voices each (see ``choir_of``). Parts of different
    instruments take a staff each. Other music takes a grand staff: the higher of two
    parts above, or one or many parts divided between two hands (see ``hands_of``); one staff if its pitches
    are near each other on one side of middle C. A performance is quantised first (see
    ``quantise_performance``), and each hand simplified (see ``readable``).
    """
    check_size(piece)
    page = quantise_performance(piece)
    bars = bars_of(page)
    end = bars[-1].end
    by_part: dict[int, list[Note]] = defaultdict(list)
    for note in page.notes:
        by_part[note.part].append(note)
    names = {part: page.part_names[part] for part in by_part if 0 <= part < len(page.part_names)}
    simplify = readable if page is not piece else list[Note]  # exact times stay
    if singers := choir_of(by_part, names):
        lines = [_line(_up_to(end, by_part[part])) for part in singers]
        pairs = ((lines[:2], "treble"), (lines[2:], "bass"))
        choir = ScorePart("", [_staff_of_voices(pair, bars, clef) for pair, clef in pairs], singers)
        return Score(page, bars, [choir])
    if _are_instruments(page, by_part, names):
        parts = [
            ScorePart(
                names[part],
                [_staff(_up_to(end, simplify(by_part[part])), bars)],
                program=_program(page, [part]),
            )
            for part in sorted(by_part)
        ]
        return Score(page, bars, parts)
    name = next(iter(names.values())) if len(names) == 1 else ""
    if len(by_part) == 2:
        hands = sorted(by_part.values(), key=_mean_pitch, reverse=True)
    elif page.is_monophonic or _fits_one_staff(page.notes):
        hands = [page.notes]
    else:
        hands = [hand for hand in hands_of(page.notes) if hand]
    clefs = ("treble", "bass") if len(hands) == 2 else ("",)
    staves = [
        _staff(_up_to(end, simplify(hand)), bars, clef) for hand, clef in zip(hands, clefs, strict=True)
    ]
    return Score(page, bars, [ScorePart(name, staves, program=_program(page, by_part))])


def _are_instruments(piece: Piece, parts: Collection[int], names: Mapping[int, str]) -> bool:
    """Return whether each part has its own name and, of two, which may be hands, its own program."""
    programs = {_program(piece, [part]) for part in parts}
    is_duet = len(parts) == 2 and len(programs - {0}) == 2
    return (len(parts) > 2 or is_duet) and len(set(names.values()) - {""}) == len(parts)


def _program(piece: Piece, parts: Iterable[int]) -> int:
    """Return the program that all these parts have, 0 if there is none."""
    programs = {piece.program(part) for part in parts}
    return programs.pop() if len(programs) == 1 else 0


def _up_to(end: Fraction, notes: Iterable[Note]) -> list[Note]:
    """Cut the notes at ``end``, the last bar line."""
    return [note._replace(duration=min(note.duration, end - note.onset)) for note in notes]


def _fits_one_staff(notes: Sequence[Note]) -> bool:
    """Return whether all notes are on one side of middle C and within a staff's compass."""
    pitches = [note.pitch for note in notes]
    low, high = min(pitches), max(pitches)
    return (low >= MIDDLE_C or high < MIDDLE_C) and high - low <= STAFF_COMPASS


def _mean_pitch(notes: Sequence[Note]) -> float:
    return sum(note.pitch for note in notes) / len(notes) if notes else MIDDLE_C


class _Line(NamedTuple):
    """The chords of a voice, and the velocities of its notes by (onset, pitch)."""

    chords: list[_Chord]
    velocities: dict[tuple[Fraction, int], int]


def _line(notes: Sequence[Note]) -> _Line:
    """Return one part as a voice."""
    chords = [_Chord(note.onset, note.onset + note.duration, (note.pitch,)) for note in notes]
    return _Line(chords, _velocities(notes))


def _velocities(notes: Iterable[Note]) -> dict[tuple[Fraction, int], int]:
    return {(note.onset, note.pitch): note.velocity for note in notes}


def _staff(notes: Sequence[Note], bars: Sequence[Bar], usual_clef: str = "") -> Staff:
    """Return the staff of a hand or of an instrument."""
    velocities = _velocities(notes)
    lines = [_Line(voice, velocities) for voice in _voices(notes)] or [_Line([], {})]
    usual_clef = usual_clef or ("treble" if _mean_pitch(notes) >= LOWEST_MEAN_IN_TREBLE else "bass")
    return _staff_of_voices(lines, bars, usual_clef)


def _staff_of_voices(lines: Sequence[_Line], bars: Sequence[Bar], usual_clef: str) -> Staff:
    voices = [_spans_by_bar(line.chords, bars) for line in lines]
    pitches = [
        [pitch for voice in voices for span in voice.get(index, []) for pitch in span.pitches]
        for index in range(len(bars))
    ]
    rows: list[list[list[Head]]] = []
    for index, bar in enumerate(bars):
        row: list[list[Head]] = []
        for voice in voices:
            spans = voice.get(index, [])
            # The first voice shows its rests; the others appear only in bars where they have notes.
            row.append(heads_of(bar, _with_rests(spans, bar.length)) if spans or not row else [])
        rows.append(row)
    return Staff(_clefs(pitches, usual_clef), rows, [line.velocities for line in lines])


def _clefs(bars: Sequence[Sequence[int]], usual: str) -> list[str]:
    """Return a clef for each bar of pitches, at the least cost, starting from the usual one."""
    ways: dict[str, tuple[int, list[str]]] = {usual: (0, [])}  # by last clef: cost, clefs so far
    for pitches in bars:
        reached = {}
        for clef, (low, high) in CLEF_RANGES.items():
            beyond = sum(max(0, low - pitch, pitch - high) for pitch in pitches)
            last = min(ways, key=lambda last: ways[last][0] + CLEF_CHANGE * (clef != last))
            cost = ways[last][0] + CLEF_CHANGE * (clef != last) + beyond
            reached[clef] = (cost, [*ways[last][1], clef])
        ways = reached
    return min(ways.values(), key=lambda way: way[0])[1]


def _voices(notes: Iterable[Note]) -> list[list[_Chord]]:
    """Divide notes among as few voices as they need, the highest first; equal onset and end make a chord.

    The number of a chord's voice is the largest number of chords that sound above it at the same time. If
    that voice is not free, the chord goes to the next free voice below, or else above.
    """
    pitches: dict[tuple[Fraction, Fraction], set[int]] = defaultdict(set)
    for note in notes:
        pitches[note.onset, note.onset + note.duration].add(note.pitch)
    chords = [_Chord(onset, end, tuple(sorted(members))) for (onset, end), members in pitches.items()]
    chords.sort(key=lambda chord: (chord.onset, -chord.pitches[-1], chord.end))
    overlapping = _overlapping(chords)
    most = max(
        (_most_at_once(chord, others) for chord, others in zip(chords, overlapping, strict=True)), default=0
    )
    voices: list[list[_Chord]] = [[] for _ in range(most)]
    for chord, others in zip(chords, overlapping, strict=True):
        above = [other for other in others if _height(other) > _height(chord)]
        wanted = _most_at_once(chord, above) - 1
        free = [place for place, voice in enumerate(voices) if not voice or voice[-1].end <= chord.onset]
        place = min(free, key=lambda place: (place < wanted, abs(place - wanted)))
        voices[place].append(chord)
    return voices


def _height(chord: _Chord) -> tuple[int, int, Fraction]:
    """Return the key that sorts chords from low to high; of equal pitches the shorter chord is higher."""
    return chord.pitches[-1], chord.pitches[0], -chord.end


def _overlapping(chords: Sequence[_Chord]) -> list[list[_Chord]]:
    """Return for each chord those that overlap it; ``chords`` are in order of onset."""
    found: list[list[_Chord]] = [[] for _ in chords]
    sounding: list[int] = []
    for index, chord in enumerate(chords):
        sounding = [other for other in sounding if chords[other].end > chord.onset]
        for other in sounding:
            found[index].append(chords[other])
            found[other].append(chord)
        sounding.append(index)
    return found


def _most_at_once(chord: _Chord, others: Sequence[_Chord]) -> int:
    """Return the largest number of chords, with itself, that sound at one time during the chord."""
    moments = {chord.onset, *(other.onset for other in others if other.onset > chord.onset)}
    return 1 + max(sum(other.onset <= moment < other.end for other in others) for moment in moments)


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
