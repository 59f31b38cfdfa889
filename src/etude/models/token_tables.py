"""Tables of the vocabulary, with a row for each token, for networks with `token_features` and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude.encodings import Encoding
from etude.encodings.characters import CharactersEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.scale_degrees import character_codes
from etude.models.settings import ModelConfig
from etude.models.sounding_notes import note_table
from etude.models.token_features import feature_table
from etude.models.transposing_memory import transpositions


def supplied_tables(
    model: ModelConfig, encoding: Callable[[], Encoding], vocabulary: Vocabulary
) -> dict[str, Any]:
    """Return the tables that a network is built with beside its settings, none for most."""
    tables: dict[str, Any] = {}
    if getattr(model, "token_features", False):
        if isinstance(found := encoding(), CharactersEncoding):
            tables["character_codes"] = character_codes(vocabulary)
        else:
            tables["feature_table"] = feature_table(found, vocabulary)
    if getattr(model, "transposed_copies", False):
        tables["transpositions"] = transpositions(encoding(), vocabulary)
    if getattr(model, "sounding_notes", False):
        tables["note_table"] = note_table(encoding(), vocabulary)
    return tables
