"""Times of held-out tokens: notes and seconds of a piece, and the place in the bar of each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
)
from etude.evaluation.bootstrap import Floats
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.likelihood import Ids, LabelScores, note_mask
from etude.music import Metre, Piece
from etude.music.timing import seconds_at
from etude.sampling.clock import token_quarters
from etude.sampling.frame import USUAL_TEMPO

ROUNDED = 48  # places in a bar are told apart to this part of a quarter note


def piece_notes(held_out: HeldOutSet, indices: list[int], pieces: Mapping[int, Piece]) -> Floats | None:
    """Return how many note labels, or for text notes, each piece has; None for text that is not all at hand.

    A chord of the pitch-set encoding is one label.
    """
    if isinstance(held_out.data.encoding, CharactersEncoding):
        if not all(index in pieces for index in indices):
            return None
        return np.array([len(pieces[index]) for index in indices], dtype=np.float64)
    begins = note_mask(held_out.data.encoding, held_out.store.vocabulary)
    return np.array([begins[held_out.store.piece(index)].sum() for index in indices], dtype=np.float64)


def piece_seconds(held_out: HeldOutSet, indices: list[int], pieces: Mapping[int, Piece]) -> Floats | None:
    """Return the length of each piece in seconds; None where tokens have no rhythm, or are text.

    Tokens that count in note values have no tempo: they are taken at USUAL_TEMPO quarter notes a minute.
    Text is taken at the tempo of its tune, if all tunes are at hand.
    """
    encoding = held_out.data.encoding
    if isinstance(encoding, CharactersEncoding):
        if not all(index in pieces for index in indices):
            return None
        return np.array([float(seconds_at(pieces[index], pieces[index].length)) for index in indices])
    if not (has_note_values(encoding) or isinstance(encoding, PerformanceEncoding)):
        return None
    quarters = label_quarters(held_out)
    rate = 0.5 if isinstance(encoding, PerformanceEncoding) else 60 / USUAL_TEMPO
    return np.array([quarters[held_out.store.piece(index)].sum() * rate for index in indices])


def has_note_values(encoding: Encoding) -> bool:
    """Return whether tokens are or have lengths in note values."""
    return isinstance(encoding, GridEncoding | NoteDurationEncoding)


def label_quarters(held_out: HeldOutSet) -> Floats:
    """Return how many quarter notes each id of the vocabulary takes, (V,)."""
    tokens = held_out.store.vocabulary.tokens
    found = [float(each) for each in token_quarters(held_out.data.encoding, tokens[1:])]
    return np.array([0.0, *found])  # a terminator takes no time


def by_bar_position(
    scores: LabelScores, held_out: HeldOutSet, pieces: Mapping[int, Piece]
) -> dict[str, Any] | None:
    """Return nats and accuracy by the place in the bar, over the pieces in the commonest metre.

    ``pieces``: those of the store whose metre is known. Terminators, and pieces that change their metre, are
    left out. None where tokens have no note values.
    """
    if not has_note_values(held_out.data.encoding):
        return None
    steady = {index: piece for index, piece in pieces.items() if len(piece.metres) == 1}
    metres = Counter(piece.metres[0][1] for piece in steady.values())
    if not metres:
        return None
    metre = metres.most_common(1)[0][0]
    places, chosen = _bar_places(scores, held_out, steady, metre)
    rows = [
        {"quarters": float(place) / ROUNDED, **scores.means(chosen & (places == place))}
        for place in np.unique(places[chosen])
    ]
    return {"metre": str(metre), "pieces": metres[metre], "rows": rows}


def _bar_places(
    scores: LabelScores, held_out: HeldOutSet, steady: Mapping[int, Piece], metre: Metre
) -> tuple[Ids, Any]:
    """Return for each label its place in the bar, in parts of a quarter note, and whether it counts."""
    quarters = label_quarters(held_out)
    places = np.full(len(scores.ids), -1, dtype=np.int64)
    bounds = np.searchsorted(scores.piece, np.arange(len(held_out.store) + 1))
    for index, piece in steady.items():
        if piece.metres[0][1] != metre or bounds[index] == bounds[index + 1]:
            continue
        starts = np.concatenate([[0.0], np.cumsum(quarters[held_out.store.piece(index)])])
        starts -= piece.pickup / piece.division
        labels = slice(bounds[index], bounds[index + 1])
        position = scores.position[labels]
        within = np.rint(starts[position] * ROUNDED).astype(np.int64) % int(metre.quarters * ROUNDED)
        places[labels] = np.where(position < len(starts) - 1, within, -1)
    return places, places >= 0
