"""Grammars: automata that say which tokens may come next."""
