"""MIDI files as pieces: notes, parts, metres, tempos."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    off,
    on,
    program,
    raw_track,
    tempo,
    track,
)
from midi_corpus import mozart_files
from midi_reading import piece, reason, rows

C = notes((0, 480, 60))


GOOD_TRACK = track(C)


def test_bytes_after_the_known_ones_of_a_meta_event_are_ignored() -> None:
    slow = meta(0x51, (1_000_000).to_bytes(3, "big") + b"\x07")
    assert piece(midi(track([(0, slow), *C]))).tempos == ((0, 60.0),)


@pytest.mark.parametrize("unit", [2**power for power in range(8)])
def test_every_metre_that_the_writer_writes_is_read(unit: int) -> None:
    written = Piece.from_notes([(0, 1, 60)], metres=[(0, Metre(3, unit))])
    assert piece(midi_bytes(written)).metres == ((0, Metre(3, unit)),)


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
