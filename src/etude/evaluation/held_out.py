"""Held-out sets: the labels of one set of a corpus, in the ids of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from etude.corpora.batches import held_out
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.splits import Subset
from etude.corpora.store import Store
from etude.corpora.windows import HeldOutLabels
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError


@dataclass(frozen=True, eq=False)
class HeldOutSet:
    """Pieces to evaluate on: their store, with the network's ids, and the labels that count.

    ``name``: train, val, test or all. ``left_out``: pieces with tokens that the network does not know.
    """

    name: str
    data: PreparedCorpus
    store: Store
    subset: Subset
    left_out: int = 0

    def batches(self) -> HeldOutLabels:
        """Return each label once, under the objective of the corpus."""
        return held_out(self.data, self.subset, store=self.store)

    def piece(self, index: int) -> list[str]:
        """Return the tokens of a piece of the store."""
        return self.store.vocabulary.look_up(self.store.piece(index))


def held_out_set(data: PreparedCorpus, name: str, vocabulary: Vocabulary) -> HeldOutSet:
    """Return a set of a corpus for a network with this vocabulary.

    EtudeError if every piece of it has a token that the network does not know.
    """
    everything = Subset(np.arange(len(data.store)))
    subset = everything if name == "all" else getattr(data.split, name)
    if data.vocabulary == vocabulary:
        return HeldOutSet(name, data, data.store, subset)
    store = data.store
    table = np.array([vocabulary.id_of.get(token, -1) for token in data.vocabulary.tokens])
    table[0] = vocabulary.terminator
    ids = table[store.ids]
    unknown = np.add.reduceat(ids < 0, store.offsets[:-1]) > 0  # (pieces,)
    pieces, labels = subset.pieces[~unknown[subset.pieces]], subset.labels
    if not len(pieces):
        raise EtudeError(
            f"every piece of {data.name} has tokens that the network does not know: it was trained on other "
            "pitches or note values"
        )
    if labels is not None:
        labels = labels & ~np.repeat(unknown, np.diff(store.offsets))
    known = replace(store, ids=np.maximum(ids, 0), vocabulary=vocabulary)
    return HeldOutSet(name, data, known, Subset(pieces, labels), len(subset.pieces) - len(pieces))
