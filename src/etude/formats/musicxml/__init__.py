"""MusicXML: writer."""
