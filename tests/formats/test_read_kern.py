"""The kern reader: every feature of an Essen song, every way to break one, and music21's word for it."""

from __future__ import annotations

import logging
import zipfile
from fractions import Fraction

import pytest

from corpora import published
from etude.formats.kern.reader import parse_kern, read_kern_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Key, Metre
from file_reading import read_path


def song(*lines: str, end: str = "*-") -> str:
    return "\n".join(("!!!OTL: Title", "**kern", *lines, end, ""))


def piece_of(*lines: str):
    reading = parse_kern(song(*lines), "a.krn")
    assert reading.rejected == []
    return reading.pieces[0]


def rejection_of(text: str):
    reading = parse_kern(text, "a.krn")
    assert reading.pieces == []
    return reading.rejected[0]


def heard(piece):
    return [(note.onset, note.duration, note.pitch) for note in piece.notes]


def test_a_song_is_read_whole():
    piece = piece_of(
        "*M3/4", "*k[b-]", "*F:", "{8f", "8g", "=1", "4a", "8b-", "8g", "4cc}", "=2", "2f", "4r", "=="
    )
    assert heard(piece) == [
        (0, Fraction(1, 2), 65),
        (Fraction(1, 2), Fraction(1, 2), 67),
        (1, 1, 69),
        (2, Fraction(1, 2), 70),
        (Fraction(5, 2), Fraction(1, 2), 67),
        (3, 1, 72),
        (4, 2, 65),
    ]
    assert (piece.title, piece.name, piece.key) == ("Title", "a.krn", Key("F"))
    assert piece.metres == ((0, Metre(3, 4)),)
    assert Fraction(piece.pickup, piece.division) == 1
    assert piece.quarters == 7  # the rest at the end counts


@pytest.mark.parametrize(
    ("recip", "quarters"),
    [
        ("0", 8),
        ("00", 16),
        ("1", 4),
        ("2", 2),
        ("4", 1),
        ("16", Fraction(1, 4)),
        ("4.", Fraction(3, 2)),
        ("4..", Fraction(7, 4)),
        ("6", Fraction(2, 3)),
        ("12", Fraction(1, 3)),
        ("24", Fraction(1, 6)),
        ("0.", 12),
        ("3%2", Fraction(8, 3)),
    ],
)
def test_durations_are_exact(recip, quarters):
    assert heard(piece_of(f"{recip}c", "4d")) == [(0, quarters, 60), (quarters, 1, 62)]


@pytest.mark.parametrize(
    ("token", "pitch"),
    [
        ("c", 60),
        ("cc", 72),
        ("C", 48),
        ("CC", 36),
        ("b-", 70),
        ("B#", 60),
        ("c--", 58),
        ("f##", 67),
        ("en", 64),
    ],
)
def test_pitches(token, pitch):
    assert heard(piece_of(f"4{token}")) == [(0, 1, pitch)]


def test_ties_become_one_note_over_bar_lines():
    assert heard(piece_of("[4c", "=1", "2c_", "=2", "4c]", "4d")) == [(0, 4, 60), (4, 1, 62)]


def test_grace_notes_take_no_time():
    assert heard(piece_of("8qd", "ddq", "4c", "4e")) == [(0, 1, 60), (1, 1, 64)]


def test_successive_rests_are_one_silence():
    assert heard(piece_of("4c", "4r", "8r", "4d")) == [(0, 1, 60), (Fraction(5, 2), 1, 62)]


def test_a_metre_change_has_its_time():
    piece = piece_of("*M2/4", "4c", "4d", "=2", "*M3/4", "4e")
    assert [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres] == [
        (0, Metre(2, 4)),
        (2, Metre(3, 4)),
    ]


def test_tempo_in_quarters_a_minute():
    assert piece_of("*MM96", "4c").tempos == ((0, 96.0),)
    assert piece_of("*MM[Allegro]120.5", "4c").tempos == ((0, 120.5),)


@pytest.mark.parametrize("line", ["*MM100-120", "*MM[Allegro]", "*MM60-", "*MM0"])
def test_a_range_or_a_word_states_no_tempo(line):
    assert piece_of(line, "4c").tempos == ()


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (("*a:",), Key("A", "minor")),
        (("*E-:",), Key("Eb")),
        (("*f#:",), Key("F#", "minor")),
        (("*d:dor",), Key("D", "dorian")),
        (("*k[f#c#]",), Key("D")),  # a signature alone is taken for major
        (("*k[b-]", "*d:"), Key("D", "minor")),
        ((), None),
    ],
)
def test_keys(lines, key):
    assert piece_of(*lines, "4c").key == key


def test_no_pickup_when_the_first_bar_is_whole():
    assert piece_of("*M2/4", "4c", "4d", "=2", "4e").pickup == 0
    assert piece_of("*M2/4", "=1", "4c", "=2", "4e").pickup == 0


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        pytest.param(song("4c\t4e"), "tokens is 2, the number of spines 1", "line 3", id="too many fields"),
        pytest.param("**dynam\np\n*-\n", "not **kern", "line 1", id="another representation"),
        pytest.param("**dynam\t**text\np\ta\n*-\t*-\n", "no **kern spine", "line 1", id="other spines only"),
        pytest.param("4c\n4d\n", "before **kern", "line 1", id="no exclusive interpretation"),
        pytest.param("!! nothing else\n", "no **kern spine", "", id="comments only"),
        pytest.param(song("4c", end=""), "cut short", "", id="no spine end"),
        pytest.param(song("4c") + "4d\n", "after the end", "line 5", id="data after the end"),
        pytest.param(song("**kern", "4c"), "a second", "line 3", id="second exclusive interpretation"),
        pytest.param(song("c"), "no duration", "line 3", id="no recip"),
        pytest.param(song("4c8"), "two durations", "line 3", id="two recips"),
        pytest.param(song("4%0c"), "", "line 3", id="recip divided by zero"),
        pytest.param(song("4ce"), "'c' in '4ce'", "line 3", id="two letters"),
        pytest.param(song("4"), "not one note", "line 3", id="recip alone"),
        pytest.param(song("4h"), "not one note", "line 3", id="no such letter"),
        pytest.param(song("4c§"), "'§'", "line 3", id="unknown sign"),
        pytest.param(song("4c#-"), "", "line 3", id="sharp and flat"),
        pytest.param(song("4ccccccccc"), "", "line 3", id="nine octaves"),
        pytest.param(song("4gggggg#"), "out of range", "line 3", id="above MIDI"),
        pytest.param(song("4CCCCCC"), "out of range", "line 3", id="below MIDI"),
        pytest.param(song("[4c", "4d"), "tie is open", "line 4", id="tie not closed"),
        pytest.param(song("[4c", "4r"), "tie is open", "line 4", id="tie into a rest"),
        pytest.param(song("4c]"), "does not begin", "line 3", id="tie not opened"),
        pytest.param(song("[4c", "4d]"), "two different pitches", "line 4", id="tie to another pitch"),
        pytest.param(song("[4c"), "still open", "", id="tie open at the end"),
        pytest.param(song("[4r"), "rest", "line 3", id="tied rest"),
        pytest.param(song("*M4/3", "4c"), "metre", "line 3", id="metre of thirds"),
        pytest.param(song("*M0/4", "4c"), "metre", "line 3", id="metre of no beats"),
        pytest.param(song("*k[x]", "4c"), "key signature", "line 3", id="signature of no letters"),
        pytest.param(song("*c:xyz", "4c"), "key", "line 3", id="unknown mode"),
        pytest.param(song("4r"), "no notes", "", id="rests only"),
        pytest.param(song("4c" + "~" * 99), "101 characters", "line 3", id="a token like no note"),
        pytest.param("", "empty", "", id="empty file"),
    ],
)
def test_text_that_is_no_song_is_rejected(text, reason, place):
    reading = read_kern_bytes(text.encode(), "a.krn")
    assert reading.pieces == []
    (error,) = reading.rejected
    assert reason in error.reason
    assert (error.path, error.place) == ("a.krn", place)


def test_a_control_character_ends_the_token_and_is_reported(caplog):
    with caplog.at_level(logging.WARNING):
        assert heard(piece_of("4.B\b8G", "4c")) == [(0, Fraction(3, 2), 59), (Fraction(3, 2), 1, 60)]
    assert "control character" in caplog.text


def test_durations_without_a_common_unit_are_rejected():
    primes = [p for p in range(1000, 1400) if all(p % q for q in range(2, 38))]
    assert "time unit" in rejection_of(song(*(f"{p}c" for p in primes))).reason


def published_songs():
    with zipfile.ZipFile(published("erk.zip")) as archive:
        return {
            name.removeprefix("erk/"): archive.read(name)
            for name in sorted(archive.namelist())
            if name.startswith("erk/") and name.endswith(".krn")
        }


def test_every_published_song_is_read(tmp_path):
    songs = published_songs()
    readings = [read_kern_bytes(data, name) for name, data in songs.items()]
    assert len(readings) == 1700
    assert [error for reading in readings for error in reading.rejected] == []
    assert all(reading.pieces[0].key for reading in readings)
    name, data = next(iter(songs.items()))
    (tmp_path / name).write_bytes(data)
    assert read_path(tmp_path / name, read_kern_bytes).pieces == readings[0].pieces


def test_songs_agree_with_music21(tmp_path):
    """Every 40th song and the damaged one; for all of them see benchmarks/check_readers.py."""
    songs = published_songs()
    for name in [*list(songs)[::40], "deut1328.krn"]:
        path = tmp_path / name
        path.write_bytes(songs[name])
        [ours] = read_path(path, read_kern_bytes).pieces
        [theirs] = read_path(path, read_with_music21_bytes).pieces
        assert ours == theirs, name  # onsets, durations, pitches, length
        assert (ours.key, ours.title) == (theirs.key, theirs.title)
