"""The LightningDataModule that all corpora share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytorch_lightning as pl

from etude.data.encodings import Encoding
from etude.data.preparation import Corpus, prepare
from etude.data.splits import Split, split_by_piece
from etude.data.store import Store
from etude.data.vocabulary import Vocabulary
from etude.data.windows import HeldOutPieces, TrainingWindows
from etude.errors import EtudeError

EVALUATION_BATCHES = 4  # a held-out batch holds as many tokens as this many training batches


class CorpusDataModule(pl.LightningDataModule, ABC):
    """A corpus, prepared, split by piece and batched.

    A subclass says where the pieces come from (:meth:`corpus`). Batches are gathered in this process:
    for corpora that fit in memory a worker costs more than it saves.
    """

    def __init__(
        self,
        *,
        name: str,
        encoding: Encoding,
        split_fractions: Sequence[float],
        split_seed: int,
        objective: str,
        sequence_len: int,
        batch_size: int,
        max_pieces: int | None,
        max_rejected: float,
        data_dir: str,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not math.isclose(sum(split_fractions), 1) or len(split_fractions) != 3:
            raise EtudeError(
                f"data.split_fractions={list(split_fractions)}: three shares that sum to 1 are wanted, "
                "for training, validation and test, e.g. [0.8,0.1,0.1]"
            )
        self.name = name
        self.encoding = encoding
        self.data_dir = Path(data_dir)
        self._fractions, self._split_seed = split_fractions, split_seed
        self._objective, self._sequence_len, self._batch_size = objective, sequence_len, batch_size
        self._max_pieces, self._max_rejected, self._seed = max_pieces, max_rejected, seed
        self._store: Store | None = None
        self._split: Split | None = None

    @abstractmethod
    def corpus(self) -> Corpus:
        """Return the raw files and how they are read; they are fetched here if need be."""

    @property
    def store(self) -> Store:
        """The prepared corpus; made at the first use."""
        if self._store is None:
            corpus = self.corpus()
            if self._max_pieces is not None:
                corpus = replace(corpus, max_pieces=self._max_pieces)
            self._store = prepare(corpus, self.encoding, self.data_dir / "store", self._max_rejected)
        return self._store

    @property
    def split(self) -> Split:
        """Which pieces train, validate and test; EtudeError if a set would be empty."""
        if self._split is None:
            self._split = split_by_piece(self.store.tunes, self._fractions, self._split_seed)
            for name, pieces in self._split._asdict().items():
                if not len(pieces):
                    raise EtudeError(
                        f"no piece of {len(self.store)} fell into the {name} set; give it a larger share in "
                        "data.split_fractions, or another data.split_seed"
                    )
        return self._split

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens of the whole corpus."""
        return self.store.vocabulary

    def prepare_data(self) -> None:
        """Make the store, if there is none yet."""
        _ = self.store

    def train_dataloader(self) -> TrainingWindows:
        """Return shuffled training windows, the order a function of (seed, epoch)."""
        return TrainingWindows(
            self.store,
            self.split.train,
            length=self._sequence_len,
            batch_size=self._batch_size,
            objective=self._objective,
            seed=self._seed,
        )

    def val_dataloader(self) -> HeldOutPieces:
        """Return every label of the validation pieces, once."""
        return self._held_out("val")

    def test_dataloader(self) -> HeldOutPieces:
        """Return every label of the test pieces, once."""
        return self._held_out("test")

    def _held_out(self, name: str) -> HeldOutPieces:
        return HeldOutPieces(
            self.store,
            getattr(self.split, name),
            length=self._sequence_len,
            objective=self._objective,
            tokens_per_batch=EVALUATION_BATCHES * self._batch_size * self._sequence_len,
        )
