"""The P: field of ABC: the order in which the parts of a tune are played."""

from __future__ import annotations

from fractions import Fraction

import pytest

from abc_tunes import header, letters, piece_of
from etude.errors import ReadError
from etude.formats.abc.parts import part_order
from etude.formats.abc.reader import parse_abc
from etude.music import Metre

NAMES = dict(zip((60, 62, 64, 65, 67, 69, 71), "CDEFGAB", strict=True))


def played(music: str, **fields: str) -> str:
    return "".join(NAMES[note.pitch] for note in piece_of(music, header(**fields)).notes)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("ABABCDCD", "ABABCDCD"),  # these four are the standard's examples
        ("A3", "AAA"),
        ("(A3B)2", "AAABAAAB"),
        ("((AB)3.(CD)3)2", "ABABABCDCDCDABABABCDCDCD"),
        ("A B.A", "ABA"),
        ("", ""),
    ],
)
def test_the_order_is_written_out(text, order):
    assert part_order(text) == order


@pytest.mark.parametrize("text", ["(AB", "AB)", "A-B", "3A", "((((A999)999)999)999)"])
def test_an_order_that_is_not_understood_is_refused(text):
    with pytest.raises(ReadError, match="order of parts"):
        part_order(text)


@pytest.mark.parametrize(
    ("order", "music", "expected"),
    [
        ("BA", "P:A\nCD|\nP:B\nEF|", "EFCD"),
        ("ABA", "P:A\n|:C:|\nP:B\n|:D|1E:|2F|]", "CCDEDFCC"),  # repeats within a part
        ("AB", "G|\nP:A\nC|\nP:B\nD|", "GCD"),  # what comes before the parts is played once
        ("BA", "[P:A]C|[P:B]D|", "DC"),
        ("BA % as printed", "P:A. % the tune\nC|\nP:B\nD|", "DC"),
        ("A", "P:A\nC|\nP:B\nD|", "C"),
        ("A", "C|\nP:B\nD|", "CD"),  # the name of the first part, no order
        ("AABB", "|:C:|\n|:D:|", "CCDD"),  # no part is marked
    ],
)
def test_parts_are_played_in_the_order_of_the_header(order, music, expected):
    assert played(music, P=order) == expected


def test_without_an_order_the_parts_are_played_as_written():
    assert letters("P:B\nCD|\nP:A\nEF|") == "CDEF"


@pytest.mark.parametrize(
    ("order", "music", "reason"),
    [
        ("ABC", "P:A\nC|\nP:B\nD|", "the part C of P:ABC is not marked in the tune"),
        ("AB", "P:A\nC|\nP:B\nD|\nP:A\nE|", "the part A of P:AB is marked more than once"),
        ("A-B", "P:A\nC|\nP:B\nD|", "order of parts 'A-B' is not understood"),
        ("BA", "V:1\nP:A\nC|\nP:B\nD|\nV:2\nP:A\nE|\nP:B\nF2|", "not of the same lengths"),
    ],
)
def test_an_order_that_cannot_be_played_is_refused(order, music, reason):
    (error,) = parse_abc(header(P=order) + music).rejected
    assert reason in error.reason


@pytest.mark.parametrize(
    "music",
    [
        "V:1\nP:A\nC|\nP:B\nD|\nV:2\nP:A\nE|\nP:B\nF|",  # voice by voice
        "P:A\nV:1\nC|\nV:2\nE|\nP:B\nV:1\nD|\nV:2\nF|",  # part by part
        "V:1\nP:A\nC|\nV:2\nP:A\nE|\nV:1\nP:B\nD|\nV:2\nP:B\nF|",
    ],
)
def test_all_voices_follow_the_order(music):
    notes = [(note.onset, note.pitch, note.part) for note in piece_of(music, header(P="BA")).notes]
    assert notes == [(0, 62, 0), (0, 65, 1), (1, 60, 0), (1, 64, 1)]


def test_a_part_has_the_key_metre_and_tempo_in_which_it_is_written():
    music = "P:A\nF4|\nP:B\n[M:3/4][K:G][Q:1/4=60]F3|"
    piece = piece_of(music, header(P="BAB", Q="1/4=120"))
    assert [note.pitch for note in piece.notes] == [66, 65, 66]
    changes = [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres]
    assert changes[-3:] == [(0, Metre(3, 4)), (3, Metre(4, 4)), (7, Metre(3, 4))]
    tempos = [(Fraction(tick, piece.division), tempo) for tick, tempo in piece.tempos]
    assert tempos[-3:] == [(0, 60), (3, 120), (7, 60)]
