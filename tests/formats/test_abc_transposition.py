"""Transposition of ABC text: it reads as the transposed tune, and all else stays."""

from __future__ import annotations

import pytest

from abc_tunes import split_tunes
from corpora import published
from etude.formats.abc.reader import parse_abc
from etude.formats.abc.transposed_text import transposed_text

HEAD = "X:1\nT:A Bad Cabbage Faded\nM:4/4\nL:1/8\n"


@pytest.mark.parametrize(
    ("fifths", "moved"),
    [
        (1, 'K:C Major\ncB|GA {AB}cd|_B=B ^G4|"Am"c2 z2 [G,B,D]2:|\n'),
        (-1, 'K:Bb Major\nba|fg {ga}bc\'|_a=a ^f4|"Am"b2 z2 [FAc]2:|\n'),
        (4, 'K:A Major\nag|ef {fg}ab|=g^g ^e4|"Am"a2 z2 [EGB]2:|\n'),
    ],
)
def test_letters_move_by_steps_and_accidentals_follow_the_signature(fifths: int, moved: str) -> None:
    tune = HEAD + 'K:F Major\nfe|cd {de}fg|_e=e ^c4|"Am"f2 z2 [CEG]2:|\n'
    assert transposed_text(tune, fifths) == HEAD + moved


def test_each_tune_of_a_book_is_itself_in_another_key() -> None:
    tunes = split_tunes(published("Music_of_Ireland.abc").read_bytes().decode())[::40]
    for tune in tunes:
        (piece,) = parse_abc(tune).pieces
        for fifths, semitones in ((-3, 3), (-1, 5), (1, -5), (2, 2)):
            assert parse_abc(transposed_text(tune, fifths)).pieces == [piece.transposed(semitones)], tune


def test_there_and_back_is_the_text() -> None:
    tune = HEAD + "K:D Mixolydian\nA,G,|^F=c' _B,D|!trill!d4 D,,4|]\nK:G\n=f^c|\n"
    assert transposed_text(transposed_text(tune, 2), -2) == tune


@pytest.mark.parametrize(
    "body", ["K:none\nC\n", "K:D =c\nC\n", "K:C\n[K:G]C\n", "K:C\n+CEG+\n", "K:C\n__F\n"]
)
def test_what_it_does_not_cover_is_refused(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the reasons are for nobody to read
        transposed_text(HEAD + body, -6)
