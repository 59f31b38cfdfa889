"""The notes and chords that music21 finds in a MIDI file, without making its streams."""
