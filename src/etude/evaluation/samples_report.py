"""Samples report: musical features of samples beside those of human pieces; ABC text by the standard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from etude.encodings import CharactersEncoding, Encoding
from etude.encodings.characters import UNREADABLE
from etude.evaluation.distances import compare
from etude.evaluation.features import FEATURES, Feature
from etude.evaluation.held_out import HeldOutSet
from etude.evaluation.token_times import has_note_values
from etude.music import Piece
from etude.sampling.samples import Sample

MOST = 500  # pieces of a set: with more, the intervals hardly get narrower


def spread(indices: Sequence[int], most: int = MOST) -> list[int]:
    """Return at most so many of the indices, evenly spread."""
    step = max(1, -(-len(indices) // most))
    return list(indices[::step])


def measured_pieces(held_out: HeldOutSet) -> list[int]:
    """Return the indices of the held-out pieces whose music is measured."""
    indices: list[int] = held_out.subset.pieces.tolist()
    if isinstance(held_out.data.encoding, CharactersEncoding) and held_out.subset.labels is None:
        return indices  # notes and seconds of text are known from its music alone
    return spread(indices)


def music_section(
    samples: Sequence[Sample],
    held_out: Sequence[Piece],
    training: Sequence[Piece],
    encoding: Encoding,
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any] | None:
    """Return the section ``music`` of evaluation.json; None if a set has no piece with notes.

    ``training``: about as many pieces as samples, the yardstick. Features of bars are measured where tokens
    or text have note values.
    """
    sets = [
        [piece for piece in pieces if len(piece)]
        for pieces in ([one.piece for one in samples], held_out, training)
    ]
    if not all(sets):
        return None
    barred = has_note_values(encoding) or isinstance(encoding, CharactersEncoding)
    features = [feature for feature in FEATURES if (barred or not feature.in_bars) and _occurs(feature, sets)]
    rows = [compare(feature, *sets, resamples=resamples, seed=seed) for feature in features]
    names = ("samples", "held_out", "training")
    return {**{name: len(pieces) for name, pieces in zip(names, sets, strict=True)}, "features": rows}


def _occurs(feature: Feature, sets: Sequence[Sequence[Piece]]) -> bool:
    """Return whether a piece of any set has a value; melodies have no chords."""
    return any(len(feature.values(piece)) for pieces in sets for piece in pieces)


def validity_section(samples: Sequence[Sample], encoding: Encoding, titles: set[str]) -> dict[str, Any]:
    """Return the section ``validity`` of evaluation.json. ``titles``: those of the training pieces.

    A sample is well formed if it has notes and the decoder repaired nothing. For ABC text also: the share
    that can be read; of these, the share whose bars and repeats are right, as the standard counts them; the
    share with a title that no other sample has, and the share with the title of a training piece.
    """
    count = max(len(samples), 1)
    found: dict[str, Any] = {
        "samples": len(samples),
        "well_formed": sum(one.is_valid for one in samples) / count,
        "degenerate": sum(one.degenerate_from is not None for one in samples) / count,
    }
    if isinstance(encoding, CharactersEncoding):
        named = Counter(title_of(encoding.join(one.tokens)) for one in samples)
        readable = sum(not one.repairs[UNREADABLE] and len(one.piece) > 0 for one in samples)
        found |= {
            "readable": readable / count,
            "bars_filled": sum(one.is_valid for one in samples) / max(readable, 1),
            "unique_titles": sum(times for title, times in named.items() if title and times == 1) / count,
            "training_titles": sum(times for title, times in named.items() if title in titles) / count,
        }
    return found


def title_of(text: str) -> str:
    """Return the first title in ABC text, "" if it has none."""
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("T:")), "")
