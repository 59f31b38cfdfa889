"""Étude: an experiment framework for symbolic-music models."""
