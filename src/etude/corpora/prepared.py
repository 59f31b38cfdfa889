"""Base class of all corpora: prepared, split, and described by its settings."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from etude.config.build import build
from etude.config.targets import load_target
from etude.corpora.preparation import Cluster, Corpus, prepare
from etude.corpora.settings import CorpusConfig
from etude.corpora.splits import Split, Subset, overlap, split_by_piece, split_by_window, split_small
from etude.corpora.store import Store
from etude.encodings import Encoding
from etude.encodings.base import encoding_complaint
from etude.encodings.settings import EncodingConfig
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError


def _built_encoding(config: EncodingConfig) -> Encoding:
    """Return the encoding of these settings; EtudeError if the class is no encoding."""
    if complaint := encoding_complaint(load_target(config.builds)):
        raise EtudeError(f"data.encoding._target_={config.builds}: {complaint}")
    encoding: Encoding = build(config)
    return encoding


class PreparedCorpus(ABC):
    """A corpus, prepared and split.

    A subclass says where the pieces come from (:meth:`corpus`). Nothing here needs PyTorch, so that
    `etude prepare` and questions about a corpus are answered at once;
    :class:`~etude.corpora.data_module.CorpusDataModule` makes the batches.
    """

    def __init__(self, config: CorpusConfig) -> None:
        shares = config.split_fractions
        if not math.isclose(sum(shares), 1) or len(shares) != 3:
            raise EtudeError(
                f"data.split_fractions={list(shares)}: three shares that sum to 1 are wanted, "
                "for training, validation and test, e.g. [0.8,0.1,0.1]"
            )
        if config.one_text and config.split == "by_piece":
            raise EtudeError(
                "data.one_text=true joins all pieces into one, so there is nothing to split by piece; "
                "add data.split=by_window, or leave data.one_text=false"
            )
        self.config = config
        self.name: str = config.name
        self.encoding: Encoding = _built_encoding(config.encoding)
        self.data_dir = Path(config.data_dir)
        self._store: Store | None = None

    @property
    def sequence_len(self) -> int:
        """Length of a training window in tokens."""
        return self.config.sequence_len

    @abstractmethod
    def corpus(self) -> Corpus:
        """Return the raw files and their reader; download missing files."""

    @property
    def store(self) -> Store:
        """The prepared corpus, created at first use."""
        return self.prepared() if self._store is None else self._store

    def prepared(self, cluster: Cluster = nullcontext) -> Store:
        """Return the store; create it, on a cluster if one is given, if there is none."""
        corpus = replace(self.corpus(), max_pieces=self.config.max_pieces, one_text=self.config.one_text)
        folder = self.data_dir / "store"
        self._store = prepare(corpus, self.encoding, folder, self.config.max_rejected, cluster)
        return self._store

    @cached_property
    def split(self) -> Split:
        """Training, validation and test labels; EtudeError if a set would be empty."""
        return self.divided()

    def divided(self) -> Split:
        """Return the split; a corpus may do more than the settings say."""
        shares, seed = self.config.split_fractions, self.config.split_seed
        if self.config.split == "by_piece":
            split = split_by_piece(self.tunes, shares, seed)
            if min(shares) > 0 and not all(len(subset.pieces) for subset in split):
                split = split_small(self.tunes, shares, seed)
        else:
            skip = self.sequence_len if self.config.one_text else 0
            split = split_by_window(self.store, shares, seed, skip=skip)
        for name, subset in split._asdict().items():
            if not len(subset.pieces) or (subset.labels is not None and not subset.labels.any()):
                tunes = len(set(self.tunes.tolist()))
                if self.config.split == "by_piece" and tunes < 3:
                    raise EtudeError(
                        f"{tunes} different tune{'s are' if tunes > 1 else ' is'} too few for 3 sets. "
                        "Add music, or type data.split=by_window."
                    )
                raise EtudeError(
                    f"nothing of {len(self.store)} pieces fell into the {name} set; give it a larger "
                    "share in data.split_fractions, or another data.split_seed"
                )
        return split

    @property
    def tunes(self) -> npt.NDArray[np.int64]:
        """Tune hash of each piece, by which a split by piece assigns it."""
        return self.store.tunes

    def test_parts(self) -> dict[str, Subset]:
        """Return parts of the test set that are scored by themselves, by name; a corpus may have some."""
        return {}

    @property
    def overlap(self) -> float:
        """Share of a validation window that is also trained on, 0 (split by piece) to 1."""
        return overlap(self.split, self.sequence_len)

    def pieces(self, subset: Subset) -> list[npt.NDArray[np.int64]]:
        """Return each piece of a subset with its terminator, as ids (labels,)."""
        return [np.append(self.store.piece(index), self.vocabulary.terminator) for index in subset.pieces]

    @property
    def vocabulary(self) -> Vocabulary:
        """Tokens of the whole corpus."""
        return self.store.vocabulary
