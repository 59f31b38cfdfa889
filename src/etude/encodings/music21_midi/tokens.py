"""Tokens of a MIDI file, as ``music21.converter.parse`` and ``partitionByInstrument`` list its chords."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from etude.encodings.music21_midi.grouping import (
    UNITS,
    Element,
    MidiNote,
    NotCoveredError,
    grouped,
    in_order,
    quantised,
    quantised_onset,
)
from etude.encodings.music21_midi.measures import barred, in_sequence, split_at_bar_lines, split_into_voices
from etude.encodings.music21_midi.names import chord_token, instrument_names
from etude.formats.midi.events import (
    DRUM_CHANNEL,
    INSTRUMENT_NAME,
    KEY_SIGNATURE,
    PROGRAM_CHANGE,
    TEMPO,
    TIME_SIGNATURE,
    TRACK_NAME,
    Mark,
    MidiFile,
    Track,
)
from etude.music import Piece

INSTRUMENT_MARKS = frozenset((TRACK_NAME, INSTRUMENT_NAME, PROGRAM_CHANGE))
SCORE_MARKS = frozenset((TEMPO, TIME_SIGNATURE, KEY_SIGNATURE))
COMMON_TIME = Fraction(4)  # quarter notes to the bar where the file has no metre


def music21_tokens(source: Path | bytes) -> list[str]:
    """Return the tokens that music21 itself makes of a MIDI file: the reference, 50 to 90 times as slow."""
    from music21 import chord, converter, instrument, note
    from music21.midi.translate import midiStringToStream

    if isinstance(source, bytes):
        score = midiStringToStream(source)
    else:
        score = converter.parse(str(source), forceSource=True)  # not from its cache
    tokens = []
    for element in instrument.partitionByInstrument(score).parts.stream().recurse():
        if isinstance(element, note.Note):
            tokens.append(str(element.pitch))
        elif isinstance(element, chord.Chord):
            tokens.append(".".join(sorted({str(pitch) for pitch in element.pitches})))
    return tokens


def _reasons_for_music21(midi: MidiFile) -> list[str]:
    """Return why the rules do not cover a file; empty if they do."""
    reasons = []
    if midi.format == 2:
        reasons.append("format 2")
    if midi.frame_seconds is not None:
        reasons.append("SMPTE times")
    conductor_metres: list[Mark] = []
    for track in midi.tracks:
        metres = [mark for mark in track.marks if mark.kind == TIME_SIGNATURE]
        if any(len(mark.data) < 2 or not mark.data[0] or mark.data[1] > 6 for mark in metres):
            reasons.append("a metre that is none, or counts less than 1/64 notes")
        if not track.has_notes:
            conductor_metres += metres
            continue
        if metres and conductor_metres:
            reasons.append("metres in more than one track")
        if any(channel == DRUM_CHANNEL for _, channel, _, _ in track.notes):
            reasons.append("drums")
        if any(mark.tick for mark in track.marks if mark.kind in INSTRUMENT_MARKS):
            reasons.append("an instrument or track name after the start")
    times = [mark.tick for mark in conductor_metres]
    if len(set(times)) < len(times):
        reasons.append("two metres at one time")
    return sorted(set(reasons))


def midi_tokens(midi: MidiFile) -> list[str]:
    """Return the tokens of a MIDI file by the rules; NotCoveredError if they do not cover it."""
    if reasons := _reasons_for_music21(midi):
        raise NotCoveredError("; ".join(reasons))
    parts: dict[str, list[Element]] = {}
    nameless: list[Element] = []
    conductor: list[Mark] = []
    for track in midi.tracks:
        if not track.has_notes:
            conductor += track.marks
            continue
        elements = _track_elements(track, conductor, midi.division)
        names = instrument_names([mark for mark in track.marks if mark.kind in INSTRUMENT_MARKS])
        for name in names:
            parts.setdefault(name, [])
        if not names:
            nameless += elements
            continue
        if len(names) > 1 and any(not element.end for element in elements):
            raise NotCoveredError("several instruments at a grace note")
        parts[names[-1]] += elements  # of several at one time the last holds
    # Where no track has an instrument, all parts stay; else a part without one is dropped.
    merged = [in_order(elements) for elements in parts.values()] if parts else [nameless]
    return [chord_token(element.pitches) for elements in merged for element in elements]


def piece_tokens(piece: Piece) -> list[str]:
    """Return the tokens of a Piece by the same rules, as if one instrument played all parts.

    NotCoveredError if the rules do not cover it.
    """
    metres = [(tick, metre.quarters) for tick, metre in piece.metres]
    if any((64 * quarters / 4).denominator != 1 for _, quarters in metres):
        raise NotCoveredError("a metre that counts less than 1/64 notes")
    marks = [tick for tick, _ in (*piece.metres, *piece.tempos)]
    notes: dict[int, list[MidiNote]] = {}
    ends = piece.onset + piece.duration
    columns = (piece.onset, ends, piece.pitch, piece.part)
    for onset, end, pitch, part in zip(*(column.tolist() for column in columns), strict=True):
        notes.setdefault(part, []).append(MidiNote(onset, end, pitch))
    elements = [
        element
        for part in sorted(notes)
        for element in _part_elements(notes[part], piece.division, metres, [0], marks)
    ]
    return [chord_token(element.pitches) for element in in_order(elements)]


def _part_elements(
    notes: Sequence[MidiNote],
    division: int,
    metres: Sequence[tuple[int, Fraction]],
    own_marks: Sequence[int],
    other_marks: Sequence[int],
) -> list[Element]:
    """Return the elements of one part's score, in order; onsets in units from the beginning.

    ``metres`` are (tick, quarter notes to the bar). ``own_marks`` and ``other_marks`` are the ticks of all
    events but notes in the part's own track, and in the tracks without notes before it.
    """
    elements, voices_required = grouped(notes, division)
    elements = quantised(elements, own_marks, division)
    if not elements:
        return []
    lengths = {0: COMMON_TIME} | {quantised_onset(tick, division): quarters for tick, quarters in metres}
    changes = [(onset, int(quarters * UNITS)) for onset, quarters in sorted(lengths.items())]
    bars = barred(elements, changes, [quantised_onset(tick, division) for tick in (*own_marks, *other_marks)])
    if voices_required:
        for bar in bars:
            split_into_voices(bar)
    split_at_bar_lines(bars)
    return in_sequence(bars)


def _track_elements(track: Track, conductor: list[Mark], division: int) -> list[Element]:
    metres = _metres(conductor) or _metres(track.marks)
    own_marks = [mark.tick for mark in track.marks if mark.kind in INSTRUMENT_MARKS | SCORE_MARKS]
    other_marks = [mark.tick for mark in conductor if mark.kind in SCORE_MARKS]
    return _part_elements(_midi_notes(track), division, metres, own_marks, other_marks)


def _midi_notes(track: Track) -> list[MidiNote]:
    """Return the notes in order of onset, each up to the next note-off of its pitch and channel.

    Of two notes on one pitch that overlap, both end with the first note-off.
    """
    ends: dict[tuple[int, int], int] = {}
    backwards: list[MidiNote] = []
    for tick, channel, pitch, velocity in reversed(track.notes):
        if not velocity:
            ends[channel, pitch] = tick
        elif (channel, pitch) in ends:
            backwards.append(MidiNote(tick, ends[channel, pitch], pitch))
    return backwards[::-1]


def _metres(marks: list[Mark]) -> list[tuple[int, Fraction]]:
    return [
        (mark.tick, Fraction(4 * mark.data[0], 2 ** mark.data[1]))
        for mark in marks
        if mark.kind == TIME_SIGNATURE
    ]
