"""MIDI reader: exact ticks, velocities, tempos, optionally the sustain pedal."""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np

from etude.errors import ReadError
from etude.formats.base import MAX_TICKS, ReadResult, base_name, file_reader
from etude.formats.midi.events import (
    DRUM_CHANNEL,
    KEY_SIGNATURE,
    PROGRAM_CHANGE,
    TEMPO,
    TIME_SIGNATURE,
    TRACK_NAME,
    Mark,
    MidiEvent,
    MidiFile,
    Track,
    parse_midi,
    text_of,
)
from etude.formats.midi.pedal import OFF, NoteEvent, sustained
from etude.music.key import Key
from etude.music.piece import Metre, Piece

LONGEST_HANGING = 10  # quarter notes; length limit of a note without note-off: 5 s at 120 a minute
MAX_UNIT = 7  # power of two of a metre's unit: 1/128 is the shortest that our writers write
_ALL = -1  # in the place of a pitch: all notes of the channel end
MICROSECONDS = 60_000_000  # in a minute; a tempo event states microseconds to the quarter note


@file_reader
def read_midi_bytes(data: bytes, name: str, *, pedal: bool = False) -> ReadResult:
    """Read a MIDI file: one piece, or one for each track of format 2, or one error with its byte.

    Parts are the tracks with notes, in order, or the channels of a format 0 file. A note-off ends the oldest
    open note of its pitch, All Notes Off those of its channel. A note without either ends with its track,
    after at most ``LONGEST_HANGING`` quarter notes; a note of no length lasts one tick. Drums (channel 10)
    have no pitch and are left out.
    ``pedal`` applies the sustain pedal to note lengths. Tempos, metres and the first key are kept if they are
    valid; the title is the name of the first track. The piece ends with its last track. SMPTE times become
    ticks with a nominal second to the quarter note, at a tempo of 60 or, for drop-frame times, 59.94.
    """
    midi = parse_midi(data)
    if midi.format == 2:
        return _read_patterns(midi, name, pedal)
    return ReadResult([_piece(midi, name, pedal)], [])


def _read_patterns(midi: MidiFile, name: str, pedal: bool) -> ReadResult:
    reading = ReadResult([], [])
    if not midi.tracks:
        raise ReadError("there are no tracks")
    for number, track in enumerate(midi.tracks, start=1):
        try:
            reading.pieces.append(_piece(midi._replace(tracks=[track]), f"{name} track {number}", pedal))
        except ReadError as error:
            reading.rejected.append(error.at(name, f"track {number}"))
    return reading


def _piece(midi: MidiFile, name: str, pedal: bool) -> Piece:
    end = max((track.end for track in midi.tracks), default=0)
    if end > MAX_TICKS:
        raise ReadError(f"the piece is {end} ticks long")
    notes = [note for index, track in enumerate(midi.tracks) for note in _notes(track, index, midi.division)]
    if not notes:
        drums = any(track.has_notes for track in midi.tracks)
        raise ReadError("there are no notes but drums" if drums else "there are no notes")
    if pedal:
        notes = sustained(notes, [event for track in midi.tracks for event in track.pedal])
    onset, off, channel, pitch, velocity, part = np.array(notes, dtype=np.int64).T
    parts, part = np.unique(channel if midi.format == 0 else part, return_inverse=True)
    names = [_track_name(track) for track in midi.tracks]
    marks = sorted((mark for track in midi.tracks for mark in track.marks), key=lambda mark: mark.tick)
    return Piece(
        onset=onset,
        duration=np.maximum(off - onset, 1),
        pitch=pitch,
        velocity=velocity,
        part=part,
        division=midi.division,
        length=end,
        title=names[0],
        name=base_name(name),
        key=_key(marks),
        metres=_metres(marks),
        tempos=_tempos(marks, midi.frame_seconds),
        part_names=tuple(
            f"channel {part + 1}" if midi.format == 0 else names[part] for part in parts.tolist()
        ),
        programs=tuple(_program(midi, part) for part in parts.tolist()),
    )


def _notes(track: Track, part: int, division: int) -> list[NoteEvent]:
    notes: list[NoteEvent] = []
    sounding: dict[tuple[int, int], deque[NoteEvent]] = defaultdict(deque)
    longest, end = LONGEST_HANGING * division, track.end
    events = track.notes
    if track.all_off:  # those of one tick end what began before it
        events = sorted([*events, *((tick, channel, _ALL, 0) for tick, channel in track.all_off)], key=_place)
    for tick, channel, pitch, velocity in events:
        if channel == DRUM_CHANNEL:
            continue
        if pitch == _ALL:
            for queue in (queue for (of, _), queue in sounding.items() if of == channel):
                while queue:
                    queue.popleft()[OFF] = tick
            continue
        queue = sounding[channel, pitch]
        if velocity:
            note = [tick, min(end, tick + longest), channel, pitch, velocity, part]
            queue.append(note)
            notes.append(note)
        elif queue:
            queue.popleft()[OFF] = tick
    return notes


def _place(event: MidiEvent) -> tuple[int, bool]:
    return event[0], event[2] != _ALL


def _track_name(track: Track) -> str:
    return next((text_of(mark.data) for mark in track.marks if mark.kind == TRACK_NAME), "")


def _program(midi: MidiFile, part: int) -> int:
    """The first program of a part, which is a channel of a format 0 file, else a track; 0 if it has none."""
    tracks = midi.tracks if midi.format == 0 else [midi.tracks[part]]
    marks = (mark for track in tracks for mark in track.marks if mark.kind == PROGRAM_CHANGE)
    return next((mark.data[0] + 1 for mark in marks if midi.format or mark.channel == part), 0)


def _tempos(marks: list[Mark], frame_seconds: float | None) -> tuple[tuple[int, float], ...]:
    if frame_seconds is not None:
        return ((0, 60 / frame_seconds),)
    tempos: dict[int, float] = {}  # of several at one time the last holds
    for mark in marks:
        # Bytes after those that are defined are ignored, as the standard asks.
        known = mark.kind == TEMPO and len(mark.data) >= 3
        microseconds = int.from_bytes(mark.data[:3], "big") if known else 0
        if microseconds:
            tempos[mark.tick] = MICROSECONDS / microseconds
    return tuple(tempos.items())


def _metres(marks: list[Mark]) -> tuple[tuple[int, Metre], ...]:
    metres: dict[int, Metre] = {}
    for mark in marks:
        if mark.kind == TIME_SIGNATURE and len(mark.data) >= 2 and mark.data[0] and mark.data[1] <= MAX_UNIT:
            metres[mark.tick] = Metre(mark.data[0], 2 ** mark.data[1])
    return tuple(metres.items())


def _key(marks: list[Mark]) -> Key | None:
    for mark in marks:
        if mark.kind == KEY_SIGNATURE and len(mark.data) >= 2:
            fifths = mark.data[0] - 256 if mark.data[0] > 127 else mark.data[0]
            if abs(fifths) <= 7 and mark.data[1] <= 1:
                return Key.from_fifths(fifths, "minor" if mark.data[1] else "major")
    return None
