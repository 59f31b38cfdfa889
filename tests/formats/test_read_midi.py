from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.formats.base import read_path
from etude.formats.midi.reader import LONGEST_HANGING, read_midi_bytes
from etude.formats.midi.writer import midi_bytes
from etude.music import Key, Metre, Piece
from midi_bytes import (
    END,
    chunk,
    meta,
    metre,
    midi,
    named,
    notes,
    number,
    off,
    on,
    pedal,
    program,
    raw_track,
    tempo,
    track,
)
from midi_corpus import mozart_files

C = notes((0, 480, 60))
GOOD_TRACK = track(C)


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


def test_bytes_after_the_known_ones_of_a_meta_event_are_ignored() -> None:
    slow = meta(0x51, (1_000_000).to_bytes(3, "big") + b"\x07")
    assert piece(midi(track([(0, slow), *C]))).tempos == ((0, 60.0),)


@pytest.mark.parametrize("unit", [2**power for power in range(8)])
def test_every_metre_that_the_writer_writes_is_read(unit: int) -> None:
    written = Piece.from_notes([(0, 1, 60)], metres=[(0, Metre(3, unit))])
    assert piece(midi_bytes(written)).metres == ((0, Metre(3, unit)),)


def test_a_file_of_patterns_without_tracks_is_rejected_with_the_reason() -> None:
    [error] = read_midi_bytes(midi(format_=2), "a.mid").rejected
    assert "there are no tracks" in str(error)


@given(st.integers(0, 2), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6))
def test_every_damaged_file_ends_as_pieces_or_as_a_reason(
    format_: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(midi(track([(0, tempo(500_000)), (0, metre(3, 2)), *C]), GOOD_TRACK, format_=format_))
    for place, value in changes:
        data[place % len(data)] = value
    reading = read_midi_bytes(bytes(data), "a.mid", pedal=True)
    assert reading.pieces or reading.rejected


class TestAPieceAsWritten:
    def test_everything_a_file_states(self) -> None:
        conductor = track(
            [
                (0, named("Sonata\0")),
                (0, meta(0x59, bytes((0xFD, 0)))),
                (0, metre(6, 3)),
                (0, tempo(400_000)),
                (960, metre(2, 1)),
                (960, tempo(500_000)),
            ]
        )
        right = track([(0, named("right")), (0, on(64, 100)), (480, off(64))], end=2000)
        left = track([(0, named("left")), (240, on(40, 20)), (720, off(40))])
        read = piece(midi(conductor, right, left))
        assert rows(read) == [(0, 480, 64), (240, 720, 40)]
        assert read.velocity.tolist() == [100, 20]
        assert read.part.tolist() == [0, 1]
        assert read.part_names == ("right", "left")
        assert (read.division, read.length, read.title, read.name) == (480, 2000, "Sonata", "a.mid")
        assert read.key == Key("Eb")
        assert read.metres == ((0, Metre(6, 8)), (960, Metre(2, 2)))
        assert read.tempos == ((0, 150.0), (960, 120.0))

    def test_of_several_tempos_or_metres_at_one_time_the_last_counts(self) -> None:
        changes = [(9, tempo(400_000)), (9, metre(6, 3)), (9, tempo(500_000)), (9, metre(3, 2))]
        read = piece(midi(track([*changes, *notes((0, 480, 60))])))
        assert read.tempos == ((9, 120.0),)
        assert read.metres == ((9, Metre(3, 4)),)

    @given(
        st.lists(
            st.tuples(st.integers(0, 5000), st.integers(1, 3000), st.integers(0, 127), st.integers(1, 127)),
            min_size=1,
            max_size=30,
            unique_by=lambda row: row[2],
        ),
        st.integers(1, 0x7FFF),
    )
    def test_notes_come_back_exactly(self, wanted: list[tuple[int, int, int, int]], division: int) -> None:
        events = [
            timed
            for start, length, pitch, velocity in wanted
            for timed in ((start, on(pitch, velocity)), (start + length, off(pitch)))
        ]
        read = piece(midi(track(events), division=division))
        columns = (read.onset, read.duration, read.pitch, read.velocity)
        assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == sorted(wanted)
        assert read.division == division

    def test_format_0_has_its_channels_for_parts(self) -> None:
        events = [
            (0, on(60, channel=5)),
            (1, on(62, channel=2)),
            (9, off(60, channel=5)),
            (9, off(62, channel=2)),
        ]
        read = piece(midi(track(events), format_=0))
        assert read.part.tolist() == [1, 0]
        assert read.part_names == ("channel 3", "channel 6")

    def test_each_track_of_format_2_is_a_piece(self) -> None:
        reading = read_midi_bytes(midi(GOOD_TRACK, track([]), track(notes((0, 9, 72))), format_=2), "a.mid")
        assert [read.pitch.tolist() for read in reading.pieces] == [[60], [72]]
        assert [str(error) for error in reading.rejected] == ["a.mid, track 2: there are no notes"]

    def test_running_status_outlives_meta_events(self) -> None:
        data = (
            b"\0\x90\x3c\x40"
            + b"\0"
            + meta(1, b"text")
            + b"\x10\x3c\0"
            + b"\0\x3e\x40\x10\x3e\0"
            + b"\0"
            + END
        )
        assert rows(piece(midi(raw_track(data)))) == [(0, 16, 60), (16, 32, 62)]

    def test_a_note_off_ends_the_oldest_note_of_its_pitch_and_channel(self) -> None:
        events = [
            (0, on(60)),
            (5, on(60)),
            (6, on(60, channel=1)),
            (10, off(60)),
            (20, off(60)),
            (30, off(60, 1)),
        ]
        assert rows(piece(midi(track(events)))) == [(0, 10, 60), (5, 20, 60), (6, 30, 60)]

    def test_a_note_off_and_on_at_one_tick_in_file_order(self) -> None:
        events = [(0, on(60)), (10, off(60)), (10, on(60)), (20, off(60))]
        assert rows(piece(midi(track(events)))) == [(0, 10, 60), (10, 20, 60)]

    def test_a_note_of_no_length_lasts_a_tick(self) -> None:
        assert rows(piece(midi(track(notes((5, 5, 60)))))) == [(5, 6, 60)]

    def test_hanging_notes_end_with_their_track_or_after_ten_quarters(self) -> None:
        assert rows(piece(midi(track([(0, on(60))], end=500)))) == [(0, 500, 60)]
        assert rows(piece(midi(track([(0, on(60))], end=50_000)))) == [(0, LONGEST_HANGING * 480, 60)]

    def test_drums_are_left_out(self) -> None:
        drum = [(0, on(35, channel=9)), (10, off(35, channel=9))]
        assert rows(piece(midi(track(C + drum)))) == [(0, 480, 60)]
        assert "no notes but drums" in reason(midi(track(drum)))

    @pytest.mark.parametrize(
        ("division", "ticks_per_second", "tempo_"),
        [(b"\xe7\x28", 1000, 60.0), (b"\xe2\x50", 2400, 60.0), (b"\xe3\x50", 2400, 60 / 1.001)],
        ids=["25 x 40", "30 x 80", "29.97 x 80"],
    )
    def test_smpte_times_are_seconds(self, division: bytes, ticks_per_second: int, tempo_: float) -> None:
        read = piece(midi(track([(0, tempo(300_000)), *C]), division=division))
        assert (read.division, read.tempos) == (ticks_per_second, ((0, tempo_),))

    @pytest.mark.parametrize(
        "senseless", [metre(0, 2), metre(4, 200), meta(0x58, b""), meta(0x59, b"\x40\0"), tempo(0)]
    )
    def test_marks_without_sense_are_passed_over(self, senseless: bytes) -> None:
        read = piece(midi(track([(0, senseless), *C])))
        assert (read.metres, read.key, read.tempos) == ((), None, ())

    def test_unknown_chunks_and_events_are_passed_over(self) -> None:
        events = [
            (0, b"\xf0\x03abc"),
            (0, b"\xa0\x10\x10"),
            (0, b"\xd0\x10"),
            (0, b"\xe0\0\x40"),
            (0, meta(0xAF, b"x")),
        ]
        read = piece(
            midi(chunk(b"XFIH", b"12345"), track([*events, (0, program(3)), *C]), count=1) + b"trailing junk"
        )
        assert rows(read) == [(0, 480, 60)]

    def test_what_comes_after_the_end_of_track_does_not_count(self) -> None:
        assert (
            len(piece(midi(raw_track(b"\0" + on(60) + b"\x10" + off(60) + b"\0" + END + b"\0\x90\xff")))) == 1
        )


class TestThePedal:
    def sounding(self, *events: tuple[int, bytes], end: int = 100) -> list[tuple[int, int, int]]:
        return rows(piece(midi(track(events, end=end)), pedal=True))

    def test_a_released_note_lasts_until_the_pedal_goes_up(self) -> None:
        assert self.sounding((0, pedal(64)), *notes((0, 10, 60)), (50, pedal(63))) == [(0, 50, 60)]

    def test_or_to_the_next_onset_of_its_pitch(self) -> None:
        events = ((0, pedal(127)), *notes((0, 10, 60), (20, 30, 60), (25, 28, 61)), (50, pedal(0)))
        assert self.sounding(*events) == [(0, 20, 60), (20, 50, 60), (25, 50, 61)]

    def test_or_to_the_end_of_the_last_note(self) -> None:
        assert self.sounding((0, pedal(127)), *notes((0, 10, 60), (20, 30, 62))) == [
            (0, 30, 60),
            (20, 30, 62),
        ]

    def test_or_to_a_later_event_of_a_pedal(self) -> None:
        assert self.sounding((0, pedal(127)), *notes((0, 10, 60)), (90, pedal(127))) == [(0, 90, 60)]

    def test_a_held_note_is_ended_by_an_onset_of_its_pitch(self) -> None:
        events = ((0, pedal(127)), (0, on(60)), (10, on(60)), (20, off(60)), (30, off(60)), (40, pedal(0)))
        assert self.sounding(*events) == [(0, 10, 60), (10, 40, 60)]

    def test_at_one_time_down_then_up_then_on_then_off(self) -> None:
        assert self.sounding(*notes((0, 10, 60)), (10, pedal(127)), (20, pedal(0))) == [(0, 20, 60)]
        assert self.sounding((0, pedal(127)), *notes((0, 10, 60)), (10, pedal(0))) == [(0, 10, 60)]
        assert self.sounding(*notes((0, 10, 60)), (5, pedal(0)), (5, pedal(127)), (20, pedal(0))) == [
            (0, 10, 60)
        ]

    def test_it_belongs_to_its_channel_whatever_the_track(self) -> None:
        pedals = track([(0, pedal(127, channel=1)), (90, pedal(0, channel=1))])
        one = track([(0, on(60, channel=1)), (10, off(60, channel=1)), (0, on(62)), (10, off(62))])
        assert rows(piece(midi(pedals, one), pedal=True)) == [(0, 90, 60), (0, 10, 62)]

    def test_it_is_ignored_unless_wanted(self) -> None:
        assert rows(piece(midi(track([(0, pedal(127)), *C, (900, pedal(0))])))) == [(0, 480, 60)]

    @given(
        st.lists(
            st.tuples(st.integers(0, 40), st.integers(1, 9), st.integers(60, 62)), min_size=1, max_size=12
        ),
        st.lists(st.tuples(st.integers(0, 50), st.sampled_from([0, 127])), max_size=5),
    )
    def test_notes_only_grow_unless_their_pitch_is_struck_again(
        self, played: list[tuple[int, int, int]], pedals: list[tuple[int, int]]
    ) -> None:
        events = notes(*((start, start + length, pitch) for start, length, pitch in played))
        events += [(tick, pedal(value)) for tick, value in pedals]
        data = midi(track(events))
        dry, wet = rows(piece(data)), rows(piece(data, pedal=True))
        ends = (
            {row[1] for row in dry} | {row[0] for row in dry} | {tick for tick, value in pedals if not value}
        )
        ends.add(max((tick for tick, _ in pedals), default=0))  # a pedal that stays down
        for start, end, pitch in wet:
            assert end in ends
            lengths = [row[1] for row in dry if row[0] == start and row[2] == pitch]
            struck = [row[0] for row in dry if row[2] == pitch and row[0] > start]
            assert lengths
            assert end >= min(lengths) or end in struck


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


def test_an_endless_piece_is_an_error() -> None:
    step = number(8_000 * 0x7FFF) + on(60, 0)
    assert "ticks long" in reason(
        midi(raw_track(b"\0" + on(60) + step * 5000 + b"\0" + END), division=0x7FFF)
    )


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    [error] = read_path(tmp_path / "none.mid", read_midi_bytes).rejected
    assert "no such file" in str(error)


def test_100_000_notes_are_read_in_linear_time() -> None:
    data = midi(raw_track(b"\0" + off(60) + b"\1\x90\x3c\x40\1\x3c\0" * 100_000 + b"\0" + END))
    start = time.process_time()
    read = piece(data)
    assert len(read) == 100_000
    assert time.process_time() - start < 10  # a guard against quadratic time, not a benchmark


class TestRealFiles:
    def test_the_mozart_files(self) -> None:
        pieces = [piece(data) for data in mozart_files().values()]
        assert sum(map(len, pieces)) == 126_083
        assert {read.metre for read in pieces} >= {Metre(4, 4), Metre(3, 4), Metre(6, 8)}
        pedalled = [piece(data, pedal=True) for data in mozart_files().values()]
        sounding = [
            sum(Fraction(int(read.duration.sum()), read.division) for read in x) for x in (pieces, pedalled)
        ]
        assert [round(float(quarters)) for quarters in sounding] == [62_948, 67_188]

    def test_symusic_reads_the_same_notes(self) -> None:
        symusic = pytest.importorskip("symusic")
        for data in mozart_files().values():
            read = piece(data)
            columns = (read.onset, read.duration, read.pitch, read.velocity)
            theirs = [
                (note.time, note.duration, note.pitch, note.velocity)
                for part in symusic.Score.from_midi(data).tracks
                for note in part.notes
            ]
            assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == sorted(theirs)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_changed_bytes_never_do_more_than_reject(self, data: st.DataObject) -> None:
        whole = mozart_files()["piano_sonata_400.mid"]
        head = bytearray(whole[:3000])
        for _ in range(data.draw(st.integers(1, 8))):
            head[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
        for changed in (bytes(head), bytes(head) + whole[3000:]):
            reading = read_midi_bytes(changed, "changed.mid")
            assert len(reading.pieces) + len(reading.rejected) >= (changed[8:10] != b"\0\2")
            assert all(str(error).startswith("changed.mid") for error in reading.rejected)

    @given(st.binary(max_size=200))
    def test_any_bytes_in_a_track(self, body: bytes) -> None:
        reading = read_midi_bytes(midi(raw_track(body)), "any.mid")
        assert len(reading.pieces) + len(reading.rejected) == 1


def test_all_notes_off_ends_the_notes_of_its_channel() -> None:
    silence = bytes((0xB0, 123, 0))
    events = [(0, on(60)), (0, on(62, channel=1)), (240, silence), (240, on(60)), (480, off(60))]
    [piece] = read_midi_bytes(midi(track([*events, (720, off(62, 1))])), "a.mid").pieces
    assert [(note.onset, note.duration, note.pitch) for note in piece.notes] == [
        (0, Fraction(1, 2), 60), (0, Fraction(3, 2), 62), (Fraction(1, 2), Fraction(1, 2), 60)
    ]  # fmt: skip


@pytest.mark.parametrize("container", ["riff", "mac"])
def test_a_container_around_a_file_is_opened(container: str) -> None:
    data = midi(track([(0, on(60)), (480, off(60))]))
    size = (len(data)).to_bytes(4, "little")
    inside = b"RIFF" + size + b"RMIDdata" + size + data if container == "riff" else bytes(128) + data
    assert read_midi_bytes(inside, "a.mid").pieces == read_midi_bytes(data, "a.mid").pieces
