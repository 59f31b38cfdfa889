"""Tables of the vocabulary, with a row for each token, for networks with `token_features` and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from etude.encodings import Encoding
from etude.encodings.characters import CharactersEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.scale_degrees import character_codes
from etude.models.settings import ModelConfig
from etude.models.sounding_notes import note_table
from etude.models.token_features import feature_table
from etude.models.transposing_memory import transpositions


def _shared(encoding: Encoding, vocabulary: Vocabulary) -> dict[str, Tensor]:
    if isinstance(encoding, CharactersEncoding):
        return {"character_codes": character_codes(vocabulary)}
    return {"feature_table": feature_table(encoding, vocabulary)}


def _notes(encoding: Encoding, vocabulary: Vocabulary) -> dict[str, Tensor]:
    return {"note_table": note_table(encoding, vocabulary)}


def _moved(encoding: Encoding, vocabulary: Vocabulary) -> dict[str, Any]:
    return {"transpositions": transpositions(encoding, vocabulary)}


_TABLES = {  # setting that asks for it → arguments
    "token_features": _shared, "transposed_copies": _moved, "sounding_notes": _notes,
}  # fmt: skip


def supplied_tables(
    model: ModelConfig, encoding: Callable[[], Encoding], vocabulary: Vocabulary
) -> dict[str, Any]:
    """Return the arguments that a network is built with beside its settings, none for most."""
    arguments: dict[str, Any] = {}
    for wanted, tables in _TABLES.items():
        if getattr(model, wanted, False):
            arguments |= tables(encoding(), vocabulary)
    return arguments
