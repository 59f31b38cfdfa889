"""Four voices on two staves: which music is a choir, and how it is laid out."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from etude.music import Note, Piece
from etude.notation.layout import score_of

CHORD = (72, 67, 60, 48)


def chord(pitches: tuple[int, ...] = CHORD, names: tuple[str, ...] = ()) -> Piece:
    notes = [Note(Fraction(0), Fraction(4), pitch, part=part) for part, pitch in enumerate(pitches)]
    return Piece.from_notes(notes, part_names=names)


@pytest.mark.parametrize("names", [(), ("Soprano", "Alto", "Tenor", "Bass"), ("S.", "a", "Ten.", "BASS")])
def test_four_voices_are_written_two_to_a_staff(names: tuple[str, ...]) -> None:
    [choir] = score_of(chord(names=names)).parts
    assert [[head.pitches for [head] in staff.voices[0]] for staff in choir.staves] == [
        [(72,), (67,)],
        [(60,), (48,)],
    ]
    assert [staff.clefs for staff in choir.staves] == [["treble"], ["bass"]]
    assert choir.singers == (0, 1, 2, 3)


def test_named_voices_may_cross_and_meet() -> None:
    [choir] = score_of(chord((60, 67, 67, 67), ("Soprano", "Alto", "Tenor", "Bass"))).parts
    assert [head.pitches for staff in choir.staves for [head] in staff.voices[0]] == [
        (60,), (67,), (67,), (67,)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "piece",
    [
        chord(CHORD[:3]),
        chord((*CHORD, 36)),
        chord(CHORD[::-1]),
        chord(names=("Violin 1", "Violin 2", "Viola", "Cello")),
        chord(names=("Soprano", "Alto", "", "Bass")),
        Piece.from_notes([*chord().notes, Note(Fraction(1), Fraction(1), 50, part=3)]),
    ],
    ids=["three", "five", "bass first", "strings", "a voice without a name", "two notes at once"],
)
def test_other_music_is_no_choir(piece: Piece) -> None:
    assert not any(part.singers for part in score_of(piece).parts)


@pytest.mark.parametrize(
    ("names", "programs", "staves"),
    [
        (("Violin", "Cello"), (41, 43), [1, 1]),
        (("Right hand", "Left hand"), (1, 1), [2]),
        (("Violin", "Cello"), (), [2]),
        (("", ""), (41, 43), [2]),
    ],
)
def test_two_instruments_have_a_staff_each_and_two_hands_share_a_brace(
    names: tuple[str, str], programs: tuple[int, ...], staves: list[int]
) -> None:
    duet = dataclasses.replace(chord((72, 48), names), programs=programs)
    assert [len(part.staves) for part in score_of(duet).parts] == staves
