"""How durations are written: one head where it can be read, ties and tuplets where not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from etude.music import Metre, Piece
from etude.music.piece import Note
from etude.notation.bars import Bar
from etude.notation.beams import beams_of
from etude.notation.layout import score_of
from etude.notation.noteheads import Head, Span, heads_of
from strategies import METRES, pieces


def heads(metre: str, *lengths: str) -> list[Head]:
    """Write a bar of ``lengths`` in quarter notes; "r" before one makes it a rest."""
    beats, unit = map(int, metre.split("/"))
    spans: list[Span] = []
    position = Fraction(0)
    for length in lengths:
        end = position + Fraction(length.removeprefix("r"))
        spans.append(Span(position, end, () if length.startswith("r") else (60,)))
        position = end
    bar = Bar(Fraction(0), Fraction(4 * beats, unit), Metre(beats, unit), 1)
    assert position == bar.length
    return heads_of(bar, spans)


def as_a_pickup_and_in_full(metre: Metre, *times: Fraction) -> list[tuple[list[Head], list[list[str]]]]:
    """Heads and beams of notes that fill the end of a bar: as a pickup, and after a rest in a full bar."""
    lead = times[0]
    full = Bar(Fraction(0), metre.quarters, metre, 1)
    pickup = Bar(Fraction(0), metre.quarters - lead, metre, 0, lead)
    notes = [Span(start, end, (60,)) for start, end in pairwise(times)]
    short = heads_of(pickup, [replace(note, start=note.start - lead, end=note.end - lead) for note in notes])
    whole = heads_of(full, [Span(Fraction(0), lead, ()), *notes])
    beams, rests = beams_of(whole, full), len(whole) - len(short)
    moved = [replace(head, start=head.start + lead) for head in short]
    return [(moved, beams_of(short, pickup)), (whole[rests:], beams[rests:])]


@given(st.sampled_from(METRES), st.data())
def test_a_pickup_bar_is_written_as_the_end_of_a_full_bar(metre: Metre, data: st.DataObject) -> None:
    sixteenths = int(4 * metre.quarters)
    cuts = data.draw(st.sets(st.integers(1, sixteenths - 1), min_size=1))
    times = [Fraction(cut, 4) for cut in [*sorted(cuts), sixteenths]]
    pickup, full = as_a_pickup_and_in_full(metre, *times)
    first_half = [head for head in pickup[0] if head.start // 2 == times[0] // 2]
    # Eighths alone share a beam over their half of the bar; a rest in it would part them.
    assume(times[0] % 2 == 0 or any(head.dots or head.value != Fraction(1, 2) for head in first_half))
    assert pickup == full


@pytest.mark.parametrize("metre", [Metre(4, 4), Metre(2, 2)])
def test_eighths_of_a_pickup_share_a_beam_where_they_would_in_a_full_bar(metre: Metre) -> None:
    eighths = [metre.quarters - Fraction(left, 2) for left in range(4, -1, -1)]
    pickup, full = as_a_pickup_and_in_full(metre, *eighths)
    assert pickup == full
    assert pickup[1] == [["begin"], ["continue"], ["continue"], ["end"]]


def lengths(written: list[Head]) -> str:
    """Durations, "~" after a note that is tied on, "r" before a rest."""
    return " ".join(
        f"{'' if head.pitches else 'r'}{head.duration}{'~' if head.tied_after else ''}" for head in written
    )


@pytest.mark.parametrize(
    ("metre", "given_lengths", "written"),
    [
        ("4/4", "4", "4"),
        ("4/4", "3 1", "3 1"),
        ("4/4", "5/4 11/4", "1~ 1/4 3/4~ 2"),
        ("4/4", "5/2 3/2", "2~ 1/2 3/2"),
        ("4/4", "1/2 1 1/2 2", "1/2 1 1/2 2"),  # the usual syncopations
        ("4/4", "1 2 1", "1 2 1"),
        ("4/4", "3/2 1 3/2", "3/2 1/2~ 1/2 3/2"),  # the middle of the bar stays visible
        ("4/4", "1 3/2 3/2", "1 1~ 1/2 3/2"),
        ("4/4", "1/4 1/2 1/4 3", "1/4 1/2 1/4 3"),
        ("3/4", "1/2 5/2", "1/2 1/2~ 2"),
        ("3/4", "5/2 1/2", "2~ 1/2 1/2"),
        ("6/8", "2 1", "3/2~ 1/2 1"),  # the beats of compound metres stay visible
        ("6/8", "1 1 1", "1 1/2~ 1/2 1"),
        ("6/8", "3", "3"),
        ("9/8", "3 3/2", "3 3/2"),
        ("4/4", "1 r3", "1 r1 r2"),
        ("4/4", "1/2 r5/2 1", "1/2 r1/2 r1 r1 1"),
        ("3/4", "1 r2", "1 r1 r1"),
        ("3/4", "r2 1", "r1 r1 1"),
        ("6/8", "1/2 r5/2", "1/2 r1/2 r1/2 r3/2"),
        ("6/8", "3/2 r1 1/2", "3/2 r1 1/2"),
    ],
)
def test_binary_values(metre: str, given_lengths: str, written: str) -> None:
    assert lengths(heads(metre, *given_lengths.split())) == written


@pytest.mark.parametrize(
    ("metre", "given_lengths", "written", "tuplets"),
    [
        ("2/4", "1/3 1/3 1/3 1", "1/3 1/3 1/3 1", [(3, 2, 3)]),
        ("4/4", "2/3 2/3 2/3 2", "2/3 2/3 2/3 2", [(3, 2, 3)]),
        ("4/4", "4/3 4/3 4/3", "4/3 4/3 4/3", [(3, 2, 3)]),
        ("2/4", "2/3 1/3 1", "2/3 1/3 1", [(3, 2, 2)]),
        ("2/4", "1/5 2/5 r2/5 1", "1/5 2/5 r2/5 1", [(5, 4, 3)]),
        ("2/4", "1/7 6/7 1", "1/7 6/7 1", [(7, 4, 2)]),
        ("2/4", "1/6 1/6 1/6 1/4 1/4 1", "1/6 1/6 1/6 1/4 1/4 1", [(3, 2, 3)]),
        ("2/4", "1/6 1/6 1/6 1/2 1", "1/6 1/6 1/6 1/2 1", [(3, 2, 3)]),  # and only the half beat
        ("2/4", "4/3 2/3", "4/3 2/3", [(3, 2, 2)]),
        ("2/4", "5/3 1/3", "1~ 2/3 1/3", [(3, 2, 2)]),  # only the beat that needs it is a tuplet
        ("3/4", "1 2/3 2/3 2/3", "1 2/3 1/3~ 1/3 2/3", [(3, 2, 2), (3, 2, 2)]),
    ],
)
def test_tuplets(metre: str, given_lengths: str, written: str, tuplets: list[tuple[int, int, int]]) -> None:
    row = heads(metre, *given_lengths.split())
    assert lengths(row) == written
    found: list[tuple[int, int, int]] = []
    members = 0
    for head in row:
        if head.tuplet:
            members = 1 if head.tuplet.begins else members + 1
            if head.tuplet.ends:
                found.append((head.tuplet.actual, head.tuplet.normal, members))
    assert found == tuplets


def test_a_rest_of_a_full_bar_is_one_head() -> None:
    (rest,) = heads("3/4", "r3")
    assert rest.fills_bar


def test_a_rest_of_a_pickup_bar_is_written_out() -> None:
    bar = Bar(Fraction(0), Fraction(1), Metre(3, 4), 0, lead=Fraction(2))
    (rest,) = heads_of(bar, [Span(Fraction(0), Fraction(1))])
    assert not rest.fills_bar


@settings(deadline=None, max_examples=60)
@given(pieces())
def test_heads_fill_each_bar_and_their_values_add_up(piece: Piece) -> None:
    score = score_of(piece)
    for part in score.parts:
        for staff in part.staves:
            for bar, voices in zip(score.bars, staff.voices, strict=True):
                for row in voices:
                    position = Fraction(0)
                    for head in row:
                        assert head.start == position
                        position += head.duration
                        scale = Fraction(head.tuplet.normal, head.tuplet.actual) if head.tuplet else 1
                        assert head.fills_bar or head.value * Fraction(3 if head.dots else 2, 2) * scale == (
                            head.duration
                        )
                    assert position == (bar.length if row else 0)


def test_beams_join_beats() -> None:
    row = heads("4/4", "1/2", "1/2", "1/2", "1/2", "1/2", "1/4", "1/4", "3/4", "1/4")
    bar = Bar(Fraction(0), Fraction(4), Metre(4, 4), 1)
    assert beams_of(row, bar) == [
        ["begin"],  # four eighths in a half bar share a beam
        ["continue"],
        ["continue"],
        ["end"],
        ["begin"],
        ["continue", "begin"],
        ["end", "end"],
        ["begin"],
        ["end", "backward hook"],
    ]


def test_beams_break_at_rests_and_longer_notes() -> None:
    row = heads("2/4", "1/2", "r1/2", "1/2", "1/2")
    assert beams_of(row, Bar(Fraction(0), Fraction(2), Metre(2, 4), 1)) == [[], [], ["begin"], ["end"]]


def test_eighths_of_six_eight_are_beamed_in_threes() -> None:
    row = heads("6/8", *["1/2"] * 6)
    states = [beam[0] for beam in beams_of(row, Bar(Fraction(0), Fraction(3), Metre(6, 8), 1))]
    assert states == ["begin", "continue", "end"] * 2


def test_triplets_are_beamed_in_threes() -> None:
    row = heads("2/4", *["1/3"] * 6)
    states = [beam[0] for beam in beams_of(row, Bar(Fraction(0), Fraction(2), Metre(2, 4), 1))]
    assert states == ["begin", "continue", "end"] * 2


def clefs_and_voices(piece: Piece) -> list[list[tuple[str, int]]]:
    return [
        [(staff.clefs[0], len(staff.voices[0])) for staff in part.staves] for part in score_of(piece).parts
    ]


def test_a_melody_has_one_staff_with_the_clef_of_its_range() -> None:
    assert clefs_and_voices(Piece.from_notes([(0, 1, 72), (1, 1, 74)])) == [[("treble", 1)]]
    assert clefs_and_voices(Piece.from_notes([(0, 1, 48), (1, 1, 50)])) == [[("bass", 1)]]


def test_an_empty_piece_has_one_staff() -> None:
    assert clefs_and_voices(Piece.from_notes([])) == [[("treble", 1)]]


def test_a_wide_chord_is_divided_between_the_hands() -> None:
    piece = Piece.from_notes([(0, 1, 48), (0, 1, 59), (0, 1, 60), (0, 1, 64)])
    assert clefs_and_voices(piece) == [[("treble", 1), ("bass", 1)]]
    right, left = score_of(piece).parts[0].staves
    assert right.voices[0][0][0].pitches == (59, 60, 64)
    assert left.voices[0][0][0].pitches == (48,)


def test_two_parts_are_two_hands_even_where_they_cross() -> None:
    low = [Note(Fraction(0), Fraction(1), 48, 80, 0), Note(Fraction(1), Fraction(1), 70, 80, 0)]
    high = [Note(Fraction(0), Fraction(2), 69, 80, 1)]
    assert clefs_and_voices(Piece.from_notes(low + high)) == [[("treble", 1), ("bass", 1)]]
    assert score_of(Piece.from_notes(low + high)).parts[0].staves[0].voices[0][0][0].pitches == (69,)


def test_named_parts_have_a_staff_each_and_unnamed_ones_share_two() -> None:
    notes = [Note(Fraction(0), Fraction(1), pitch, 80, part) for part, pitch in enumerate((72, 64, 50))]
    named = Piece.from_notes(notes, part_names=("Violin", "Viola", "Cello"))
    assert clefs_and_voices(named) == [[("treble", 1)], [("treble", 1)], [("bass", 1)]]
    assert clefs_and_voices(Piece.from_notes(notes)) == [[("treble", 1), ("bass", 1)]]


def test_overlapping_notes_take_voices_the_higher_first() -> None:
    piece = Piece.from_notes([(0, 4, 62), (0, 2, 72), (2, 2, 74)])
    (staff,) = score_of(piece).parts[0].staves
    melody, held = staff.voices[0]
    assert [head.pitches for head in melody] == [(72,), (74,)]
    assert [head.pitches for head in held] == [(62,)]


def test_a_note_held_below_later_ones_is_in_the_lower_voice_from_its_start() -> None:
    piece = Piece.from_notes([(0, 4, 62), (1, 1, 72), (2, 2, 74), (4, 4, 60)])
    (staff,) = score_of(piece).parts[0].staves
    assert [head.pitches for head in staff.voices[0][0]] == [(), (72,), (74,)]
    assert [head.pitches for head in staff.voices[0][1]] == [(62,)]
    assert [head.pitches for head in staff.voices[1][0]] == [(60,)]  # alone again: the first voice


def test_the_clef_changes_where_the_music_stays_and_not_for_a_note() -> None:
    low, high = [(bar * 4 + step, 1, 45) for bar in range(3) for step in range(4)], (3, 1, 76)
    assert score_of(Piece.from_notes([*low[:3], high, *low[4:]])).parts[0].staves[0].clefs == ["bass"] * 3
    lifted = [*low[:4], *((onset, 1, 66) for onset, _, _ in low[4:8]), *low[8:]]  # a bar on ledger lines
    assert score_of(Piece.from_notes(lifted)).parts[0].staves[0].clefs == ["bass"] * 3
    rising = [*low[:4], *((onset, 1, 76) for onset, _, _ in low[4:])]
    assert score_of(Piece.from_notes(rising)).parts[0].staves[0].clefs == ["bass", "treble", "treble"]
