"""Primers from the corpus that a network was trained on: a named piece, or random windows."""

from __future__ import annotations

import difflib
import random
from collections.abc import Sequence

import numpy as np

from etude.errors import EtudeError
from etude.sampling.context import TrainingContext
from etude.sampling.sampler import sequence_seed


def piece_tokens(context: TrainingContext, name: str) -> list[str]:
    """Return the tokens of the piece with this name, or the only one whose name contains it.

    EtudeError if there is none, or more than one.
    """
    store = context.corpus.store
    return store.vocabulary.look_up(store.piece(_find_name(store.names, name)).tolist())


def _find_name(names: Sequence[str], wanted: str) -> int:
    if wanted in names:
        return names.index(wanted)
    found = [index for index, name in enumerate(names) if wanted in name]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(names[index] for index in found[:5])
        raise EtudeError(
            f"sampling.primer_piece={wanted} is part of {len(found)} names: {some}; give one whole"
        )
    near = ", ".join(difflib.get_close_matches(wanted, names, n=3, cutoff=0.0))
    raise EtudeError(
        f"sampling.primer_piece={wanted}: the corpus has no such piece; the nearest names are {near}"
    )


def random_windows(
    context: TrainingContext, subset: str, seed: int, numbers: Sequence[int]
) -> list[list[int]]:
    """Return for each number a random window of ``sequence_len`` tokens from ``subset``, all equally likely.

    ``subset`` is "train", "val" or "test". EtudeError if none of its pieces is long enough, or if the corpus
    has since got tokens that the network does not know.
    """
    store, length = context.corpus.store, context.sequence_len
    pieces = getattr(context.corpus.split, subset).pieces
    windows = np.maximum(store.offsets[pieces + 1] - store.offsets[pieces] - 1 - length + 1, 0)  # by piece
    if not windows.sum():
        raise EtudeError(
            f"sampling.primer_window={subset}: no piece of that set has data.sequence_len={length} tokens"
        )
    ends = windows.cumsum()
    rows = []
    for number in numbers:
        window = random.Random(sequence_seed(seed, number)).randrange(int(ends[-1]))
        entry = int(np.searchsorted(ends, window, side="right"))
        first = window - int(ends[entry] - windows[entry])
        ids = store.piece(int(pieces[entry]))[first : first + length].tolist()
        rows.append(context.vocabulary.ids(store.vocabulary.look_up(ids)).tolist())
    return rows
