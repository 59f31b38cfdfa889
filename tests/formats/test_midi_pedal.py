"""The sustain pedal of MIDI: how long a released note sounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from midi_bytes import (
    midi,
    notes,
    off,
    on,
    pedal,
    track,
)
from midi_reading import piece, rows

C = notes((0, 480, 60))


class TestThePedal:
    def sounding(self, *events: tuple[int, bytes], end: int = 100) -> list[tuple[int, int, int]]:
        return rows(piece(midi(track(events, end=end)), pedal=True))

    def test_a_released_note_lasts_until_the_pedal_goes_up(self) -> None:
        assert self.sounding((0, pedal(64)), *notes((0, 10, 60)), (50, pedal(63)), (90, pedal(0))) == [
            (0, 50, 60)
        ]

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
