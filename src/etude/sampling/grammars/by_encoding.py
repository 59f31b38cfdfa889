"""The grammar of each encoding."""

from __future__ import annotations

from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.encodings.vocabulary import Vocabulary
from etude.sampling.grammars.abc import AbcAutomaton
from etude.sampling.grammars.base import Grammar, TableGrammar
from etude.sampling.grammars.melody import MelodyAutomaton
from etude.sampling.grammars.performance import PerformanceGrammar
from etude.sampling.grammars.voices import VoicesGrammar

_MELODIES = (GridEncoding, NoteDurationEncoding, PitchSetEncoding)


def make_grammar(encoding: Encoding, vocabulary: Vocabulary) -> Grammar | None:
    """Return the grammar of the pieces that the encoding's decoder reads without repair.

    An encoding of the user's own may have a method ``grammar(tokens)``, which returns an Automaton or a
    Grammar. None if it has none.
    """
    tokens = vocabulary.tokens
    if hasattr(encoding, "grammar"):
        own = encoding.grammar(tokens)
        return own if hasattr(own, "allowed") else TableGrammar(own, len(tokens))
    if isinstance(encoding, PerformanceEncoding):
        return PerformanceGrammar(tokens)
    if isinstance(encoding, VoicesEncoding):
        return VoicesGrammar(encoding, tokens)
    if isinstance(encoding, CharactersEncoding):
        return TableGrammar(AbcAutomaton(tokens), len(tokens))
    if isinstance(encoding, _MELODIES):
        return TableGrammar(MelodyAutomaton(tokens, encoding.terminator), len(tokens))
    return None
