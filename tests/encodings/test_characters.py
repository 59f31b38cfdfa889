"""Text as tokens: read unchanged where possible; unreadable and wrong passages are counted."""

from __future__ import annotations

from etude.encodings.characters import CharactersEncoding
from etude.music import Piece

ENCODING = CharactersEncoding()


def decoded(text: str):
    return ENCODING.decode(ENCODING.split(text))


def test_a_bar_that_does_not_fill_the_metre_can_be_read() -> None:
    found = decoded("X:1\nM:4/4\nL:1/4\nK:C\nCDE|FGA|\n")
    assert found.piece.quarters == 6
    assert not found.repairs


def test_a_bar_that_does_not_fill_the_metre_is_a_fault() -> None:
    text = "X:1\nT:a\nM:4/4\nL:1/4\nK:C\nC|DEFG|CDE|FGA|\n"
    assert ENCODING.faults(list(text)) == {"tune with a wrong bar or repeat": 1}
    assert not decoded(text).repairs
    assert not ENCODING.faults(list(text.replace("FGA|", "")))


def test_a_tune_that_cannot_be_read_is_passed_over_and_counted() -> None:
    broken = "X:1\nM:4/4\nL:1/4\nK:C\nCD(3EF|[FGAB|\n"
    found = decoded(broken + "\n" + "X:2\nL:1/4\nK:C\nC|\n")
    assert found.piece.pitch.tolist() == [60]
    assert found.repairs == {"tune that cannot be read": 1}
    assert decoded(broken).piece == Piece.from_notes([])
    assert ENCODING.faults(list(broken)) == {"tune that cannot be read": 1}


def test_text_without_music_is_no_notes() -> None:
    found = decoded("hello")
    assert found.piece == Piece.from_notes([])
    assert found.repairs == {"tune that cannot be read": 1}
