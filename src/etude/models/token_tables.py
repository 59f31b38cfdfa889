"""Tables of the vocabulary: what networks that ask for it are told about each token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.models.settings import ModelConfig
from etude.models.sounding_notes import note_table
from etude.models.token_features import feature_table

Table = Callable[[Encoding, Vocabulary], Tensor]  # a row for each token
_TABLES: dict[str, tuple[str, Table]] = {  # setting that asks for it → argument of the network
    "token_features": ("feature_table", feature_table),
    "sounding_notes": ("note_table", note_table),
}


def supplied_tables(
    model: ModelConfig, encoding: Callable[[], Encoding], vocabulary: Vocabulary
) -> dict[str, Any]:
    """Return the arguments that a network is built with beside its settings, none for most."""
    return {
        argument: table(encoding(), vocabulary)
        for wanted, (argument, table) in _TABLES.items()
        if getattr(model, wanted, False)
    }
