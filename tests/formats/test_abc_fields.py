"""The ABC reader: the fields that bear on the sound."""

from __future__ import annotations

from fractions import Fraction

import pytest

from abc_tunes import durations, header, letters, piece_of, pitches
from etude.music import Key, Metre


@pytest.mark.parametrize(
    ("metre", "unit", "quarters"),
    [
        ("4/4", "", Fraction(1, 2)),
        ("3/4", "", Fraction(1, 2)),
        ("6/8", "", Fraction(1, 2)),
        ("2/4", "", Fraction(1, 4)),
        ("C", "", Fraction(1, 2)),
        ("none", "", Fraction(1, 2)),
        ("3/8", "", Fraction(1, 4)),
        ("4/4", "1/16", Fraction(1, 4)),
        ("4/4", "1", 4),
        ("C|", "1/8", Fraction(1, 2)),
    ],
)
def test_unit_note_length_by_field_or_by_metre(metre, unit, quarters):
    assert durations("A", header(M=metre, L=unit)) == [quarters]


def test_a_change_of_metre_leaves_the_unit_note_length():
    assert durations("A|\nM:2/4\nK:G\nA", header(M="4/4", L="")) == [Fraction(1, 2), Fraction(1, 2)]


@pytest.mark.parametrize(
    ("text", "metre"),
    [
        ("C", Metre(4, 4)),
        ("C|", Metre(2, 2)),
        ("6/8", Metre(6, 8)),
        ("2+3/8", Metre(5, 8)),
        ("(2+2+3)/8", Metre(7, 8)),
        ("none", None),
        ("", None),
    ],
)
def test_metres(text, metre):
    assert piece_of("A", header(M=text)).metre == metre


def test_metre_changes_in_the_body():
    piece = piece_of("AAAA|\nM:3/4\nAAA|[M:2/4]AA|[M:2/4]AA|")
    changes = [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres]
    assert changes == [(0, Metre(4, 4)), (4, Metre(3, 4)), (7, Metre(2, 4))]


@pytest.mark.parametrize(
    ("text", "quarters_a_minute"),
    [
        ("1/4=120", 120),
        ("1/8=120", 60),
        ("3/8=60", 90),
        ('"Allegro" 1/4=90', 90),
        ('1/4=90 "Allegro"', 90),
        ("120", 120),
        ("C=60", 60),
        ("C3=40", 120),
        ("1/4 1/8=40", 60),
        ('"Andante"', None),
        ("", None),
    ],
)
def test_tempo(text, quarters_a_minute):
    assert piece_of("A", header(Q=text)).tempo == quarters_a_minute


def test_tempo_change_in_the_body():
    piece = piece_of("AA|[Q:1/4=60]A", header(Q="1/4=120"))
    assert [(Fraction(tick, piece.division), tempo) for tick, tempo in piece.tempos] == [(0, 120), (2, 60)]


@pytest.mark.parametrize(
    ("text", "key", "altered"),
    [
        ("D", Key("D"), {"F": 1, "C": 1}),
        ("Bb", Key("Bb"), {"B": -1, "E": -1}),
        ("F#m", Key("F#", "minor"), {"F": 1, "C": 1, "G": 1}),
        ("A Dorian", Key("A", "dorian"), {"F": 1}),
        ("Amix", Key("A", "mixolydian"), {"F": 1, "C": 1}),
        ("G minor", Key("G", "minor"), {"B": -1, "E": -1}),
        ("EMIN", Key("E", "minor"), {"F": 1}),
        ("D Phr", Key("D", "phrygian"), {"B": -1, "E": -1}),
        ("F lydian", Key("F", "lydian"), {}),
        ("B locrian", Key("B", "locrian"), {}),
        ("C ionian", Key("C"), {}),
        ("A aeolian", Key("A", "minor"), {}),
        ("C#", Key("C#"), dict.fromkeys("CDEFGAB", 1)),
        ("Cb", Key("Cb"), dict.fromkeys("CDEFGAB", -1)),
        ("HP", Key("A", "mixolydian"), {"F": 1, "C": 1}),
        ("Hp", Key("A", "mixolydian"), {"F": 1, "C": 1}),
        ("D =c", Key("D"), {"F": 1}),
        ("D phr ^f", Key("D", "phrygian"), {"B": -1, "E": -1, "F": 1}),
        ("D exp _b _e ^f", None, {"B": -1, "E": -1, "F": 1}),
        ("none", None, {}),
        ("", None, {}),
        ("^f", None, {"F": 1}),
        ("G clef=bass", Key("G"), {"F": 1}),
        ("G bass", Key("G"), {"F": 1}),
        ("clef=bass", None, {}),
    ],
)
def test_keys(text, key, altered):
    piece = piece_of("CDEFGAB", header(K=text))
    natural = dict(zip("CDEFGAB", (60, 62, 64, 65, 67, 69, 71), strict=True))
    assert piece.key == key
    assert [note.pitch for note in piece.notes] == [
        natural[letter] + altered.get(letter, 0) for letter in natural
    ]


@pytest.mark.parametrize(
    ("text", "semitones"),
    [
        ("C octave=-1", -12),
        ("C transpose=-2", -2),
        ("C clef=treble-8", -12),
        ("C treble+8", 12),
        ("C clef=bass", 0),
    ],
)
def test_transposing_clefs(text, semitones):
    assert pitches("C", header(K=text)) == [60 + semitones]


def test_key_changes_in_the_body():
    assert pitches("F|\nK:G\nF|[K:C]F [K:clef=bass] F") == [65, 66, 65, 65]


def test_user_defined_decorations():
    assert letters("U:n = !tenuto!\nnA nB") == "AB"


def test_voices_become_parts():
    piece = piece_of("V:1\nCD|\nV:2\nE2|\n[V:1]E2|[V:2]GA|", header(V='1 name="Air"\nV:2 clef=bass'))
    assert [(note.onset, note.pitch, note.part) for note in piece.notes] == [
        (0, 60, 0),
        (0, 64, 1),
        (1, 62, 0),
        (2, 64, 0),
        (2, 67, 1),
        (3, 69, 1),
    ]
    assert piece.part_names == ("Air", "2")


@pytest.mark.parametrize(
    ("in_header", "in_body", "pitch"),
    [
        ("2", "2 clef=treble-8", 48),
        ("2\tclef=treble-8", "2", 48),
        ("2 clef=treble-8", "2\tclef=treble-8", 48),
        ("2 clef=treble-8", "2 clef=bass", 60),
        ("2 treble-8", '2 stem=up name="Bass-8"', 48),
        ("2 octave=1 transpose=2", "2 octave=-1", 50),
        ("2\nV:2 clef=treble-8", "2", 48),
    ],
)
def test_a_voice_sounds_where_the_last_word_on_it_says(in_header, in_body, pitch):
    assert pitches(f"V:{in_body}\nC", header(V=in_header)) == [pitch]
    assert pitches(f"[V:{in_body}]C", header(V=in_header)) == [pitch]


def test_a_voice_changes_its_octave_by_its_field():
    assert pitches("V:1\nC|\nV:1 octave=-1\nC|\nV:1\nC|") == [60, 48, 48]


def test_a_voice_has_its_own_key_and_length():
    piece = piece_of("[V:a][K:G][L:1/8]F F|[V:b]F|")
    notes = [(note.duration, note.pitch, note.part) for note in piece.notes]
    assert notes == [(Fraction(1, 2), 66, 0), (1, 65, 1), (Fraction(1, 2), 66, 0)]
