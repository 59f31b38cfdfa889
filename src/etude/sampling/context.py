"""Training context: how a network was trained, as far as sampling needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from etude.config.build import build_as
from etude.config.today import data_today
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.settings import CorpusConfig
from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel


@dataclass(frozen=True, eq=False)
class TrainingContext:
    """Vocabulary, encoding, corpus and windows that a network was trained with.

    ``transposes``: whether the corpus was moved to C major and A minor; ``infers_key``: whether the keys of
    pieces that state none were inferred for that. ``data`` has the values of the training config from which
    :attr:`corpus` is built.
    """

    encoding: Encoding
    vocabulary: Vocabulary
    objective: Literal["every", "last"]
    sequence_len: int
    transposes: bool
    data: Mapping[str, Any]
    infers_key: bool = False

    @classmethod
    def of(cls, encoding: Encoding, vocabulary: Vocabulary, data: Mapping[str, Any]) -> TrainingContext:
        """Return the context of a training with these resolved settings of its corpus."""
        return cls(
            encoding,
            vocabulary,
            objective=data["objective"],
            sequence_len=data["sequence_len"],
            transposes=bool(data.get("transpose")),
            infers_key=bool(data.get("infer_key")),
            data=data,
        )

    @classmethod
    def of_model(cls, model: TrainedModel) -> TrainingContext:
        """Return the context that a checkpoint carries."""
        return cls.of(model.encoding, model.vocabulary, model.config["data"])

    @cached_property
    def corpus(self) -> PreparedCorpus:
        """The corpus, prepared on this machine if necessary.

        A stranger's checkpoint may have brought the config, so only a corpus and an encoding of Étude's are
        built from it. Published files come from where conf/ says today, and data is stored where this
        machine stores it.
        """
        data = data_today(self.data)
        try:
            corpus: PreparedCorpus = build_as(PreparedCorpus, data, CorpusConfig)
        except EtudeError as error:
            raise EtudeError(
                f"another version of Étude configured the corpus of this checkpoint ({error}), so it "
                "cannot be read: no primer can be taken from it, and nothing measured on it; sampling.primer "
                "and sampling.primer_file need no corpus"
            ) from None
        return corpus
