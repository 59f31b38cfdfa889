"""Repeats of the ABC reader, case by case and against a second way of writing them out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abc_tunes import HEADER, heard, letters, piece_of
from etude.formats.abc.reader import parse_abc
from etude.music import Metre


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("|:A|B:|C", "ABABC"),
        ("A|B:|C", "ABABC"),  # from the beginning
        ("|:A:|:B:|", "AABB"),
        ("|:A::B:|", "AABB"),
        ("|:A:||:B:|", "AABB"),
        ("|: A :| |: B :|", "AABB"),
        ("A:|B:|", "AABB"),  # from the end of the repeat before
        ("A||B:|", "ABB"),  # from the double bar
        ("A|]B:|", "ABB"),
        ("|:A||B:|", "ABAB"),  # not where the beginning is written
        ("A|:B:|C|:D:|E", "ABBCDDE"),
        ("|:A|1B:|2C|D", "ABACD"),
        ("|:A|1B:| |2C|D", "ABACD"),
        ("|:A|1B:|\n[K:C]|2C|D", "ABACD"),
        ("|:A|[1B:|[2C|]D", "ABACD"),
        ("|:A [1 B|B:|\n[2 C|C|]D", "ABBACCD"),
        ("|:A|1B:|2C:|D", "ABACD"),  # a colon after the last ending is common, and means nothing
        ("A|1B:|2C|]", "ABAC"),
        ("|:A|1,2B:|3C|]", "ABABAC"),
        ("|:A|1-3B:|4C||D:|", "ABABABACDD"),
        ("|:A|1,3B:|2C:|4D|]", "ABACABAD"),
        ("|:A|1B|2C:|D", "ABACD"),
        ("|:A|1B:|C", "ABAC"),  # no second ending: what follows
        ("|:A|1B:|2C|]|:D|1E:|2F|]", "ABACDEDF"),
        ("A|1B|2C|]", "ABAC"),
        ("|::A::|B", "AAAB"),
        ("|::A:|B", "AAAB"),
        ("|:A|B", "AB"),  # a repeat that does not end
        ("[|A|]", "A"),
        ("[|:A:|]B", "AAB"),
        ("A.|B", "AB"),
        ("A[|]B", "AB"),
        (":|A", "A"),
        ("A::", "AA"),
    ],
)
def test_repeats_are_played(music, played):
    assert letters(music) == played


def test_a_tie_into_either_ending():
    assert heard(piece_of("|:A-|1A2:|2A|]")) == [(0, 3, 69), (3, 2, 69)]


def test_the_metre_of_the_first_bar_holds_again_when_it_repeats():
    piece = piece_of("|:AAAA|[M:2/4]AA:|")
    changes = [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres]
    assert changes == [(0, Metre(4, 4)), (4, Metre(2, 4)), (6, Metre(4, 4)), (10, Metre(2, 4))]


@pytest.mark.parametrize("music", ["[2 abc|", "|:[2 abc:|", "z4|[2 abc|"])
def test_music_none_of_which_is_played_is_refused(music):
    [error] = parse_abc(f"{HEADER}{music}\n", "x").rejected
    assert "none of its notes is played" in error.reason


def test_the_pickup_is_the_first_times():
    piece = piece_of("A|BBBB|BBB:|")
    assert Fraction(piece.pickup, piece.division) == 1
    assert piece.quarters == 16


@pytest.mark.parametrize(
    "music", ["|:" + "A" * 3000 + "|1-99B:|", "|" + ":" * 100 + "A" * 3000 + ":" * 100 + "|"]
)
def test_repeats_without_end_are_refused(music):
    (error,) = parse_abc(HEADER + music, "a.abc").rejected
    assert "with its repeats" in error.reason


bars = st.text("CDEFGAB", min_size=1, max_size=3)
plain = st.tuples(st.just("plain"), bars)
repeated = st.tuples(st.just("repeated"), bars)
with_endings = st.tuples(st.just("endings"), bars, st.lists(bars, min_size=2, max_size=4))


@given(st.lists(plain | repeated | with_endings, min_size=1, max_size=6), st.booleans())
def test_any_row_of_sections_is_played_as_its_parts_say(sections, brackets):
    written, expected = "", ""
    for kind, body, *rest in sections:
        if kind == "plain":
            written += f"{body}||"
            expected += body
        elif kind == "repeated":
            written += f"|:{body}:|"
            expected += body * 2
        else:
            mark = " [" if brackets else "|"
            *others, last = rest[0]
            written += f"|:{body}"
            for number, ending in enumerate(others, start=1):
                written += f"{mark}{number}{ending}:" if not brackets else f"{mark}{number}{ending}:|"
                expected += body + ending
            written += f"{mark}{len(rest[0])}{last}|]"
            expected += body + last
    assert letters(written) == expected
