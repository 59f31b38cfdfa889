"""Limits of a piece: larger ones are refused before they fill the memory."""

from __future__ import annotations

from etude.errors import EtudeError
from etude.music.piece import Piece

MAX_NOTES = 100_000  # an opera in piano reduction has some 50,000
MAX_PARTS = 256
MAX_MARKS = 10_000  # metres, or tempos, each
MAX_QUARTERS = 100_000  # 14 hours at 120 quarter notes a minute
MAX_TITLE = 300  # characters


def size_problem(piece: Piece) -> str:
    """Say in which way a piece is larger than any that Étude reads or writes; "" if it is not."""
    found = (
        (len(piece), MAX_NOTES, "notes"),
        (len(piece.part_names) or int(piece.part.max(initial=0)) + 1, MAX_PARTS, "parts"),
        (len(piece.metres), MAX_MARKS, "metres"),
        (len(piece.tempos), MAX_MARKS, "tempos"),
        (int(piece.quarters), MAX_QUARTERS, "quarter notes"),
    )
    return next(
        (f"it has {count:,} {what}, more than {most:,}" for count, most, what in found if count > most), ""
    )


def check_size(piece: Piece) -> None:
    """Raise EtudeError for a piece that is too large to be written or drawn."""
    if problem := size_problem(piece):
        raise EtudeError(f"{short_title(piece.title or piece.name or 'the piece')}: {problem}")


def short_title(title: str, most: int = MAX_TITLE) -> str:
    """Return a title of at most so many characters, cut where no page has room for more."""
    return title if len(title) <= most else f"{title[: most - 1]}…"
