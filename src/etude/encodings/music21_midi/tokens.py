"""A MIDI file's notes and chords as ``music21.converter.parse`` and ``partitionByInstrument`` list them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from etude.encodings.music21_midi.bars import barred, in_sequence, split_at_bar_lines, split_into_voices
from etude.encodings.music21_midi.grouping import (
    UNITS,
    Element,
    OffTheRulesError,
    Struck,
    grouped,
    in_order,
    onset_place,
    quantised,
)
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

INSTRUMENT_MARKS = frozenset((TRACK_NAME, INSTRUMENT_NAME, PROGRAM_CHANGE))
SCORE_MARKS = frozenset((TEMPO, TIME_SIGNATURE, KEY_SIGNATURE))
COMMON_TIME = Fraction(4)  # quarter notes to the bar where no metre is given


def music21_pitch_set_tokens(source: Path | bytes) -> list[str]:
    """Return the tokens that music21 itself makes of a MIDI file: the reference, 50 to 90 times slower."""
    from music21 import chord, converter, instrument, note
    from music21.midi.translate import midiStringToStream

    if isinstance(source, bytes):
        score = midiStringToStream(source)
    else:
        score = converter.parse(str(source), forceSource=True)  # its cache is no part of the reference
    tokens = []
    for element in instrument.partitionByInstrument(score).parts.stream().recurse():
        if isinstance(element, note.Note):
            tokens.append(str(element.pitch))
        elif isinstance(element, chord.Chord):
            tokens.append(".".join(sorted({str(pitch) for pitch in element.pitches})))
    return tokens


def reasons_for_music21(midi: MidiFile) -> list[str]:
    """Return why the rules do not cover a file, so that music21 must decide; empty if they do."""
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


def pitch_set_tokens(midi: MidiFile) -> list[str]:
    """Return the tokens of a MIDI file by the rules; OffTheRulesError if they do not cover it."""
    if reasons := reasons_for_music21(midi):
        raise OffTheRulesError("; ".join(reasons))
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
            raise OffTheRulesError("several instruments at a grace note")
        parts[names[-1]] += elements  # only the last instrument at one time lasts
    # With no instrument anywhere the parts stay as they are; else a part without one is dropped.
    merged = [in_order(elements) for elements in parts.values()] if parts else [nameless]
    return [chord_token(element.pitches) for elements in merged for element in elements]


def part_elements(
    notes: Sequence[Struck],
    division: int,
    metres: Sequence[tuple[int, Fraction]],
    own_marks: Sequence[int],
    other_marks: Sequence[int],
) -> list[Element]:
    """Return the elements of one part's score, in order: onsets from the beginning, in units.

    ``metres`` are (tick, quarter notes to the bar); ``own_marks`` and ``other_marks`` the ticks of all
    that is no note in the part's own track and in the tracks without notes before it.
    """
    elements, voices_required = grouped(notes, division)
    elements = quantised(elements, own_marks, division)
    if not elements:
        return []
    lengths = {0: COMMON_TIME} | {onset_place(tick, division): quarters for tick, quarters in metres}
    changes = [(onset, int(quarters * UNITS)) for onset, quarters in sorted(lengths.items())]
    bars = barred(elements, changes, [onset_place(tick, division) for tick in (*own_marks, *other_marks)])
    if voices_required:
        for bar in bars:
            split_into_voices(bar)
    split_at_bar_lines(bars)
    return in_sequence(bars)


def _track_elements(track: Track, conductor: list[Mark], division: int) -> list[Element]:
    metres = _metres(conductor) or _metres(track.marks)
    own_marks = [mark.tick for mark in track.marks if mark.kind in INSTRUMENT_MARKS | SCORE_MARKS]
    other_marks = [mark.tick for mark in conductor if mark.kind in SCORE_MARKS]
    return part_elements(_struck(track), division, metres, own_marks, other_marks)


def _struck(track: Track) -> list[Struck]:
    """Return the notes in the order they start, each up to the next note-off of its pitch and channel.

    A note-off ends every note before it: of two notes on one pitch that overlap, both end with the first.
    """
    ends: dict[tuple[int, int], int] = {}
    backwards: list[Struck] = []
    for tick, channel, pitch, velocity in reversed(track.notes):
        if not velocity:
            ends[channel, pitch] = tick
        elif (channel, pitch) in ends:
            backwards.append(Struck(tick, ends[channel, pitch], pitch))
    return backwards[::-1]


def _metres(marks: list[Mark]) -> list[tuple[int, Fraction]]:
    return [
        (mark.tick, Fraction(4 * mark.data[0], 2 ** mark.data[1]))
        for mark in marks
        if mark.kind == TIME_SIGNATURE
    ]
