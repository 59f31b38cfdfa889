"""A piece as something to see or hear: engraved score, piano roll, sound, notebook display."""
