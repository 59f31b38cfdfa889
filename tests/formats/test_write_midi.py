"""Piece → MIDI file → the same notes, read by symusic and by music21."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import converter

from etude.errors import EtudeError
from etude.formats.midi.reader import read_midi_bytes
from etude.formats.midi.writer import (
    MAX_DIVISION,
    midi_bytes,
    midi_division,
    midi_score,
    playable,
)
from etude.music import Key, Metre, Note, Piece
from etude.music.spelling import written_key
from music21_notes import sounding_notes
from strategies import choirs, keys, melodies, pieces, velocities

few = settings(max_examples=10, deadline=None)
many = settings(max_examples=60, deadline=None)


def read_back(piece: Piece) -> Piece:
    score = symusic.Score.from_midi(midi_bytes(piece))
    parts = sorted(set(piece.part.tolist()))  # empty parts have no track
    notes = [
        Note(
            Fraction(note.time, score.tpq),
            Fraction(note.duration, score.tpq),
            note.pitch,
            note.velocity,
            part,
        )
        for part, track in zip(parts, score.tracks, strict=True)
        for note in track.notes
    ]
    return Piece.from_notes(notes, length=Fraction(score.end(), score.tpq))


@many
@given(pieces())
def test_symusic_reads_the_same_piece(piece: Piece) -> None:
    assert read_back(piece) == piece


@many
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 300), st.integers(60, 64), velocities),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([1, 7, 96, 480, 1000, 9973]),
)
def test_any_division_is_exact_to_the_tick(rows: list[tuple[int, int, int, int]], division: int) -> None:
    notes = [
        Note(Fraction(on, division), Fraction(dur, division), pitch, vel) for on, dur, pitch, vel in rows
    ]
    read = read_back(Piece.from_notes(notes))
    assert read.notes == Piece.from_notes(playable(notes)).notes


@few
@given(melodies(max_notes=8))
def test_music21_reads_the_same_notes(piece: Piece) -> None:
    score = converter.parseData(midi_bytes(piece), format="midi", quantizePost=False)
    assert sounding_notes(score) == [tuple(note[:3]) for note in piece.notes]
    starts = [note for note in score.flatten().notes if not note.tie or note.tie.type == "start"]
    assert [note.volume.velocity for note in starts] == piece.velocity.tolist()


def test_a_pitch_struck_again_ends_first() -> None:
    """The note-off stands before the note-on of the same tick, or the second note would be silenced."""
    piece = Piece.from_notes([(0, 1, 60), (1, 1, 60)])
    data = midi_bytes(piece)
    off, on = data.find(bytes([0x81, 60])), data.rfind(bytes([0x91, 60]))  # on the second channel
    assert 0 < off < on


def test_a_pitch_held_under_itself_is_cut_where_it_is_struck_again() -> None:
    notes = [Note(Fraction(0), Fraction(4), 60), Note(Fraction(1), Fraction(1), 60)]
    assert playable(notes) == [Note(Fraction(0), Fraction(1), 60), Note(Fraction(1), Fraction(1), 60)]


def test_of_two_equal_onsets_the_longer_note_stays() -> None:
    notes = [Note(Fraction(0), Fraction(1), 60), Note(Fraction(0), Fraction(2), 60)]
    assert playable(notes) == [Note(Fraction(0), Fraction(2), 60)]


def test_parts_may_share_a_pitch_at_once() -> None:
    piece = Piece.from_notes(
        [Note(Fraction(0), Fraction(4), 60, 80, 0), Note(Fraction(1), Fraction(1), 60, 80, 1)]
    )
    assert read_back(piece) == piece


def test_times_beyond_fifteen_bits_are_rounded_but_never_vanish() -> None:
    tiny = Fraction(1, 99991)  # a prime
    piece = Piece.from_notes([(0, tiny, 60), (1, 1 - tiny, 62)])
    score = midi_score(piece)
    assert score.tpq <= MAX_DIVISION
    first, second = score.tracks[1].notes
    assert first.duration == 1
    assert second.time == score.tpq
    assert abs(second.duration - score.tpq) <= 1


@pytest.mark.parametrize(
    ("division", "expected"), [(1, 480), (7, 3360), (480, 480), (1000, 12000), (9973, 29919)]
)
def test_the_division_is_exact_and_usual_where_it_can_be(division: int, expected: int) -> None:
    assert midi_division(Piece.from_notes([(Fraction(1, division), 1, 60)])) == expected


def test_headers_travel(tmp_path: Path) -> None:
    piece = Piece.from_notes(
        [Note(Fraction(0), Fraction(1), 60, 80, 0), Note(Fraction(0), Fraction(1), 48, 80, 1)],
        length=9,
        title="Übung",
        key=Key("Eb", "minor"),
        metres=[(0, Metre(3, 4)), (6, Metre(6, 8))],
        tempos=[(0, 60.0), (3, 90.0)],
        part_names=("right", "left"),
    )
    (tmp_path / "a.mid").write_bytes(midi_bytes(piece))
    score = symusic.Score(tmp_path / "a.mid")
    assert "Übung".encode() in midi_bytes(piece)
    assert [track.name for track in score.tracks] == ["right", "left"]
    assert [(key.key, key.tonality) for key in score.key_signatures] == [(-6, 1)]
    assert [(mark.time, mark.numerator, mark.denominator) for mark in score.time_signatures] == [
        (0, 3, 4),
        (2880, 6, 8),
    ]
    assert [(mark.time, mark.mspq) for mark in score.tempos] == [(0, 1_000_000), (1440, 666_667)]


@given(keys)
def test_a_key_keeps_its_signature_and_whether_its_third_is_minor(key: Key) -> None:
    """All that a MIDI file can say of a mode; symusic and our reader find the same."""
    data = midi_bytes(Piece.from_notes([(0, 1, 60)], key=key))
    third = "minor" if key.mode in {"minor", "dorian", "phrygian", "locrian"} else "major"
    [stated] = symusic.Score.from_midi(data).key_signatures
    assert (stated.key, stated.tonality) == (written_key(key).fifths, third == "minor")
    [read] = read_midi_bytes(data, "a.mid").pieces
    assert read.key == Key.from_fifths(written_key(key).fifths, third)


def test_a_bare_piece_gets_the_standard_tempo_and_metre() -> None:
    score = symusic.Score.from_midi(midi_bytes(Piece.from_notes([(0, 1, 60)])))
    assert [mark.mspq for mark in score.tempos] == [500_000]
    assert [(mark.numerator, mark.denominator) for mark in score.time_signatures] == [(4, 4)]
    assert not score.key_signatures


@settings(max_examples=20, deadline=None)
@given(choirs())
def test_a_choir_is_four_tracks_that_keep_their_programs(piece: Piece) -> None:
    [read] = read_midi_bytes(midi_bytes(piece), "choir.mid").pieces
    assert read.notes == piece.notes
    assert read.programs == (piece.programs or (1, 1, 1, 1))


def test_after_a_pickup_the_metre_is_stated_again() -> None:
    piece = Piece.from_notes([(0, 1, 60), (1, 3, 62)], metres=[(0, Metre(3, 4))], pickup=1)
    score = symusic.Score.from_midi(midi_bytes(piece))
    assert [(mark.time, mark.numerator) for mark in score.time_signatures] == [(0, 3), (480, 3)]


def test_a_closing_rest_is_kept() -> None:
    assert read_back(Piece.from_notes([(0, 1, 60)], length=4)).quarters == 4


@many
@given(pieces())
def test_our_reader_gives_the_same_piece(piece: Piece) -> None:
    """Its length too, which symusic does not tell."""
    (read,) = read_midi_bytes(midi_bytes(piece), "a.mid").pieces
    numbers = {part: number for number, part in enumerate(sorted(set(piece.part.tolist())))}
    renumbered = [note._replace(part=numbers[note.part]) for note in piece.notes]
    assert read == Piece.from_notes(renumbered, length=piece.quarters)
    assert read.metre == (piece.metre or Metre(4, 4))


def test_changes_after_the_end_do_not_lengthen_the_piece() -> None:
    piece = Piece.from_notes([(0, 1, 60)], metres=[(0, Metre(2, 4)), (4, Metre(3, 4))], tempos=[(5, 90.0)])
    assert read_back(piece).quarters == 1


@pytest.mark.parametrize("velocity", [0, 200])
def test_velocities_are_kept_in_range(velocity: int) -> None:
    (note,) = read_back(Piece.from_notes([Note(Fraction(0), Fraction(1), 60, velocity)])).notes
    assert note.velocity == min(max(velocity, 1), 127)


def test_an_empty_piece_is_a_file_without_notes() -> None:
    assert symusic.Score.from_midi(midi_bytes(Piece.from_notes([], length=4))).note_num() == 0


@pytest.mark.parametrize("metre", [Metre(3, 6), Metre(0, 4)])
def test_an_impossible_metre_is_named(metre: Metre) -> None:
    with pytest.raises(EtudeError, match=f"the metre {metre}"):
        midi_bytes(Piece.from_notes([(0, 1, 60)], metres=[(0, metre)], name="x.krn"))
