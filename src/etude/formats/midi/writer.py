"""MIDI writer: a piece as a standard MIDI file, exact to the tick where the format allows it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from etude.music.piece import Note, Piece
from etude.music.piece_limits import check_size
from etude.music.spelling import written_key
from etude.music.timing import metre_changes, tempo_changes

if TYPE_CHECKING:
    import symusic


USUAL_DIVISION = 480  # ticks to the quarter note, common in sequencers
MAX_DIVISION = 2**15 - 1  # 15 bits in the header
ROUNDING_DIVISION = 30240  # = 2^5 · 3^3 · 5 · 7, for pieces that no 15-bit division counts exactly


def midi_division(piece: Piece) -> int:
    """Return a division (ticks to the quarter note) that is exact for this piece, at most 15 bits.

    A multiple of 480 if possible, else the largest exact division; ROUNDING_DIVISION if no 15-bit division is
    exact.
    """
    ticks = [piece.length, piece.pickup, *(tick for tick, _ in piece.metres)]
    ticks += [*piece.onset.tolist(), *piece.duration.tolist(), *(tick for tick, _ in piece.tempos)]
    least = piece.division // math.gcd(piece.division, *ticks)
    if least > MAX_DIVISION:
        return ROUNDING_DIVISION
    usual = math.lcm(least, USUAL_DIVISION)
    return usual if usual <= MAX_DIVISION else MAX_DIVISION // least * least


def playable(notes: Iterable[Note]) -> list[Note]:
    """Return the notes of one part without overlaps on one pitch, in order of onset.

    A note ends at the next onset of its pitch: a MIDI channel cannot play one pitch twice, and readers
    disagree about which note a note-off ends. Of notes with one pitch and onset the longest stays.
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
    check_size(piece)
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
        track = symusic.Track(name=piece.part_name(part), program=max(piece.program(part) - 1, 0))
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
    if ticks(piece.quarters) > score.end():  # a rest at the end: a marker keeps the file that long
        score.markers.append(symusic.TextMeta(ticks(piece.quarters), "end"))
    return score


def midi_bytes(piece: Piece) -> bytes:
    """Return the piece as a standard MIDI file (format 1) that ends where the piece ends.

    It has the notes, title, names and programs of parts, key, metres and tempos. Times are exact unless they
    need a division of more than 15 bits. Reading the file back gives the same notes, except where one pitch
    overlaps itself in one part (see ``playable``).
    """
    return _ending_in_time(midi_score(piece).dumps_midi())


def _ending_in_time(data: bytes) -> bytes:
    """Move the end of each track to its last event: symusic writes it a tick late."""
    late_end, end = b"\x01\xff\x2f\x00", b"\x00\xff\x2f\x00"
    chunks: list[bytes] = [data[:14]]  # the header
    position = len(chunks[0])
    while position < len(data):
        size = 8 + int.from_bytes(data[position + 4 : position + 8], "big")
        chunk = data[position : position + size]
        chunks.append(chunk.removesuffix(late_end) + end if chunk.endswith(late_end) else chunk)
        position += size
    return b"".join(chunks)
