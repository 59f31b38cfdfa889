"""Small files as programs and people write them, each with its right notes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from etude.encodings import GridEncoding
from etude.encodings.fitting import fitted
from etude.errors import ReadError
from etude.formats.any_file import read_piece
from etude.music import Key, Metre, Piece
from etude.music.tracks import choose_melody, choose_track
from file_reading import written

FOLDER = Path(__file__).with_name("cases")

MELODIES = {
    "abc-invisible-bar.abc": "60*4 62*4 60*4 62*4 64*4",
    "abc-key-unicode-flat.abc": "65 67 68 70",
    "abc-part-order.abc": "67 69 71 72 60 62 64 65",
    "abc-plus-chord.abc": "60+64+67 62*3 64 65 67 69 71 72 74 76",
    "abc-reserved-signs.abc": "60 62 64 65 67 69",
    "abc-tempo-range.abc": "60*1/2 62*1/2 64*1/2 65*1/2",
    "abc-undefined-letters.abc": "60 62 64 65",
    "abc-waltz-pickup.abc": (
        "62 67*3/2 71*1/2 69*1/2 66*1/2 67 69 71 72 74 76 74*3/2 72*1/2 71*1/2 69*1/2 67*3"
    ),
    "abc-waltz-triplet-late.abc": (
        "62 67*3/2 71*1/2 69*1/2 66*1/2 67 69 71 72 74 76 74*3/2 72*1/2 71*1/2 69*1/2 "
        "74*2 74*1/3 76*1/3 78*1/3 67*3"
    ),
    "kern-with-lyrics.krn": "60 62",
    "xml-cue-note.musicxml": "r*4 60*4",
    "xml-direction-inside-chord.musicxml": "65+69+72 62*3",
    "xml-nontraditional-key.musicxml": "60*4",
    "midi-tempo-4-bytes.mid": "60",
}
FITTED = {  # the notes on a grid of 1/16 or 1/24
    "midi-gate-95-percent.mid": ("1/16", "60 62 64 60 60 62 64 60 64 65 67*2 64 65 67*2"),
    "midi-gate-one-tick-short.mid": ("1/16", "60 62 64 60 60 62 64 60 64 65 67*2 64 65 67*2"),
    "midi-triplets-256.mid": ("1/24", "60*1/3 62*1/3 64*1/3 67 " * 6),
}


def rows(piece: Piece) -> list[tuple[Fraction, Fraction, int]]:
    return [(note.onset, note.duration, note.pitch) for note in piece.notes]


@pytest.mark.parametrize("name", MELODIES)
def test_the_notes_of_a_file(name: str) -> None:
    assert rows(read_piece(FOLDER / name)) == written(MELODIES[name])


@pytest.mark.parametrize("name", FITTED)
def test_gate_times_and_rounded_ticks_are_put_right(name: str) -> None:
    step, notes = FITTED[name]
    assert rows(fitted(read_piece(FOLDER / name), GridEncoding(step)).piece) == written(notes)


def test_a_note_of_a_chord_may_be_shorter() -> None:
    assert rows(read_piece(FOLDER / "xml-shorter-chord-note.musicxml")) == [(0, 4, 60), (0, 2, 64)]


def test_parts_stay_parts() -> None:
    piece = read_piece(FOLDER / "xml-empty-part-name.musicxml")
    assert [(note.pitch, note.part) for note in piece.notes] == [(60, 0), (48, 1)]
    assert piece.part_names == ("Violin & Co", "P2")
    piece = read_piece(FOLDER / "midi-three-parts.mid")
    assert [(note.onset, note.pitch, note.part) for note in piece.notes] == [
        (0, 72, 0), (0, 67, 1), (0, 60, 2), (1, 74, 0), (1, 67, 1), (1, 59, 2)
    ]  # fmt: skip


def test_a_band_gives_its_melody() -> None:
    band = read_piece(FOLDER / "midi-band.mid")
    assert band.part_names == ("Lead Vocal", "Piano", "Bass")
    melody = choose_track(band, "Lead Vocal")
    assert melody == choose_melody(band, "highest")
    assert rows(melody)[:8] == written("62*1/2 64*1/2 67 67*1/2 69*1/2 71 69*1/2 67*1/2")
    assert melody.is_monophonic


@pytest.mark.parametrize(("name", "quantise"), [("played", "nearest"), ("swing", "swing")])
def test_played_time_is_quantised_on_request(name: str, quantise: str) -> None:
    piece = fitted(read_piece(FOLDER / f"midi-melody-{name}.mid"), GridEncoding(), quantise).piece
    assert piece.is_monophonic
    assert all((4 * note.onset).denominator == 1 for note in piece.notes)
    if name == "swing":
        assert rows(piece)[:8] == written("62*1/2 64*1/2 67 67*1/2 69*1/2 71 69*1/2 67*1/2")


def test_what_the_header_says() -> None:
    waltz = read_piece(FOLDER / "abc-waltz-pickup.abc")
    assert (waltz.metre, waltz.pickup, waltz.division) == (Metre(3, 4), 2, 2)
    assert read_piece(FOLDER / "abc-key-unicode-flat.abc").key == Key("Eb")
    assert read_piece(FOLDER / "abc-tempo-range.abc").tempo is None
    assert read_piece(FOLDER / "midi-tempo-4-bytes.mid").tempo == 60


def test_a_file_without_tracks_is_refused() -> None:
    with pytest.raises(ReadError, match="there are no tracks"):
        read_piece(FOLDER / "midi-format2-no-tracks.mid")


def test_every_case_is_tested() -> None:
    text = (
        Path(__file__)
        .read_text(encoding="utf-8")
        .replace("midi-melody-{name}", "midi-melody-played midi-melody-swing")
    )
    assert [path.name for path in FOLDER.iterdir() if path.name.removesuffix(".mid") not in text] == []
