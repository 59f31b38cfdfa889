"""A user's file of any format: read by its ending, or refused in words that help."""

from __future__ import annotations

from fractions import Fraction

import pytest

from etude.errors import EtudeError
from etude.formats.any_file import READERS, read_piece
from etude.music import Key, Metre, Piece
from etude.rendering.forms import write_forms

MELODY = Piece.from_notes(
    [(0, 1, 62), (1, Fraction(1, 2), 67), (Fraction(3, 2), Fraction(1, 2), 66), (2, 2, 67)],
    key=Key("G"),
    metres=[(0, Metre(4, 4))],
    tempos=[(0, 100.0)],
)
KERN = "**kern\n*M4/4\n*G:\n4d\n8g\n8f#\n2g\n*-\n"


@pytest.mark.parametrize(("form", "ending"), [("midi", ".MID"), ("abc", ".abc"), ("musicxml", ".xml")])
def test_a_written_file_is_read(tmp_path, form, ending):
    (path,) = write_forms(MELODY, tmp_path / "a", [form])
    piece = read_piece(path.rename(tmp_path / f"b{ending}"))
    assert piece == MELODY
    assert (piece.key, piece.metre) == (MELODY.key, MELODY.metre)


def test_kern_and_a_path_as_text(tmp_path):
    (tmp_path / "a.krn").write_text(KERN)
    assert read_piece(str(tmp_path / "a.krn")) == MELODY


def test_of_a_tunebook_the_first_tune_that_can_be_read(tmp_path):
    path = tmp_path / "a.abc"
    path.write_text("X:1\nK:C\n[C\n\nX:2\nK:C\nL:1/4\nC D\n\nX:3\nK:C\nE F\n")
    assert read_piece(path).pitch.tolist() == [60, 62]


def test_an_unknown_ending_lists_those_that_are_known(tmp_path):
    with pytest.raises(EtudeError, match=r"song\.txt: .*\.krn.*\.mid.*\.mxl"):
        read_piece(tmp_path / "song.txt")


@pytest.mark.parametrize("ending", [row[0][0] for row in READERS.values()])
def test_a_missing_file_is_named(tmp_path, ending):
    with pytest.raises(EtudeError, match=rf"none\{ending}: there is no such file"):
        read_piece(tmp_path / f"none{ending}")


@pytest.mark.parametrize("ending", [row[0][0] for row in READERS.values()])
def test_a_file_of_something_else_is_refused(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"not music \xff\x00")
    with pytest.raises(EtudeError, match=rf"a\{ending}"):
        read_piece(path)
