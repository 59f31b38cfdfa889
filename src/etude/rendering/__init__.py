"""Rendering of a piece: engraved score, piano roll, sound, notebook display."""
