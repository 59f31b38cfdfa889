"""Standard MIDI files: reader and writer."""
