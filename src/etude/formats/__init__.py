"""File formats: the readers and writers of ABC, kern, MIDI and MusicXML."""
