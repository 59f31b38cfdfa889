"""Macros of ABC: the ornaments that an m: field writes out."""

from __future__ import annotations

import pytest

from abc_tunes import header, heard, piece_of
from etude.formats.abc.reader import parse_abc


@pytest.mark.parametrize(
    ("macro", "music", "written_out"),
    [
        ("~g2 = {a}g{f}g", "~g2 e2", "{a}g{f}g e2"),  # the standard's example
        ("~n2 = {o}n{m}n", "~g2 ~e2", "{a}g{f}g {f}e{d}e"),
        ("~n3 = n/o/n m n", "~G3", "G/A/G F G"),
        ("tn = n/o/n/m/", "tb tC tc", "b/c'/b/a/ C/D/C/B,/ c/d/c/B/"),
        ("~g2 = {a}g{f}g", "~g2/", "~g2/"),  # another length
        ("~g = gfg % a turn", "~g", "gfg"),
    ],
)
def test_a_macro_is_played_as_the_notes_it_stands_for(macro, music, written_out):
    expected = heard(piece_of(written_out))
    assert heard(piece_of(music, f"X:1\nm:{macro}\nM:4/4\nL:1/4\nK:C\n")) == expected
    assert heard(piece_of(f"m: {macro}\n{music}")) == expected


def test_macros_that_are_not_understood_or_grow_without_end_are_refused():
    assert "macro '~g2'" in parse_abc(header(m="~g2") + "C").rejected[0].reason
    doubled = "".join(
        f"m:{a} = {b}{b}\n" for a, b in zip("HIJKLMNOPQRSTUVW", "IJKLMNOPQRSTUVWC", strict=True)
    )
    assert "with its macros" in parse_abc(header() + doubled + doubled + "H" * 50).rejected[0].reason
