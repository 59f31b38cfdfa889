"""MIDI: a piece as a standard MIDI file, exact to the tick wherever the format allows it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from etude.files import atomic_write
from etude.music.piece import Note, Piece
from etude.music.spelling import written_key
from etude.music.timing import metre_changes, tempo_changes

if TYPE_CHECKING:
    import symusic


USUAL_DIVISION = 480  # ticks to the quarter note that every sequencer is at home with
MAX_DIVISION = 2**15 - 1  # the header has 15 bits for it
ROUNDING_DIVISION = 30240  # = 2^5 · 3^3 · 5 · 7: for pieces that no 15-bit division counts exactly


def midi_division(piece: Piece) -> int:
    """Return the ticks to the quarter note that count this piece exactly, at most 15 bits.

    A multiple of 480 where there is one, else the largest multiple that fits; ROUNDING_DIVISION for a
    piece whose times no 15-bit division can count.
    """
    ticks = [piece.length, piece.pickup, *(tick for tick, _ in piece.metres)]
    ticks += [*piece.onset.tolist(), *piece.duration.tolist(), *(tick for tick, _ in piece.tempos)]
    least = piece.division // math.gcd(piece.division, *ticks)
    if least > MAX_DIVISION:
        return ROUNDING_DIVISION
    usual = math.lcm(least, USUAL_DIVISION)
    return usual if usual <= MAX_DIVISION else MAX_DIVISION // least * least


def playable(notes: Iterable[Note]) -> list[Note]:
    """Return the notes of one part as one instrument can play them, in order of onset.

    A pitch struck again while it sounds ends there: a MIDI channel cannot hold one pitch twice, and
    readers disagree about which of two note-offs ends which. Of equal onsets the longest stays.
    """
    played: list[Note] = []
    latest: dict[int, int] = {}  # pitch -> index of its latest note
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch, -note.duration, -note.velocity)):
        index = latest.get(note.pitch)
        if index is not None:
            earlier = played[index]
            if earlier.onset == note.onset:
                continue
            if earlier.onset + earlier.duration > note.onset:
                played[index] = earlier._replace(duration=note.onset - earlier.onset)
        latest[note.pitch] = len(played)
        played.append(note)
    return played


def midi_score(piece: Piece) -> symusic.Score:
    """Return the piece as a symusic Score: a first track with the title, then one track for each part."""
    import symusic

    division = midi_division(piece)

    def ticks(time: Fraction) -> int:
        return round(time * division)

    score = symusic.Score(division)
    score.tracks.append(symusic.Track(name=piece.title))
    for time, tempo in tempo_changes(piece):
        score.tempos.append(symusic.Tempo(ticks(time), tempo))
    for time, metre in metre_changes(piece):
        score.time_signatures.append(symusic.TimeSignature(ticks(time), metre.beats, metre.unit))
    if piece.key is not None:
        is_minor = piece.key.has_minor_third  # a MIDI file knows major and minor only
        score.key_signatures.append(symusic.KeySignature(0, written_key(piece.key).fifths, int(is_minor)))
    notes = piece.notes
    for part in sorted({note.part for note in notes}):
        name = piece.part_names[part] if 0 <= part < len(piece.part_names) else ""
        track = symusic.Track(name=name)
        rounded = [
            note._replace(
                onset=Fraction(ticks(note.onset)),
                duration=Fraction(max(1, ticks(note.onset + note.duration) - ticks(note.onset))),
            )
            for note in notes
            if note.part == part
        ]
        for note in playable(rounded):
            velocity = min(max(note.velocity, 1), 127)  # a note-on of velocity 0 would be a note-off
            track.notes.append(symusic.Note(int(note.onset), int(note.duration), note.pitch, velocity))
        score.tracks.append(track)
    if ticks(piece.quarters) > score.end():  # a closing rest: nothing else in a MIDI file can hold it
        score.markers.append(symusic.TextMeta(ticks(piece.quarters), "end"))
    return score


def midi_bytes(piece: Piece) -> bytes:
    """Return the piece as the bytes of a standard MIDI file (format 1), which ends where the piece ends."""
    return _ending_in_time(midi_score(piece).dumps_midi())


def _ending_in_time(data: bytes) -> bytes:
    """Move the end of each track onto its last event: symusic writes it a tick late."""
    late_end, end = b"\x01\xff\x2f\x00", b"\x00\xff\x2f\x00"
    chunks: list[bytes] = [data[:14]]  # the header
    position = len(chunks[0])
    while position < len(data):
        size = 8 + int.from_bytes(data[position + 4 : position + 8], "big")
        chunk = data[position : position + size]
        chunks.append(chunk.removesuffix(late_end) + end if chunk.endswith(late_end) else chunk)
        position += size
    return b"".join(chunks)


def write_midi(piece: Piece, path: Path) -> None:
    """Write the piece as a MIDI file: notes, title, part names, key, metres and tempos.

    Times are exact unless they need more than 15 bits of division. Reading the file back gives the same
    notes, but for a pitch that sounds twice at once in one part (see ``playable``).
    """
    atomic_write(path, midi_bytes(piece))
