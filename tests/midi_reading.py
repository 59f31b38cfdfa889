"""What the MIDI reader makes of some bytes: a piece, its notes, or a reason."""

from __future__ import annotations

from etude.formats.midi.reader import read_midi_bytes
from etude.music import Piece


def piece(data: bytes, **options: bool) -> Piece:
    reading = read_midi_bytes(data, "folder/a.mid", **options)
    assert not reading.rejected
    [only] = reading.pieces
    return only


def reason(data: bytes) -> str:
    reading = read_midi_bytes(data, "a.mid")
    assert not reading.pieces
    [error] = reading.rejected
    assert str(error).startswith("a.mid")
    return str(error)


def rows(read: Piece) -> list[tuple[int, int, int]]:
    """(onset, end, pitch) in ticks."""
    return list(
        zip(read.onset.tolist(), (read.onset + read.duration).tolist(), read.pitch.tolist(), strict=True)
    )
