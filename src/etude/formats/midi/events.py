"""Parser of standard MIDI files into lists of events, safe for malformed files.

Source: The Complete MIDI 1.0 Detailed Specification, Standard MIDI Files 1.0 (RP-001).
"""

from __future__ import annotations

from typing import NamedTuple

from etude.errors import ReadError

TRACK_NAME, INSTRUMENT_NAME, END_OF_TRACK = 0x03, 0x04, 0x2F  # kinds of meta event
TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x58, 0x59
NOTE_ON, CONTROL_CHANGE, CHANNEL_PRESSURE = 0x90, 0xB0, 0xD0
META, SYSTEM_EXCLUSIVE = 0xFF, (0xF0, 0xF7)
PROGRAM_CHANGE = 0xC0  # distinct from the kinds of meta events, which are below 0x80
DRUM_CHANNEL = 9  # counted from 0; "channel 10" on the front panel

MAX_GAP = 10_000  # quarter notes between two events: 83 minutes at 120 a minute; more is a damaged file
SUSTAIN_PEDAL = 64  # the controller's number
ALL_OFF = (120, 123)  # controllers that end all notes of a channel: All Sound Off, All Notes Off
MAC_BINARY = 128  # bytes of the header that old Macs put before a file

MidiEvent = tuple[int, int, int, int]  # (tick, channel, pitch or pedal, velocity or value)


class Mark(NamedTuple):
    """A meta event or a program change."""

    tick: int
    kind: int
    channel: int
    data: bytes


class Track(NamedTuple):
    """One track: notes (velocity 0: note-off), sustain pedal events and marks, each in file order."""

    notes: list[MidiEvent]
    pedal: list[MidiEvent]
    marks: list[Mark]
    end: int  # tick
    all_off: list[tuple[int, int]]  # (tick, channel): all notes of the channel end

    @property
    def has_notes(self) -> bool:
        """Whether the track has a note-on."""
        return any(note[3] for note in self.notes)


class MidiFile(NamedTuple):
    """A file; times are in ticks of a quarter note or, with SMPTE times, of a second."""

    format: int
    division: int  # ticks to the quarter note, or to the second
    frame_seconds: float | None  # true length of the nominal second of SMPTE times; None: quarter notes
    tracks: list[Track]


def parse_midi(data: bytes) -> MidiFile:
    """Return the events of a MIDI file; ReadError with the byte where it is malformed.

    The file may be in a RIFF container (.rmi) or have a MacBinary header; bytes count from its own beginning.
    """
    if data[:4] == b"RIFF" and data[8:16] == b"RMIDdata":
        data = data[20:]
    elif data[MAC_BINARY : MAC_BINARY + 4] == b"MThd" and data[:1] == b"\0":
        data = data[MAC_BINARY:]
    if data[:4] != b"MThd":
        raise _not_midi(data)
    if len(data) < 14:
        raise _broken("the file ends inside its header", len(data))
    header_size = int.from_bytes(data[4:8], "big")
    if header_size < 6:
        raise _broken(f"a header of {header_size} bytes; the least is 6", 4)
    midi_format, track_count = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
    if midi_format > 2:
        raise _broken(f"format {midi_format}; MIDI files have formats 0, 1 and 2", 8)
    division, frame_seconds = _timing(data)
    tracks: list[Track] = []
    position = 8 + header_size
    while len(tracks) < track_count:
        if position + 8 > len(data):
            raise _broken(
                f"the header promises {track_count} tracks and the file ends after {len(tracks)}", len(data)
            )
        kind, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "big")
        start, position = position + 8, position + 8 + size
        if position > len(data):
            raise _broken(f"a chunk of {size} bytes, but the file holds {len(data) - start}", start - 4)
        if kind == b"MTrk":
            tracks.append(_TrackParser(data, start, position, MAX_GAP * division).track())
    return MidiFile(midi_format, division, frame_seconds, tracks)


def text_of(data: bytes) -> str:
    """Return the text of a name: UTF-8 or Latin-1, up to the first NUL, without surrounding space."""
    data = data.partition(b"\0")[0]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.strip()


def _timing(data: bytes) -> tuple[int, float | None]:
    division = int.from_bytes(data[12:14], "big")
    if not division & 0x8000:
        if not division:
            raise _broken("0 ticks to the quarter note", 12)
        return division, None
    frames, ticks_per_frame = 256 - (division >> 8), division & 0xFF
    if frames not in (24, 25, 29, 30) or not ticks_per_frame:
        raise _broken(f"SMPTE times of {frames} frames with {ticks_per_frame} ticks", 12)
    # "29" is 30 drop-frame: 30 frames to 1.001 seconds.
    return (30 * ticks_per_frame, 1.001) if frames == 29 else (frames * ticks_per_frame, 1.0)


class _TrackParser:
    """Parser of the events of one track chunk, ``data[start:end]``."""

    def __init__(self, data: bytes, start: int, end: int, max_gap: int) -> None:
        self.data, self.position, self.end, self.max_gap = data, start, end, max_gap
        self.notes: list[MidiEvent] = []
        self.pedal: list[MidiEvent] = []
        self.marks: list[Mark] = []
        self.all_off: list[tuple[int, int]] = []
        self.tick = 0

    def track(self) -> Track:
        data, end, notes = self.data, self.end, self.notes
        status = 0
        while self.position < end:
            position = self.position
            delta = data[position]
            if delta < 0x80:
                self.position = position = position + 1
            else:
                delta = self.number()
                if delta > self.max_gap:
                    raise _broken(f"{delta} ticks between two events", position)
                position = self.position
            self.tick += delta
            if position >= end:
                raise self.cut_short()
            byte = data[position]
            if 0x80 <= byte < 0xF0:
                status = byte
                self.position = position = position + 1
            elif byte >= 0xF0:
                # Running status continues after meta events, as in most readers, against the standard.
                status = status if byte == META else 0
                if self.system_event(byte) == END_OF_TRACK:
                    break
                continue
            if 0x80 <= status < NOTE_ON + 16 and position + 2 <= end:  # most events, inlined for speed
                pitch, velocity = data[position], data[position + 1]
                if (pitch | velocity) & 0x80:
                    raise _broken("a status byte where a data byte should be", position)
                notes.append((self.tick, status & 0x0F, pitch, velocity if status >= NOTE_ON else 0))
                self.position = position + 2
            else:
                self.channel_event(status)
        return Track(notes, self.pedal, self.marks, self.tick, self.all_off)

    def channel_event(self, status: int) -> None:
        kind, position = status & 0xF0, self.position
        if not status:
            raise _broken("a data byte without a status before it", position)
        self.position += 1 if kind in (PROGRAM_CHANGE, CHANNEL_PRESSURE) else 2
        if self.position > self.end:
            raise self.cut_short()
        first, last = self.data[position], self.data[self.position - 1]
        if (first | last) & 0x80:
            raise _broken("a status byte where a data byte should be", position)
        if kind == CONTROL_CHANGE and first == SUSTAIN_PEDAL:
            self.pedal.append((self.tick, status & 0x0F, first, last))
        elif kind == CONTROL_CHANGE and first in ALL_OFF:
            self.all_off.append((self.tick, status & 0x0F))
        elif kind == PROGRAM_CHANGE:
            data = self.data[position : position + 1]
            self.marks.append(Mark(self.tick, PROGRAM_CHANGE, status & 0x0F, data))

    def system_event(self, status: int) -> int | None:
        """Read a meta event and return its kind, or skip a system-exclusive event."""
        if status == META:
            return self.meta_event()
        if status not in SYSTEM_EXCLUSIVE:
            raise _broken(f"status byte 0x{status:02x}, which is not allowed in a file", self.position)
        self.position += 1
        self.payload()
        return None

    def meta_event(self) -> int:
        self.position += 2
        if self.position > self.end:
            raise self.cut_short()
        kind = self.data[self.position - 1]
        data = self.payload()
        if kind < 0x80:
            self.marks.append(Mark(self.tick, kind, 0, data))
        return kind

    def payload(self) -> bytes:
        size = self.number()
        if self.position + size > self.end:
            raise _broken(f"an event of {size} bytes runs past the end of its track", self.position)
        self.position += size
        return self.data[self.position - size : self.position]

    def number(self) -> int:
        """Read a variable-length number, four bytes at most."""
        value = 0
        for position in range(self.position, min(self.position + 4, self.end)):
            byte = self.data[position]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                self.position = position + 1
                return value
        if self.position + 4 > self.end:
            raise self.cut_short()
        raise _broken("a variable-length number of more than four bytes", self.position)

    def cut_short(self) -> ReadError:
        return _broken("the track ends inside an event", self.end)


def _not_midi(data: bytes) -> ReadError:
    if not data:
        return ReadError("the file is empty")
    if data.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return ReadError("the file is a web page (HTML), not MIDI")
    return _broken("this is not a MIDI file: it does not begin with MThd", 0)


def _broken(reason: str, byte: int) -> ReadError:
    return ReadError(reason, place=f"byte 0x{byte:x}")
