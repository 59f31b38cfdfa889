"""The piano roll: a picture of the right size, with notes where they belong."""

from __future__ import annotations

import io
import sys
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from matplotlib import image

from etude.music import Metre, Note, Piece
from etude.rendering.piano_roll import NOTE_COLOUR, PRIMER_COLOUR, roll_png
from strategies import pieces


def pixels(piece: Piece, primer_quarters: float | None = None) -> npt.NDArray[np.float64]:
    picture = image.imread(io.BytesIO(roll_png(piece, primer_quarters=primer_quarters)))
    return np.asarray(picture[..., :3], dtype=np.float64)  # (height, width, 3)


def painted(
    picture: npt.NDArray[np.float64], colour: tuple[float, ...], velocity: int
) -> npt.NDArray[np.int64]:
    """The (row, column) of pixels in the shade of a velocity."""
    shade = 1 - (0.3 + 0.7 * velocity / 127) * (1 - np.array(colour))
    return np.argwhere((np.abs(picture - shade) < 0.01).all(axis=2))


@pytest.mark.filterwarnings("ignore:Glyph")  # a title in a script that matplotlib's own font lacks
@settings(max_examples=5, deadline=None)
@given(pieces())
def test_any_piece_can_be_drawn(piece: Piece) -> None:
    assert roll_png(piece).startswith(b"\x89PNG")


def test_later_notes_lie_right_and_higher_notes_lie_up() -> None:
    notes = [Note(Fraction(0), Fraction(2), 60, 127), Note(Fraction(6), Fraction(2), 72, 64)]
    picture = pixels(Piece.from_notes(notes, metres=[(0, Metre(4, 4))]))
    low, high = painted(picture, NOTE_COLOUR, 127), painted(picture, NOTE_COLOUR, 64)
    assert low[:, 0].min() > high[:, 0].max()
    assert low[:, 1].max() < high[:, 1].min()
    widths = [np.ptp(found[:, 1]) for found in (low, high)]
    assert abs(widths[0] - widths[1]) <= 2
    # Eight quarter notes fill the axis: the second note begins three times as far as the first is long.
    distance = high[:, 1].min() - low[:, 1].min()
    assert abs(distance / widths[0] - 3) < 0.2


def test_the_primer_is_marked() -> None:
    piece = Piece.from_notes([(0, 2, 60), (2, 2, 62)])
    plain, marked = pixels(piece), pixels(piece, primer_quarters=2)
    assert len(painted(plain, PRIMER_COLOUR, 80)) == 0
    primer, rest = painted(marked, PRIMER_COLOUR, 80), painted(marked, NOTE_COLOUR, 80)
    assert len(primer) > 100
    assert primer[:, 1].max() < rest[:, 1].min()


def test_a_longer_piece_makes_a_wider_picture_up_to_a_limit() -> None:
    widths = [pixels(Piece.from_notes([(0, length, 60)])).shape[1] for length in (4, 100, 1000, 2000)]
    assert widths[0] < widths[1] < widths[2] == widths[3]


def test_an_empty_piece_and_a_title_with_signs_can_be_drawn() -> None:
    assert roll_png(Piece.from_notes([], title="$x_{ & $ <b>")).startswith(b"\x89PNG")


def test_the_same_piece_gives_the_same_bytes() -> None:
    piece = Piece.from_notes([(0, 2, 60), (2, 2, 62)], title="t")
    assert roll_png(piece) == roll_png(piece)


def test_no_global_figures_are_made() -> None:
    roll_png(Piece.from_notes([(0, 1, 60)]))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
