"""The grammar of each encoding."""

from __future__ import annotations

from etude.encodings import CharactersEncoding, Encoding, PerformanceEncoding, VoicesEncoding
from etude.encodings.vocabulary import Vocabulary
from etude.sampling.grammars.abc import AbcAutomaton
from etude.sampling.grammars.base import Automaton, Grammar, TableGrammar
from etude.sampling.grammars.melody import MelodyAutomaton
from etude.sampling.grammars.performance import PerformanceGrammar
from etude.sampling.grammars.voices import VoicesGrammar


def make_grammar(encoding: Encoding, vocabulary: Vocabulary) -> Grammar:
    """Return the grammar of the pieces that the encoding's decoder reads without repair."""
    tokens = vocabulary.tokens
    if isinstance(encoding, PerformanceEncoding):
        return PerformanceGrammar(tokens)
    if isinstance(encoding, VoicesEncoding):
        return VoicesGrammar(encoding, tokens)
    automaton: Automaton
    if isinstance(encoding, CharactersEncoding):
        automaton = AbcAutomaton(tokens)
    else:
        automaton = MelodyAutomaton(tokens, encoding.terminator)
    return TableGrammar(automaton, len(tokens))
