"""Broken MIDI files: each is one error with its place, whatever its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.formats.midi.reader import read_midi_bytes
from file_reading import read_path
from midi_bytes import (
    END,
    chunk,
    metre,
    midi,
    notes,
    number,
    off,
    on,
    raw_track,
    tempo,
    track,
)
from midi_corpus import mozart_files
from midi_reading import reason

C = notes((0, 480, 60))


GOOD_TRACK = track(C)


BROKEN = {
    "empty": (b"", "is empty"),
    "html_saved_as_mid": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "riff_wrapped": (b"RIFF\0\0\0\0RMID", "byte 0x0: this is not a MIDI file"),
    "header_cut_short": (b"MThd\0\0\0\x06\0\1", "byte 0xa: the file ends inside its header"),
    "header_too_small": (chunk(b"MThd", b"\0\1\0\1") + b"\0" * 8, "byte 0x4: a header of 4 bytes"),
    "format_9": (midi(GOOD_TRACK, format_=9), "byte 0x8: format 9"),
    "division_of_zero": (midi(GOOD_TRACK, division=0), "byte 0xc: 0 ticks"),
    "smpte_of_no_known_rate": (midi(GOOD_TRACK, division=b"\xff\x28"), "byte 0xc: SMPTE times of 1 frames"),
    "more_tracks_promised": (midi(GOOD_TRACK, count=3), "promises 3 tracks and the file ends after 1"),
    "chunk_longer_than_file": (midi(GOOD_TRACK)[:-3], "byte 0x12: a chunk of"),
    "zero_tracks": (midi(), "there are no notes"),
    "zero_notes": (midi(track([(0, tempo(500_000))])), "there are no notes"),
    "note_offs_only": (midi(track([(0, off(60))])), "there are no notes"),
    "delta_of_five_bytes": (
        midi(raw_track(b"\xff\xff\xff\xff\x7f" + on(60))),
        "byte 0x16: a variable-length",
    ),
    "delta_cut_short": (midi(raw_track(b"\0" + on(60) + b"\x81")), "the track ends inside an event"),
    "delta_without_event": (midi(raw_track(b"\0" + on(60) + b"\x10")), "the track ends inside an event"),
    "note_cut_short": (midi(raw_track(b"\0\x90\x3c")), "byte 0x19: the track ends inside an event"),
    "meta_cut_short": (midi(raw_track(b"\0\xff")), "the track ends inside an event"),
    "meta_longer_than_track": (midi(raw_track(b"\0\xff\x01\x7fabc")), "an event of 127 bytes runs past"),
    "sysex_longer_than_track": (midi(raw_track(b"\0\xf0\x7fabc")), "an event of 127 bytes runs past"),
    "running_status_at_start": (midi(raw_track(b"\0\x3c\x40")), "byte 0x17: a data byte without a status"),
    "running_status_after_sysex": (
        midi(raw_track(b"\0" + on(60) + b"\0\xf0\x01a\0\x3c\0")),
        "without a status",
    ),
    "status_for_data": (midi(raw_track(b"\0\x90\x3c\x90")), "byte 0x18: a status byte where"),
    "system_message": (midi(raw_track(b"\0\xf3\x01")), "status byte 0xf3"),
    "billion_tick_delta": (
        midi(raw_track((b"\xff\xff\xff\x7f" + on(60)) * 4)),
        "268435455 ticks between two events",
    ),
}


@pytest.mark.parametrize("bug", BROKEN)
def test_a_broken_file_is_one_error_with_its_place(bug: str) -> None:
    data, message = BROKEN[bug]
    assert message in reason(data)


@given(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6))
def test_every_damaged_file_ends_as_pieces_or_as_a_reason(
    format_: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(midi(track([(0, tempo(500_000)), (0, metre(3, 2)), *C]), GOOD_TRACK, format_=format_))
    for place, value in changes:
        data[place % len(data)] = value
    reading = read_midi_bytes(bytes(data), "a.mid", pedal=True)
    assert reading.pieces or reading.rejected


def test_a_file_of_patterns_without_tracks_is_rejected_with_the_reason() -> None:
    [error] = read_midi_bytes(midi(format_=2), "a.mid").rejected
    assert "there are no tracks" in str(error)


def test_an_endless_piece_is_an_error() -> None:
    step = number(8_000 * 0x7FFF) + on(60, 0)
    assert "ticks long" in reason(
        midi(raw_track(b"\0" + on(60) + step * 5000 + b"\0" + END), division=0x7FFF)
    )


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    [error] = read_path(tmp_path / "none.mid", read_midi_bytes).rejected
    assert "no such file" in str(error)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_never_do_more_than_reject(data: st.DataObject) -> None:
    whole = mozart_files()["piano_sonata_400.mid"]
    head = bytearray(whole[:3000])
    for _ in range(data.draw(st.integers(1, 8))):
        head[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
    for changed in (bytes(head), bytes(head) + whole[3000:]):
        reading = read_midi_bytes(changed, "changed.mid")
        assert len(reading.pieces) + len(reading.rejected) >= (changed[8:10] != b"\0\2")
        assert all(str(error).startswith("changed.mid") for error in reading.rejected)


@given(st.binary(max_size=200))
def test_any_bytes_in_a_track(body: bytes) -> None:
    reading = read_midi_bytes(midi(raw_track(body)), "any.mid")
    assert len(reading.pieces) + len(reading.rejected) == 1
