"""The ABC reader: each sign of the tune body on tunes small enough to check by eye."""

from __future__ import annotations

from fractions import Fraction

import pytest

from abc_tunes import durations, header, heard, letters, piece_of, pitches
from etude.music import Key, Metre


def test_a_tune_is_read_whole():
    piece = piece_of("G|c2 e f|g z2 z|")
    assert heard(piece) == [(0, 1, 67), (1, 2, 72), (3, 1, 76), (4, 1, 77), (5, 1, 79)]
    assert (piece.title, piece.name, piece.key) == ("Title", "a.abc X:1", Key("C"))
    assert piece.metres == ((0, Metre(4, 4)),)
    assert Fraction(piece.pickup, piece.division) == 1
    assert piece.quarters == 9  # the rest at the end counts
    assert piece.part_names == ()


def test_octaves():
    assert pitches("C,, C, C c c' c'' c',") == [36, 48, 60, 72, 84, 96, 72]


def test_note_lengths():
    assert durations("A A2 A/ A// A/4 A3/2 A3/ A/3 A7/8") == [
        1,
        2,
        Fraction(1, 2),
        Fraction(1, 4),
        Fraction(1, 4),
        Fraction(3, 2),
        Fraction(3, 2),
        Fraction(1, 3),
        Fraction(7, 8),
    ]


def test_accidentals_last_to_the_bar_line_in_all_octaves():
    assert pitches("^F F f =F F|F ^^F __B =c") == [66, 66, 78, 65, 65, 65, 67, 69, 72]


@pytest.mark.parametrize(
    ("reach", "expected"), [("not", [66, 65, 77]), ("octave", [66, 66, 77]), ("pitch", [66, 66, 78])]
)
def test_accidentals_reach_as_far_as_the_directive_says(reach, expected):
    assert pitches("^F F f", header(I=f"propagate-accidentals {reach}")) == expected
    assert pitches("^F F f", f"X:1\n%%propagate-accidentals {reach}\nL:1/4\nK:C\n") == expected
    assert pitches(f"I:propagate-accidentals {reach}\n^F F f") == expected
    assert pitches(f"[I:propagate-accidentals {reach}]^F F f") == expected


def test_ties_join_notes_and_carry_the_accidental_over_the_bar():
    assert heard(piece_of("^F2-|F F|^G4-|G2- G2")) == [(0, 3, 66), (3, 1, 65), (4, 8, 68)]


def test_a_tie_between_two_pitches_or_rests_joins_nothing():
    assert heard(piece_of("C-D z-z C")) == [(0, 1, 60), (1, 1, 62), (4, 1, 60)]


def test_broken_rhythm():
    assert durations("A>B A<B A>>B A<<B A>>>B A > B") == [
        Fraction(3, 2),
        Fraction(1, 2),
        Fraction(1, 2),
        Fraction(3, 2),
        Fraction(7, 4),
        Fraction(1, 4),
        Fraction(1, 4),
        Fraction(7, 4),
        Fraction(15, 8),
        Fraction(1, 8),
        Fraction(3, 2),
        Fraction(1, 2),
    ]
    assert durations("A>B>c") == [Fraction(3, 2), Fraction(3, 4), Fraction(1, 2)]
    assert durations("A>{g}B [Ac]>B") == [
        Fraction(3, 2),
        Fraction(1, 2),
        Fraction(3, 2),
        Fraction(3, 2),
        Fraction(1, 2),
    ]


@pytest.mark.parametrize(
    ("sign", "notes", "each"),
    [
        ("(2", 2, Fraction(3, 2)),
        ("(3", 3, Fraction(2, 3)),
        ("(4", 4, Fraction(3, 4)),
        ("(5", 5, Fraction(2, 5)),
        ("(6", 6, Fraction(1, 3)),
        ("(7", 7, Fraction(2, 7)),
        ("(8", 8, Fraction(3, 8)),
        ("(9", 9, Fraction(2, 9)),
        ("(3:2", 3, Fraction(2, 3)),
        ("(3:2:2", 2, Fraction(2, 3)),
        ("(3::2", 2, Fraction(2, 3)),
        ("(3:4:6", 6, Fraction(4, 3)),
        ("(5:4", 5, Fraction(4, 5)),
        ("(11:8", 11, Fraction(8, 11)),
        ("(3:2:", 3, Fraction(2, 3)),
    ],
)
def test_tuplets(sign, notes, each):
    assert durations(sign + "A" * notes + "B") == [each] * notes + [1]


def test_tuplets_of_5_take_three_in_compound_metre():
    assert durations("(5AAAAA", header(M="6/8")) == [Fraction(3, 5)] * 5
    assert durations("(5AAAAA", header(M="3/4")) == [Fraction(2, 5)] * 5


def test_tuplets_count_rests_and_chords_but_not_grace_notes_and_cross_bar_lines():
    third = Fraction(2, 3)
    expected = [(0, third, 69), (2 * third, third, 69), (2 * third, third, 72), (2, 1, 71)]
    assert heard(piece_of("(3A z {g}[Ac] B")) == expected
    assert durations("(3AB|cA") == [Fraction(2, 3), Fraction(2, 3), Fraction(2, 3), 1]
    assert durations("(3A>BA") == [1, Fraction(1, 3), Fraction(2, 3)]


def test_chords():
    assert heard(piece_of("[CEG]2 C")) == [(0, 2, 60), (0, 2, 64), (0, 2, 67), (2, 1, 60)]
    assert heard(piece_of("[C2E]C")) == [(0, 2, 60), (0, 1, 64), (2, 1, 60)]  # as long as its first note
    assert heard(piece_of("[CE2]D")) == [(0, 1, 60), (0, 2, 64), (1, 1, 62)]
    assert heard(piece_of("[CC2]C")) == [(0, 1, 60), (1, 1, 60)]
    assert heard(piece_of("[^F-A]|[FA]")) == [(0, 2, 66), (0, 1, 69), (1, 1, 69)]
    assert heard(piece_of("[CC]C")) == [(0, 1, 60), (1, 1, 60)]  # a unison is one note
    assert heard(piece_of("[CE]-[CE]")) == [(0, 2, 60), (0, 2, 64)]
    assert heard(piece_of("[C-E][CE]")) == [(0, 2, 60), (0, 1, 64), (1, 1, 64)]
    assert pitches('[^F!p!"Am"A]F') == [66, 69, 66]


def test_signs_without_sound():
    music = (
        '(AB) ~A .A uA !trill!A +fermata+A "Am7"A "^text % no"A {gf}A {/g}A A`A A\\\nA yA y3 A$ A * % comment'
    )
    assert letters(music) == "AB" + "A" * 16


def test_old_line_breaks_at_the_end_of_lines():
    assert letters("A2|!\nB2 !\n!trill!C|!\n") == "ABC"


def test_rests():
    assert heard(piece_of("z A x2 A")) == [(1, 1, 69), (4, 1, 69)]
    assert heard(piece_of("Z A", header(M="3/4"))) == [(3, 1, 69)]
    assert heard(piece_of("A4|Z2|X|A")) == [(0, 4, 69), (16, 1, 69)]


def test_voice_overlay_goes_back_to_the_bar_line():
    assert heard(piece_of("c4 & A2|B")) == [(0, 2, 69), (0, 4, 72), (4, 1, 71)]
    assert heard(piece_of("A4|c2 & A4|B")) == [(0, 4, 69), (4, 4, 69), (4, 2, 72), (8, 1, 71)]


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C4- & E4|C4 & E4|", [(0, 8, 60), (0, 4, 64), (4, 4, 64)]),
        ("C4 & E4-|C4 & E4|", [(0, 4, 60), (0, 8, 64), (4, 4, 60)]),
        ("C4- & E4- & G4|C4 & E4 & G4|", [(0, 8, 60), (0, 8, 64), (0, 4, 67), (4, 4, 67)]),
        ("^C4- & E4|C4 & E4|", [(0, 8, 61), (0, 4, 64), (4, 4, 64)]),
        ("C4 & ^E4-|E4 & E4|", [(0, 4, 60), (0, 8, 65), (4, 4, 64)]),
        ("[^C-E]4 & G4|[CE]4 & G4|", [(0, 8, 61), (0, 4, 64), (0, 4, 67), (4, 4, 64), (4, 4, 67)]),
    ],
)
def test_ties_join_the_notes_of_one_layer(music, expected):
    assert heard(piece_of(music)) == expected


def test_lyrics_and_remarks_are_no_music():
    assert (
        letters("AB\nw:words with | bars\nW:more\n% comment\n%%text A B C\nr:remark\nN:note\nP:A\nC") == "ABC"
    )
    assert letters("AB|\nw:words\n+:more of | them\nC|") == "ABC"


def test_a_line_that_begins_with_a_note_and_a_repeat_is_music():
    assert letters("|:CD\nE:|") == "CDECDE"
