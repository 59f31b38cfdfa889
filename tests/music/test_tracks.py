"""Choice of a part: by name, number, program, or as the melody."""

import pytest

from etude.errors import EncodeError
from etude.formats.midi.reader import read_midi_bytes
from etude.music import Piece
from etude.music.tracks import choose_melody, choose_track, part_list
from midi_bytes import midi, named, notes, off, on, program, track


@pytest.fixture
def band() -> Piece:
    voice = track([(0, named("Lead Vocal")), *notes((0, 480, 72), (480, 960, 74))])
    piano = track([(0, named("Piano")), (0, program(0)), *notes((0, 960, 60), (0, 960, 64))])
    bass = track([(0, named("Bass")), (0, program(33, 1)), (0, on(36, 127, 1)), (480, off(36, 1))])
    [piece] = read_midi_bytes(midi(voice, piano, bass), "band.mid").pieces
    return piece


@pytest.mark.parametrize(
    ("wanted", "pitches"),
    [
        ("Lead Vocal", [72, 74]),
        ("vocal", [72, 74]),
        ("1", [72, 74]),
        ("2", [60, 64]),
        ("program 1", [60, 64]),
        ("program 34", [36]),
        ("bass", [36]),
    ],
)
def test_a_track_is_chosen_by_name_number_or_program(band: Piece, wanted: str, pitches: list[int]) -> None:
    chosen = choose_track(band, wanted)
    assert chosen.pitch.tolist() == pitches
    assert chosen.part.tolist() == [0] * len(pitches)
    assert len(chosen.part_names) == 1


@pytest.mark.parametrize("wanted", ["4", "0", "violin", "program 2", "a"])
def test_the_error_lists_the_tracks(band: Piece, wanted: str) -> None:
    with pytest.raises(
        EncodeError, match=r"1 Lead Vocal \(2 notes\), 2 Piano \(2 notes\), 3 Bass \(1 note\)"
    ):
        choose_track(band, wanted)


@pytest.mark.parametrize(("rule", "pitches"), [("highest", [72, 74]), ("loudest", [36]), ("longest", [64])])
def test_the_melody_is_the_highest_loudest_or_longest_part(
    band: Piece, rule: str, pitches: list[int]
) -> None:
    assert choose_melody(band, rule).pitch.tolist() == pitches


def test_a_melody_has_the_top_note_of_each_onset_up_to_the_next() -> None:
    played = notes((0, 960, 60), (10, 600, 64), (480, 1000, 62), (960, 1440, 67), (1440, 1900, 50))
    [piano] = read_midi_bytes(midi(track(played)), "piano.mid").pieces
    melody = choose_melody(piano, "highest")
    assert melody.is_monophonic
    assert list(zip(melody.onset.tolist(), melody.duration.tolist(), melody.pitch.tolist(), strict=True)) == [
        (10, 470, 64), (480, 480, 62), (960, 480, 67), (1440, 460, 50)
    ]  # fmt: skip


def test_a_piece_of_one_part_is_its_melody(band: Piece) -> None:
    one = choose_track(band, "1")
    assert choose_melody(one, "loudest") is one
    assert part_list(one) == "1 Lead Vocal (2 notes)"


@pytest.mark.parametrize(("later", "pitches"), [(30, [64]), (31, [60, 64])])
def test_notes_a_64th_apart_are_one_onset(later: int, pitches: list[int]) -> None:
    [piano] = read_midi_bytes(midi(track(notes((0, 960, 60), (later, 600, 64)))), "piano.mid").pieces
    assert (later / piano.division <= 1 / 16) == (len(pitches) == 1)
    assert choose_melody(piano, "highest").pitch.tolist() == pitches
