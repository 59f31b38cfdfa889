"""Grammars: the tokens that may come next, by encoding."""
