"""Pitch sets of several tracks, with ``merge_parts`` and without."""

from __future__ import annotations

from hypothesis import given, settings
from music21 import chord, corpus

from etude.encodings.music21_midi.names import chord_token
from etude.encodings.pitch_set import PitchSetEncoding
from etude.formats.any_file import read_piece
from etude.formats.midi.reader import read_midi_bytes
from etude.music import Piece
from midi_bytes import midi, notes, track
from strategies import pieces

APART, MERGED = PitchSetEncoding(), PitchSetEncoding(merge_parts=True)
THREE = midi(
    track(notes((0, 480, 72), (480, 960, 74))),
    track(notes((0, 480, 67), (480, 960, 67))),
    track(notes((0, 480, 60), (480, 960, 59))),
)


def test_notes_of_different_tracks_are_one_chord_if_asked() -> None:
    [piece] = read_midi_bytes(THREE, "three.mid").pieces
    assert MERGED.encode(piece) == ["C4.C5.G4", "B3.D5.G4"]
    assert APART.encode(piece) == ["C5", "G4", "C4", "D5", "G4", "B3"]
    assert (MERGED.takes(THREE, "three.mid"), APART.takes(THREE, "three.mid")) == (False, True)


def test_a_held_note_belongs_to_each_chord_that_begins_while_it_sounds() -> None:
    assert MERGED.encode(Piece.from_notes([(0, 4, 48), (0, 1, 64), (1, 1, 65), (4, 1, 67)])) == [
        "C3.E4", "C3.F4", "G4"
    ]  # fmt: skip


def test_a_chorale_gives_the_chords_of_music21() -> None:
    path = corpus.getWork("bach/bwv66.6")
    chords = corpus.parse("bach/bwv66.6").chordify().recurse().getElementsByClass(chord.Chord)
    starting = [one for one in chords if any(note.tie is None or note.tie.type == "start" for note in one)]
    expected = [chord_token(tuple(pitch.midi for pitch in one.pitches)) for one in starting]
    assert MERGED.encode(read_piece(path)) == expected


@settings(max_examples=50, deadline=None)
@given(pieces())
def test_tokens_come_back(piece: Piece) -> None:
    tokens = MERGED.encode(piece)
    assert MERGED.encode(MERGED.decode(tokens).piece) == tokens


def test_only_a_choice_that_changes_tokens_is_in_the_settings() -> None:
    assert (APART.config(), MERGED.config()) == ({"step": "1/8"}, {"step": "1/8", "merge_parts": True})
