"""Fit a piece to the grid of an encoding; for times beyond the tolerance, name a grid that takes them."""

from __future__ import annotations

from fractions import Fraction

from etude.encodings.base import Encoding, StepEncoding
from etude.encodings.settings import STEPS
from etude.errors import EncodeError
from etude.music import Piece
from etude.music.grid_fitting import TOLERANCE, Fitted, fit_to_grid


def fitted(
    piece: Piece, encoding: Encoding, quantise: str = "none", setting: str = "data.quantise"
) -> Fitted:
    """Return the piece on the grid of the encoding; unchanged if its tokens have no grid.

    ``setting``: what to type for another ``quantise``. EncodeError if a time is farther off than
    ``music.grid_fitting.TOLERANCE``, with the finest step that takes the piece.
    """
    if not isinstance(encoding, StepEncoding) or not encoding.has_grid:
        return Fitted(piece)
    try:
        return fit_to_grid(piece, encoding.step, quantise)
    except EncodeError as error:
        finest = _finest(piece, Fraction(encoding.step))
        cure = (
            f"a step of {finest} takes it" if finest else f"it is not on any grid: {setting}=nearest moves it"
        )
        raise EncodeError(f"{error}; {cure}") from None


def _finest(piece: Piece, refused: Fraction) -> str:
    """The finest step that takes the piece, a coarser one without moving notes farther than ``refused``.

    If none does, the coarsest of those for quintuplets.
    """
    quintuplets = [step for step in STEPS if Fraction(step).denominator % 5 == 0]
    usual = sorted(set(STEPS) - set(quintuplets), key=Fraction)
    for step in (*usual, *quintuplets):
        try:
            fit_to_grid(piece, step, tolerance=TOLERANCE * min(Fraction(1), refused / Fraction(step)))
        except EncodeError:
            continue
        return step
    return ""
