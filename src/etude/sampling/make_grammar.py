"""The grammar of each encoding."""

from __future__ import annotations

from etude.data.encodings import CharactersEncoding, Encoding, PerformanceEncoding
from etude.data.vocabulary import Vocabulary
from etude.sampling.abc_grammar import AbcAutomaton
from etude.sampling.grammar import Automaton, Grammar, TableGrammar
from etude.sampling.melody_grammar import MelodyAutomaton
from etude.sampling.performance_grammar import PerformanceGrammar


def make_grammar(encoding: Encoding, vocabulary: Vocabulary) -> Grammar:
    """Return the grammar of what the encoding's decoder reads without repair."""
    tokens = vocabulary.tokens
    if isinstance(encoding, PerformanceEncoding):
        return PerformanceGrammar(tokens)
    automaton: Automaton
    if isinstance(encoding, CharactersEncoding):
        automaton = AbcAutomaton(tokens)
    else:
        automaton = MelodyAutomaton(tokens, encoding.terminator)
    return TableGrammar(automaton, len(tokens))
