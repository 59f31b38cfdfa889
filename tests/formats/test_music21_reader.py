"""music21 as a reader: its notes flattened, its exceptions as rejections."""

from __future__ import annotations

import os
from fractions import Fraction

from abc_tunes import heard
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Key, Metre
from file_reading import read_path


def note(step: str, octave: int, duration: int, inside: str = "", before: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{duration}</duration>{inside}</note>"


def rest(duration: int) -> str:
    return f"<note><rest/><duration>{duration}</duration></note>"


MUSICXML = f"""<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><work><work-title>Two parts</work-title></work>
<part-list><score-part id="P1"><part-name>Voice</part-name></score-part>
<score-part id="P2"><part-name>Bass</part-name></score-part></part-list>
<part id="P1">
<measure number="0" implicit="yes"><attributes><divisions>2</divisions>
<key><fifths>-1</fifths><mode>minor</mode></key><time><beats>2</beats><beat-type>4</beat-type></time>
</attributes><direction><sound tempo="90"/></direction>{note("D", 4, 1)}</measure>
<measure number="1">
<note><grace/><pitch><step>C</step><octave>5</octave></pitch><type>eighth</type></note>
{note("F", 4, 4, '<tie type="start"/>')}{note("A", 4, 4, before="<chord/>")}</measure>
<measure number="2">{note("F", 4, 2, '<tie type="stop"/>')}{rest(2)}</measure>
</part>
<part id="P2">
<measure number="0" implicit="yes"><attributes><divisions>2</divisions></attributes>{rest(1)}</measure>
<measure number="1">{note("D", 3, 4)}</measure>
<measure number="2">{note("D", 3, 4)}</measure>
</part>
</score-partwise>
"""


def test_a_score_in_musicxml(tmp_path):
    path = tmp_path / "two.musicxml"
    path.write_text(MUSICXML)
    reading = read_path(path, read_with_music21_bytes)
    assert reading.rejected == []
    (piece,) = reading.pieces
    half = Fraction(1, 2)
    notes = [(note.onset, note.duration, note.pitch, note.part) for note in piece.notes]
    assert notes == [
        (0, half, 62, 0),
        (half, 3, 65, 0),
        (half, 2, 69, 0),
        (half, 2, 50, 1),
        (Fraction(5, 2), 2, 50, 1),
    ]
    assert piece.quarters == Fraction(9, 2)
    assert (piece.title, piece.name, piece.key) == ("Two parts", "two.musicxml", Key("D", "minor"))
    assert (piece.metre, piece.tempo) == (Metre(2, 4), 90)
    assert Fraction(piece.pickup, piece.division) == half
    assert piece.part_names == ("Voice", "Bass")


def test_a_tunebook_gives_a_piece_for_each_tune(tmp_path):
    path = tmp_path / "book.abc"
    path.write_text("X:1\nT:One\nM:4/4\nL:1/4\nK:G\nF\n\nX:7\nT:Seven\nM:4/4\nL:1/4\nK:C\nA\n")
    pieces = read_path(path, read_with_music21_bytes).pieces
    assert [(piece.name, heard(piece)) for piece in pieces] == [
        ("book.abc X:1", [(0, 1, 66)]),
        ("book.abc X:7", [(0, 1, 69)]),
    ]


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "a.krn"
    for pitch, letter in ((60, "c"), (62, "d")):
        path.write_text(f"**kern\n*M4/4\n4{letter}\n*-\n")
        os.utime(path, (1, 1))  # older than whatever music21 has in its cache
        assert heard(read_path(path, read_with_music21_bytes).pieces[0]) == [(0, 1, pitch)]


def test_what_music21_cannot_read(tmp_path):
    for name, text in (("a.musicxml", "<score-partwise><part>"), ("a.krn", "garbage"), ("a.xyz", "garbage")):
        path = tmp_path / name
        path.write_text(text)
        reading = read_path(path, read_with_music21_bytes)
        assert reading.pieces == []
        (error,) = reading.rejected
        assert error.path == str(path)


def test_a_score_without_notes(tmp_path):
    path = tmp_path / "a.abc"
    path.write_text("X:1\nM:4/4\nL:1/4\nK:C\nz4\n")
    (error,) = read_path(path, read_with_music21_bytes).rejected
    assert error.reason == "there are no notes"


def one_part(*measures: str, transposed: str = "") -> str:
    numbered = "".join(f'<measure number="{n}">{text}</measure>' for n, text in enumerate(measures, start=1))
    attributes = "<attributes><divisions>1</divisions><key><fifths>2</fifths></key>{}</attributes>"
    return numbered.replace(">", ">" + attributes.format(transposed), 1)


def score_of(*parts: str) -> str:
    names = "".join(
        f'<score-part id="P{n}"><part-name>{n}</part-name></score-part>' for n in range(len(parts))
    )
    bodies = "".join(f'<part id="P{n}">{part}</part>' for n, part in enumerate(parts))
    return f'<score-partwise version="4.0"><part-list>{names}</part-list>{bodies}</score-partwise>'


def test_a_transposing_instrument_is_read_as_it_sounds(tmp_path):
    transpose = "<transpose><diatonic>{}</diatonic><chromatic>{}</chromatic>{}</transpose>"
    a_tone_down = transpose.format(-1, -2, "")
    an_octave_down = transpose.format(0, 0, "<octave-change>-1</octave-change>")
    path = tmp_path / "band.musicxml"
    path.write_text(
        score_of(
            one_part(note("D", 5, 4), transposed=a_tone_down),
            one_part(note("C", 5, 4), transposed=an_octave_down),
            one_part(note("C", 5, 4)),
        )
    )
    [piece] = read_path(path, read_with_music21_bytes).pieces
    assert piece.pitch.tolist() == [72, 60, 72]
    assert piece.key == Key("C")
    path.write_text(score_of(one_part(note("C", 5, 4), transposed=an_octave_down)))  # a guitar alone
    [piece] = read_path(path, read_with_music21_bytes).pieces
    assert piece.pitch.tolist() == [60]
    assert piece.key == Key("D")


def test_a_tie_stays_where_another_voice_strikes_its_pitch_meanwhile(tmp_path):
    back = "<backup><duration>4</duration></backup><forward><duration>2</duration></forward>"
    path = tmp_path / "voices.musicxml"
    path.write_text(
        score_of(
            one_part(
                note("C", 5, 4, '<tie type="start"/><voice>1</voice>')
                + back
                + note("C", 5, 2, "<voice>2</voice>"),
                note("C", 5, 4, '<tie type="stop"/><voice>1</voice>'),
            )
        )
    )
    [piece] = read_path(path, read_with_music21_bytes).pieces
    assert sorted((n.onset, n.duration) for n in piece.notes) == [(0, 8), (2, 2)]


def test_kern_has_two_endings(tmp_path):
    for name in ("song.krn", "song.kern", "SONG.KERN"):
        reading = read_with_music21_bytes(b"**kern\n*M4/4\n1c\n*-\n", str(tmp_path / name))
        assert [piece.pitch.tolist() for piece in reading.pieces] == [[60]], reading.rejected
