"""Memory of a piece that finds passages at another pitch too, and copies what followed them at that pitch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.copy_memory import NOTHING, CopyMemory, distances, followers
from etude.models.token_features import pitches_of

MOST = 127  # semitones from one chord to another
SHORTEST = 2  # chords of a passage at another pitch; one note always is another one moved


class Transpositions(NamedTuple):
    """Chords up to transposition: shape (V,), lowest pitch (V,), and each chord at another pitch.

    Chords of one shape have the same intervals. ``moved`` (V, 2 · MOST + 1): the id of a chord, −MOST to MOST
    semitones higher; NOTHING where the vocabulary has none.
    """

    shapes: Tensor
    lowest: Tensor
    moved: Tensor


def transpositions(encoding: Encoding, vocabulary: Vocabulary) -> Transpositions:
    """Return the tokens of a vocabulary up to transposition; EtudeError if they are no sets of pitches."""
    if not hasattr(encoding, "pitches"):
        raise EtudeError(
            f"model.transposed_copies=true: tokens of encoding {encoding.name} are no sets of pitches; "
            "type model.transposed_copies=false, or data/encoding=pitch_set"
        )
    chords = [pitches_of(encoding, token) for token in vocabulary.tokens]
    groups: dict[object, list[int]] = {}
    for row, (token, chord) in enumerate(zip(vocabulary.tokens, chords, strict=True)):
        groups.setdefault(tuple(np.diff(chord)) if chord else token, []).append(row)
    shapes = np.zeros(len(chords), dtype=np.int64)
    lowest = np.array([chord[0] if chord else 0 for chord in chords])
    moved = np.full((len(chords), 2 * MOST + 1), NOTHING)
    for shape, alike in enumerate(groups.values()):
        at_pitch = {int(lowest[row]): row for row in alike}
        shapes[alike] = shape
        moved[np.array(alike)[:, None], list(at_pitch) - lowest[alike, None] + MOST] = list(at_pitch.values())
    moved[:, MOST] = np.arange(len(chords))  # also where two tokens have the same pitches
    return Transpositions(*map(torch.from_numpy, (shapes, lowest, moved)))


class TransposingMemory(CopyMemory):
    """A :class:`CopyMemory` in which passages also match at another pitch.

    The match of two positions is the number of chords up to them that have the same shape and are all as many
    semitones apart. At 0 semitones it is that of :class:`CopyMemory`. At others fewer than SHORTEST chords
    are no match, and what followed is copied as many semitones away; a place whose copy is not in the
    vocabulary is passed over. ``lengths`` are those at the same pitch, then those at another.
    """

    shapes: Tensor
    lowest: Tensor
    moved: Tensor

    def __init__(self, vocabulary_size: int, longest: int, tokens: Transpositions) -> None:
        super().__init__(vocabulary_size, longest)
        for name, table in tokens._asdict().items():
            self.register_buffer(name, table, persistent=False)

    def lengths(self) -> list[int]:
        """Return the lengths of matches at the same pitch, then of those at another."""
        return [*range(self.longest + 1), *range(SHORTEST, self.longest + 1)]

    def _next_match(self, piece: Tensor, before: Tensor) -> Tensor:
        shapes, steps = self._contour(piece)
        return (before * (steps == steps[:, -1:]) + 1) * (shapes == shapes[:, -1:])

    def _contour(self, piece: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shape of each chord (B, S), and how far it is above the one before it."""
        lowest = self.lowest[piece]
        return self.shapes[piece], lowest - F.pad(lowest[:, :-1], (1, 0))

    def _copied(self, piece: Tensor, match: Tensor) -> tuple[Tensor, Tensor]:
        lowest = self.lowest[piece]
        semitones = lowest[:, -match.shape[1] :, None] - lowest[:, None]  # (B, T, S)
        moved = (semitones != 0) & (match >= SHORTEST)
        match = match * (moved | (semitones == 0))
        copies = self.moved[followers(piece)[:, None], semitones * moved + MOST]
        distance = distances(match)
        usable = (distance > 0) & (copies != NOTHING)
        match = match * usable
        elsewhere = self.longest + 1 - SHORTEST  # from a length to its place in `lengths`
        attention = self._attention(match + elsewhere * (moved & usable), distance, usable)
        copied = attention.new_zeros(*match.shape[:2], self.vocabulary_size)
        copied = copied.scatter_add(2, copies.clamp_min(0), attention)
        same, other = (match * ~moved).amax(dim=-1), (match * moved).amax(dim=-1)
        return copied, torch.where(other > same, other + elsewhere, same)

    def _matches(self, piece: Tensor, count: int) -> Tensor:
        size, before = piece.shape[1], self.longest - 1
        shapes, steps = self._contour(piece)
        shapes = F.pad(shapes, (self.longest, 0), value=NOTHING)
        steps = F.pad(steps, (before, 0))
        agree = shapes[:, -(count + self.longest) :, None] == shapes[:, None]
        # Whether the chords before two positions agree as well, and are as far below them.
        goes_on = agree[:, :-1, :-1] & (steps[:, -(count + before) :, None] == steps[:, None])
        agree = agree[:, self.longest :, self.longest :]
        length = agree.to(torch.uint8)  # bytes, which are added eight times faster
        for start in reversed(range(1, self.longest)):  # the chords one place further back
            agree = agree & goes_on[:, start : start + count, start : start + size]
            length += agree
        return length.long()
