"""Treatment of a piece from a user's folder before it is encoded."""

from __future__ import annotations

from dataclasses import dataclass

from etude.music import Piece
from etude.music.tracks import choose_melody, choose_track
from etude.music.transposition import to_c_major_or_a_minor


@dataclass(frozen=True)
class Treatment:
    """Choose a track or its melody, then transpose; EncodeError if the piece does not allow it."""

    track: str | None = None
    melody: str | None = None
    transpose: bool = False

    def __call__(self, piece: Piece) -> Piece:
        """Return the chosen part, transposed if the settings say so."""
        if self.track is not None:
            piece = choose_track(piece, self.track)
        if self.melody is not None:
            piece = choose_melody(piece, self.melody)
        return to_c_major_or_a_minor(piece) if self.transpose else piece
