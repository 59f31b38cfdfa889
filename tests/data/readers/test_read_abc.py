"""The ABC reader: each sign and field of the standard on tunes small enough to check by eye."""

from __future__ import annotations

from fractions import Fraction

import pytest
from abc_tunes import HEADER, durations, heard, letters, piece_of, pitches

from etude.data.readers.abc import parse_abc, read_abc_bytes
from etude.scores import Key, Metre


def header(**fields: str) -> str:
    merged = {"X": "1", "T": "Title", "M": "4/4", "L": "1/4", "K": "C"} | fields
    return "".join(f"{letter}:{merged[letter]}\n" for letter in [*(k for k in merged if k != "K"), "K"])


def test_a_tune_is_read_whole():
    piece = piece_of("G|c2 e f|g z2 z|")
    assert heard(piece) == [(0, 1, 67), (1, 2, 72), (3, 1, 76), (4, 1, 77), (5, 1, 79)]
    assert (piece.title, piece.name, piece.key) == ("Title", "a.abc X:1", Key("C"))
    assert piece.metres == ((0, Metre(4, 4)),)
    assert Fraction(piece.pickup, piece.division) == 1
    assert piece.quarters == 9  # the rest at the end counts
    assert piece.part_names == ()


def test_octaves():
    assert pitches("C,, C, C c c' c'' c',") == [36, 48, 60, 72, 84, 96, 72]


def test_note_lengths():
    assert durations("A A2 A/ A// A/4 A3/2 A3/ A/3 A7/8") == [
        1,
        2,
        Fraction(1, 2),
        Fraction(1, 4),
        Fraction(1, 4),
        Fraction(3, 2),
        Fraction(3, 2),
        Fraction(1, 3),
        Fraction(7, 8),
    ]


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


def test_accidentals_last_to_the_bar_line_in_their_octave():
    assert pitches("^F F f =F F|F ^^F __B =c") == [66, 66, 77, 65, 65, 65, 67, 69, 72]


@pytest.mark.parametrize(
    ("reach", "expected"), [("not", [66, 65, 77]), ("octave", [66, 66, 77]), ("pitch", [66, 66, 78])]
)
def test_accidentals_reach_as_far_as_the_directive_says(reach, expected):
    assert pitches("^F F f", header(I=f"propagate-accidentals {reach}")) == expected
    assert pitches("^F F f", f"X:1\n%%propagate-accidentals {reach}\nL:1/4\nK:C\n") == expected


def test_ties_join_notes_and_carry_the_accidental_over_the_bar():
    assert heard(piece_of("^F2-|F F|^G4-|G2- G2")) == [(0, 3, 66), (3, 1, 65), (4, 8, 68)]


def test_a_tie_between_two_pitches_or_rests_joins_nothing():
    assert heard(piece_of("C-D z-z C")) == [(0, 1, 60), (1, 1, 62), (4, 1, 60)]


def test_broken_rhythm():
    assert durations("A>B A<B A>>B A<<B A>>>B A > B") == [
        Fraction(3, 2),
        Fraction(1, 2),
        Fraction(1, 2),
        Fraction(3, 2),
        Fraction(7, 4),
        Fraction(1, 4),
        Fraction(1, 4),
        Fraction(7, 4),
        Fraction(15, 8),
        Fraction(1, 8),
        Fraction(3, 2),
        Fraction(1, 2),
    ]
    assert durations("A>B>c") == [Fraction(3, 2), Fraction(3, 4), Fraction(1, 2)]
    assert durations("A>{g}B [Ac]>B") == [
        Fraction(3, 2),
        Fraction(1, 2),
        Fraction(3, 2),
        Fraction(3, 2),
        Fraction(1, 2),
    ]


@pytest.mark.parametrize(
    ("sign", "notes", "each"),
    [
        ("(2", 2, Fraction(3, 2)),
        ("(3", 3, Fraction(2, 3)),
        ("(4", 4, Fraction(3, 4)),
        ("(5", 5, Fraction(2, 5)),
        ("(6", 6, Fraction(1, 3)),
        ("(7", 7, Fraction(2, 7)),
        ("(8", 8, Fraction(3, 8)),
        ("(9", 9, Fraction(2, 9)),
        ("(3:2", 3, Fraction(2, 3)),
        ("(3:2:2", 2, Fraction(2, 3)),
        ("(3::2", 2, Fraction(2, 3)),
        ("(3:4:6", 6, Fraction(4, 3)),
        ("(5:4", 5, Fraction(4, 5)),
        ("(11:8", 11, Fraction(8, 11)),
        ("(3:2:", 3, Fraction(2, 3)),
    ],
)
def test_tuplets(sign, notes, each):
    assert durations(sign + "A" * notes + "B") == [each] * notes + [1]


def test_tuplets_of_5_take_three_in_compound_metre():
    assert durations("(5AAAAA", header(M="6/8")) == [Fraction(3, 5)] * 5
    assert durations("(5AAAAA", header(M="3/4")) == [Fraction(2, 5)] * 5


def test_tuplets_count_rests_and_chords_but_not_grace_notes_and_cross_bar_lines():
    third = Fraction(2, 3)
    expected = [(0, third, 69), (2 * third, third, 69), (2 * third, third, 72), (2, 1, 71)]
    assert heard(piece_of("(3A z {g}[Ac] B")) == expected
    assert durations("(3AB|cA") == [Fraction(2, 3), Fraction(2, 3), Fraction(2, 3), 1]
    assert durations("(3A>BA") == [1, Fraction(1, 3), Fraction(2, 3)]


def test_chords():
    assert heard(piece_of("[CEG]2 C")) == [(0, 2, 60), (0, 2, 64), (0, 2, 67), (2, 1, 60)]
    assert heard(piece_of("[C2E]C")) == [(0, 2, 60), (0, 1, 64), (2, 1, 60)]  # as long as its first note
    assert heard(piece_of("[CC]C")) == [(0, 1, 60), (1, 1, 60)]  # a unison is one note
    assert heard(piece_of("[CE]-[CE]")) == [(0, 2, 60), (0, 2, 64)]
    assert heard(piece_of("[C-E][CE]")) == [(0, 2, 60), (0, 1, 64), (1, 1, 64)]
    assert pitches('[^F!p!"Am"A]F') == [66, 69, 66]


def test_signs_without_sound():
    music = (
        '(AB) ~A .A uA !trill!A +fermata+A "Am7"A "^text % no"A {gf}A {/g}A A`A A\\\nA yA y3 A$ A * % comment'
    )
    assert letters(music) == "AB" + "A" * 16


def test_old_line_breaks_at_the_end_of_lines():
    assert letters("A2|!\nB2 !\n!trill!C|!\n") == "ABC"


def test_user_defined_decorations():
    assert letters("U:n = !tenuto!\nnA nB") == "AB"


def test_rests():
    assert heard(piece_of("z A x2 A")) == [(1, 1, 69), (4, 1, 69)]
    assert heard(piece_of("Z A", header(M="3/4"))) == [(3, 1, 69)]
    assert heard(piece_of("A4|Z2|X|A")) == [(0, 4, 69), (16, 1, 69)]


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


def test_a_voice_has_its_own_key_and_length():
    piece = piece_of("[V:a][K:G][L:1/8]F F|[V:b]F|")
    notes = [(note.duration, note.pitch, note.part) for note in piece.notes]
    assert notes == [(Fraction(1, 2), 66, 0), (1, 65, 1), (Fraction(1, 2), 66, 0)]


def test_voice_overlay_goes_back_to_the_bar_line():
    assert heard(piece_of("A4|c2 & A4|B")) == [(0, 4, 69), (4, 4, 69), (4, 2, 72), (8, 1, 71)]


def test_lyrics_and_remarks_are_no_music():
    assert (
        letters("AB\nw:words with | bars\nW:more\n% comment\n%%text A B C\nr:remark\nN:note\nP:A\nC") == "ABC"
    )


def test_a_line_that_begins_with_a_note_and_a_repeat_is_music():
    assert letters("|:CD\nE:|") == "CDECDE"


def test_tunes_of_a_book_with_file_header_and_text_between():
    book = (
        "%abc-2.1\nM:3/4\nL:1/4\nO:Irish\n\nX:1\nT:One\nK:C\nC\n\n"
        "Free text about this: it is | not music.\n\n"
        "X:2\nT:Two\nL:1/8\nK:G\nF\n"
    )
    reading = parse_abc(book, "dir/b.abc")
    assert reading.rejected == []
    assert [(p.name, p.title, p.metre, p.notes[0].duration) for p in reading.pieces] == [
        ("b.abc X:1", "One", Metre(3, 4), 1),
        ("b.abc X:2", "Two", Metre(3, 4), Fraction(1, 2)),
    ]


def test_an_empty_line_before_the_music_does_not_lose_it():
    assert letters("\nAB|\nC|\n\nD|") == "ABCD"


def test_text_blocks_are_skipped():
    assert letters("A\n%%beginps\n(x) {y\n\nX\n%%endps\nB\n%%begintext\nwords\n%%endtext\nC") == "ABC"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfX:1\nT:Title\nM:4/4\nL:1/4\nK:C\nAB\n",
        b"X:1\r\nT:Title\r\nM:4/4\r\nL:1/4\r\nK:C\r\nAB\r\n",
        b"X:1\rT:Title\rM:4/4\rL:1/4\rK:C\rAB\r",
        "X:1\nT:Title\nM:4/4\nL:1/4\nK:C\nAB".encode("utf-16"),
        b"X:1\nT:Title\nC:Fran\xe7ois\nM:4/4\nL:1/4\nK:C\nAB\n",
    ],
    ids=["byte order mark", "CRLF", "lone CR", "UTF-16", "Latin-1"],
)
def test_encodings_and_line_ends(data):
    reading = read_abc_bytes(data, "a.abc")
    assert reading.rejected == []
    assert heard(reading.pieces[0]) == [(0, 1, 69), (1, 1, 71)]


def rejected(music: str, head: str = HEADER):
    reading = parse_abc(head + music + "\n", "a.abc")
    assert reading.pieces == []
    (error,) = reading.rejected
    assert error.path == "a.abc"
    return error.place, error.reason


@pytest.mark.parametrize(
    ("music", "reason", "line"),
    [
        ("(3AB", "lacks 1 more note", 6),
        ("A\n(3A", "lacks 2 more notes", 7),
        ("(3AB (3ABc", "lacks 1 more note", 6),
        ("(0A", "tuplet", 6),
        ("(11ABcdefgabcd", "tuplet", 6),
        ("(3:0ABc", "tuplet", 6),
        ("[CEG", "chord is not closed", 6),
        ("[CE|G]", "chord is not closed", 6),
        ("[C&]", "'&' in the chord", 6),
        ("[!p!]", "chord without notes", 6),
        ("[]A", "chord without notes", 6),
        ("{gf A", "grace note group is not closed", 6),
        ('"Am A', "chord symbol is not closed", 6),
        ("A\nB\nAhB", "unknown character 'h'", 8),
        ("Aé", "unknown character 'é'", 6),
        ("A2B 2", "unknown character '2'", 6),
        ("GA:B", "unknown character ':'", 6),
        (">A", "no note before", 6),
        ("A>>", "no note follows", 6),
        ("A> >B", "no note before", 6),
        ("-A", "tie with no note before", 6),
        ("A0", "length '0' is zero", 6),
        ("A/0", "divides by zero", 6),
        ("C,,,,,,,", "out of range", 6),
        ("c'''''", "out of range", 6),
        ("Z0", "Z0", 6),
        ("z4|", "no notes", 6),
        ("", "no notes", 5),
        ("M:4/x\nA", "metre '4/x'", 6),
        ("M:0/4\nA", "metre", 6),
        ("[L:1/0]A", "unit note length", 6),
        ("K:Q\nA", "key 'Q'", 6),
        ("K:Gfoo\nA", "key 'Gfoo'", 6),
        ("[K:C octave=x]A", "whole number", 6),
        ("Q:1/0=4\nA", "tempo", 6),
        ("Q:1/4=fast8\nA", "tempo", 6),
    ],
)
def test_what_breaks_a_rule_is_rejected_with_its_line(music, reason, line):
    place, message = rejected(music)
    assert reason in message
    assert place == f"X:1, line {line}"


def test_bars_of_rest_in_free_metre_have_no_length():
    assert "free metre" in rejected("Z A", header(M="none"))[1]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        pytest.param("X:7\nT:a\nABc|\n", "X:7, line 3", "no K: field before 'ABc|'", id="music before K:"),
        pytest.param("X:7\nT:a\n", "X:7, line 2", "no K: field", id="no K:"),
        pytest.param("X:7\n", "X:7, line 1", "no K: field", id="X: alone"),
        pytest.param("T:a\nK:C\nABc|\n", "line 1", "without an X:", id="no X:"),
        pytest.param("words\n\nABc|def|\n", "line 3", "music outside a tune", id="music without header"),
        pytest.param("just words\n", "", "no tune", id="no tune at all"),
        pytest.param("\n \n", "", "empty", id="empty file"),
        pytest.param("M:x\n\nX:1\nK:C\n", "line 1", "metre 'x'", id="bad file header"),
    ],
)
def test_what_is_no_tune_is_rejected(text, place, reason):
    error = read_abc_bytes(text.encode(), "a.abc").rejected[0]
    assert reason in error.reason
    assert (error.path, error.place) == ("a.abc", place)


def test_the_other_tunes_go_on():
    book = "".join(f"X:{n}\nK:C\n{music}\n\n" for n, music in enumerate(("AB", "(3AB", "cd"), start=1))
    reading = parse_abc(book, "a.abc")
    assert [piece.name for piece in reading.pieces] == ["a.abc X:1", "a.abc X:3"]
    assert [error.place for error in reading.rejected] == ["X:2, line 7"]


def test_lines_are_counted_over_empty_ones():
    assert rejected("\nA|\n\n\nB|h")[0] == "X:1, line 10"


def test_durations_without_a_common_unit_are_rejected():
    primes = [p for p in range(1000, 1400) if all(p % q for q in range(2, 38))]
    assert "time unit" in rejected(" ".join(f"A/{p}" for p in primes))[1]
