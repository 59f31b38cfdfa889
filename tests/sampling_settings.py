"""Sampling settings as shipped, with changes; the tokens that a filter leaves."""

from functools import cache
from typing import Any

import torch

from etude.config.compose import compose, plain
from etude.config.fields import from_plain
from etude.encodings.vocabulary import Vocabulary
from etude.sampling.filters import NOTHING, Filter
from etude.sampling.settings import SamplingSettings


@cache
def _shipped() -> dict[str, Any]:
    return plain(compose("sample", ["run=."]).sampling)


def sampling(**changes: Any) -> SamplingSettings:
    return from_plain(SamplingSettings, {**_shipped(), **changes})


def tokens_left(keep: Filter | None, vocabulary: Vocabulary) -> set[str]:
    assert keep is not None
    logits = keep(torch.zeros(1, len(vocabulary)), torch.zeros(1, 1, dtype=torch.long))[0]
    return {token for token, logit in zip(vocabulary.tokens, logits.tolist(), strict=True) if logit > NOTHING}
