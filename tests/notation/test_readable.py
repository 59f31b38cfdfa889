"""The notes of one hand become two readable voices, with each note where it was."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from etude.music import Metre, Note, Piece
from etude.notation.layout import score_of
from etude.notation.readable import readable

Row = tuple[Fraction | int, Fraction | int, int]

played = st.lists(
    st.tuples(
        st.integers(0, 24).map(lambda step: Fraction(step, 4))
        | st.integers(0, 18).map(lambda s: Fraction(s, 3)),
        st.integers(1, 20).map(lambda step: Fraction(step, 8)),
        st.integers(60, 72),
    ),
    max_size=14,
)


def notes(rows: list[Row]) -> list[Note]:
    return [Note(Fraction(onset), Fraction(duration), pitch) for onset, duration, pitch in rows]


@given(played)
def test_each_note_stays_and_two_voices_suffice(rows: list[Row]) -> None:
    before, after = notes(rows), readable(notes(rows))
    assert sorted((note.onset, note.pitch) for note in after) == sorted(
        (note.onset, note.pitch) for note in before
    )
    assert all(note.duration > 0 for note in after)
    chords = {(note.onset, note.onset + note.duration) for note in after}
    for moment, _ in chords:
        assert sum(onset <= moment < end for onset, end in chords) <= 2


def lengths(*rows: Row) -> list[Fraction]:
    return [note.duration for note in sorted(readable(notes(list(rows))))]


def test_short_gaps_are_closed_and_rests_stay() -> None:
    assert lengths((0, Fraction(1, 4), 60), (Fraction(1, 2), 1, 62)) == [Fraction(1, 2), Fraction(3, 2)]
    assert lengths((0, Fraction(1, 4), 60), (2, 1, 62)) == [Fraction(1, 4), 1]
    assert lengths((0, Fraction(3, 4), 60), (2, 1, 62)) == [1, 1]


def test_a_note_that_laps_over_the_next_is_cut_and_a_held_one_is_not() -> None:
    assert lengths((0, Fraction(5, 4), 60), (1, 1, 62)) == [1, 1]
    assert lengths((0, 4, 60), (1, 1, 62), (2, 2, 64)) == [4, 1, 2]


def test_notes_that_begin_together_end_together() -> None:
    assert lengths((0, Fraction(3, 4), 60), (0, 1, 64), (1, 1, 62)) == [1, 1, 1]
    # except the held note
    assert lengths((0, 4, 60), (0, Fraction(3, 4), 72), (1, 1, 71), (2, 2, 69)) == [1, 4, 1, 2]


def test_one_chord_is_held_at_a_time() -> None:
    assert lengths((0, 4, 60), (1, 3, 64), (2, 1, 72), (3, 1, 71)) == [1, 3, 1, 1]


@given(
    st.lists(
        st.tuples(st.integers(0, 1900), st.integers(20, 700), st.integers(40, 80)), min_size=1, max_size=9
    ),
    st.sampled_from([Metre(3, 8), Metre(5, 8), Metre(7, 8), Metre(9, 8), Metre(3, 4)]),
    st.sampled_from([0, 240]),
)
def test_nothing_is_made_longer_than_the_last_bar(
    rows: list[tuple[int, int, int]], metre: Metre, pickup: int
) -> None:
    ticks = [(Fraction(on, 480), Fraction(long, 480), pitch) for on, long, pitch in rows]
    piece = Piece.from_notes(ticks, metres=[(0, metre)], pickup=Fraction(pickup, 480))
    score = score_of(piece)
    for staff in score.parts[0].staves:
        for bar, voices in zip(score.bars, staff.voices, strict=True):
            assert sum(head.duration for head in voices[0]) == bar.length
