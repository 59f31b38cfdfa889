"""Piece → MusicXML → the same notes, read by music21; valid by the schema; quiet in Verovio."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import converter

from etude.formats.music21_reader import read_with_music21_bytes
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.formats.musicxml.writer import musicxml_bytes
from etude.music import Key, Metre, Note, Piece
from etude.music.spelling import written_key
from etude.notation.bars import bars_of
from etude.notation.choir import VOICES
from etude.notation.layout import score_of
from music21_notes import Row, sounding_notes
from strategies import choirs, keys, melodies, pieces, polyphony

few = settings(max_examples=12, deadline=None)


def music21_score(piece: Piece) -> Any:
    return converter.parseData(musicxml_bytes(piece).decode(), format="musicxml")


def written_notes(piece: Piece) -> list[Row]:
    """Notes of a piece as a page shows them: doubled notes of one part are one."""
    return sorted(
        (onset, duration, pitch) for onset, duration, pitch, _ in {(*n[:3], n.part) for n in piece.notes}
    )


@few
@given(melodies(max_notes=12))
def test_music21_reads_the_same_melody(piece: Piece) -> None:
    assert sounding_notes(music21_score(piece)) == written_notes(piece)


@few
@given(polyphony(max_notes=10, parts=1) | polyphony(max_notes=10, parts=2) | polyphony(max_notes=10, parts=3))
def test_music21_reads_the_same_polyphony(piece: Piece) -> None:
    assert sounding_notes(music21_score(piece)) == written_notes(piece)


@few
@given(choirs())
def test_a_choir_comes_back_voice_by_voice_with_its_programs(piece: Piece) -> None:
    assert sounding_notes(music21_score(piece)) == written_notes(piece)
    [read] = read_musicxml_bytes(musicxml_bytes(piece), "choir").pieces
    assert read.notes == piece.notes
    assert read.part_names == (piece.part_names or VOICES)
    assert read.programs == piece.programs


def test_an_instrument_keeps_its_program() -> None:
    violin = Piece.from_notes([(0, 1, 72)], programs=(41,))
    [read] = read_musicxml_bytes(musicxml_bytes(violin), "violin").pieces
    assert read.programs == (41,)


def test_the_voices_of_a_choir_have_stems_of_their_own() -> None:
    notes = [Note(Fraction(0), Fraction(1), pitch, part=part) for part, pitch in enumerate((72, 67, 60, 48))]
    root = ET.fromstring(musicxml_bytes(Piece.from_notes(notes)))
    assert [note.findtext("stem") for note in root.iter("note") if note.find("pitch") is not None] == [
        "up", "down", "up", "down"
    ]  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of MusicXML 4.0, as its standard publishes it."""
    xmlschema = pytest.importorskip("xmlschema")
    return xmlschema.XMLSchema(str(Path(__file__).parent / "musicxml-4.0" / "musicxml.xsd"))


@settings(max_examples=25, deadline=None)
@given(pieces=pieces() | choirs() | polyphony(pitches=st.integers(0, 127)))
def test_the_schema_is_kept(schema: Any, pieces: Piece) -> None:
    assert list(schema.iter_errors(ET.fromstring(musicxml_bytes(pieces)))) == []


@few
@given(polyphony(pitches=st.integers(0, 127)))
def test_any_pitch_comes_back(piece: Piece) -> None:
    [read] = read_musicxml_bytes(musicxml_bytes(piece), "a").pieces
    assert sorted(note[:3] for note in read.notes) == sorted(note[:3] for note in piece.notes)


def test_a_low_pitch_comes_back_however_its_key_spells_it() -> None:
    for fifths in range(-7, 8):
        piece = Piece.from_notes(
            [(0, 1, pitch) for pitch in range(13)], key=Key.from_fifths(fifths, "locrian")
        )
        [read] = read_musicxml_bytes(musicxml_bytes(piece), "a").pieces
        assert read.pitch.tolist() == list(range(13))


def test_a_pitch_below_octave_0_is_written_there_with_an_alteration() -> None:
    root = ET.fromstring(musicxml_bytes(Piece.from_notes([(0, 1, 0), (1, 1, 1), (2, 1, 12)])))
    written = [[pitch.findtext(name) for name in ("step", "alter", "octave")] for pitch in root.iter("pitch")]
    assert written == [["C", "-12", "0"], ["C", "-11", "0"], ["C", None, "0"]]


@pytest.mark.parametrize("offset", [Fraction(1, 3), Fraction(1, 480), Fraction(7, 11)])
def test_a_tempo_between_two_divisions_stays_where_it_is(offset: Fraction) -> None:
    tempos = [(0, 60.0), (4 + offset, 90.0)]
    piece = Piece.from_notes([(0, 4, 60), (4, 4, 62)], tempos=tempos)
    [read] = read_musicxml_bytes(musicxml_bytes(piece), "a").pieces
    assert [(Fraction(tick, read.division), tempo) for tick, tempo in read.tempos] == tempos


fine_times = st.sampled_from([16, 48, 80, 112]).flatmap(
    lambda parts: st.integers(0, 4 * parts).map(lambda part: Fraction(part, parts))
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(fine_times, fine_times, st.integers(50, 70)), min_size=1, max_size=6),
    st.sampled_from(
        [Metre(4, 4), Metre(3, 8), Metre(7, 16), Metre(5, 64), Metre(16, 4), Metre(255, 4), Metre(2, 1)]
    ),
)
def test_any_rhythm_and_metre_can_be_written(
    rows: list[tuple[Fraction, Fraction, int]], metre: Metre
) -> None:
    notes = [(min(a, b), abs(a - b) or Fraction(1, 16), pitch) for a, b, pitch in rows]
    piece = Piece.from_notes([*notes, (4, 40, 40)], metres=[(0, metre)])
    root = ET.fromstring(musicxml_bytes(piece))
    divisions = int(root.findtext(".//divisions", ""))
    for measure in root.iter("measure"):
        voices: dict[str, int] = defaultdict(int)
        for note in measure.iter("note"):
            if note.find("chord") is None:
                voices[note.findtext("voice", "")] += int(note.findtext("duration", ""))
        assert all(length == metre.quarters * divisions for length in voices.values())


@settings(max_examples=60, deadline=None)
@given(pieces() | choirs())
def test_every_voice_begins_with_its_bar_and_ends_with_it(piece: Piece) -> None:
    """A program goes from note to note and back: a pickup bar is shorter than its metre."""
    bars = bars_of(score_of(piece).piece)
    for part in ET.fromstring(musicxml_bytes(piece)).iter("part"):
        divisions = int(part.findtext(".//divisions", ""))
        for measure, bar in zip(part.findall("measure"), bars, strict=True):
            moves = {"note": 1, "backup": -1}
            position, ends = 0, []
            for element in measure:
                if element.tag in moves and element.find("chord") is None:
                    if element.tag == "backup":
                        ends.append(position)
                    position += moves[element.tag] * int(element.findtext("duration", ""))
                    assert position == 0 or element.tag == "note"
            assert {*ends, position} == {bar.length * divisions}


@given(st.none() | keys)
def test_a_mode_is_stated_where_the_piece_has_a_key(key: Key | None) -> None:
    root = ET.fromstring(musicxml_bytes(Piece.from_notes([(0, 4, 60)], key=key)))
    assert root.findtext(".//key/fifths") == str(written_key(key).fifths)
    assert root.findtext(".//key/mode") == (key.mode if key else None)


def one_bar(*notes: tuple[Fraction | int, Fraction | int, int], **header: Any) -> ET.Element:
    return ET.fromstring(musicxml_bytes(Piece.from_notes(notes, **header)))


def test_five_sixteenths_are_two_heads_under_a_tie() -> None:
    root = one_bar((0, Fraction(5, 4), 60))
    sounding = [note for note in root.iter("note") if note.find("pitch") is not None]
    assert [note.findtext("type") for note in sounding] == ["quarter", "16th"]
    assert [[tie.get("type") for tie in note.findall("tie")] for note in sounding] == [["start"], ["stop"]]
    assert [[tie.get("type") for tie in note.iter("tied")] for note in sounding] == [["start"], ["stop"]]


def test_a_triplet_is_marked() -> None:
    third = Fraction(1, 3)
    notes = list(one_bar((0, third, 60), (third, third, 62), (2 * third, third, 64)).iter("note"))[:3]
    assert [note.findtext("type") for note in notes] == ["eighth"] * 3
    assert [note.findtext("time-modification/actual-notes") for note in notes] == ["3"] * 3
    assert [[mark.get("type") for mark in note.iter("tuplet")] for note in notes] == [["start"], [], ["stop"]]


def test_the_header_is_written(tmp_path: Path) -> None:
    piece = Piece.from_notes(
        [(0, 1, 62), (1, 3, 65)],
        title="Für <Elise> & \x07co",
        key=Key("D", "minor"),
        metres=[(0, Metre(3, 4))],
        tempos=[(0, 92.5)],
        pickup=1,
    )
    (tmp_path / "a.musicxml").write_bytes(musicxml_bytes(piece))
    root = ET.fromstring((tmp_path / "a.musicxml").read_bytes())
    assert root.findtext("work/work-title") == "Für <Elise> & co"
    assert root.findtext(".//key/fifths") == "-1"
    assert root.findtext(".//key/mode") == "minor"
    assert (root.findtext(".//beats"), root.findtext(".//beat-type")) == ("3", "4")
    assert [bar.get("number") for bar in root.iter("measure")] == ["0", "1"]
    assert [bar.get("implicit") for bar in root.iter("measure")] == ["yes", None]
    (sound,) = root.iter("sound")
    assert sound.get("tempo") == "92.5"
    assert root.findtext(".//per-minute") == "92"


def test_the_beat_of_six_eight_is_a_dotted_quarter() -> None:
    root = one_bar((0, 3, 60), metres=[(0, Metre(6, 8))], tempos=[(0, 90.0)])
    assert root.find(".//beat-unit-dot") is not None
    assert root.findtext(".//per-minute") == "60"
    assert next(root.iter("sound")).get("tempo") == "90"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 47), st.sampled_from([0, 1, Fraction(3, 2)]))
def test_a_tempo_is_written_where_it_begins(place: int, pickup: Fraction | int) -> None:
    time = Fraction(place, 4)
    notes = [(Fraction(sixteenth, 4), Fraction(1, 4), 60) for sixteenth in range(48)]
    root = one_bar(*notes, metres=[(0, Metre(3, 4))], pickup=pickup, tempos=[(time, 90.0)])
    divisions, begin = int(root.findtext(".//divisions", "")), Fraction(0)
    for measure in root.iter("measure"):
        if (direction := measure.find("direction")) is not None:
            assert begin + Fraction(int(direction.findtext("offset", "0")), divisions) == time
            return
        begin += Fraction(sum(int(each.text or "") for each in measure.findall("note/duration")), divisions)
    pytest.fail("no tempo is written")


def test_accidentals_hold_for_the_bar_and_are_cancelled() -> None:
    root = one_bar((0, 1, 66), (1, 1, 66), (2, 1, 65), (3, 2, 66), (5, 1, 66))
    shown = [note.findtext("accidental") for note in root.iter("note") if note.find("pitch") is not None]
    # The F sharp that is tied over the bar line shows nothing; the one struck after it does.
    assert shown == ["sharp", None, "natural", "sharp", None, "sharp"]


def test_hands_share_a_grand_staff() -> None:
    notes = [Note(Fraction(0), Fraction(4), pitch, 80, part) for part, pitch in enumerate((72, 48))]
    root = ET.fromstring(musicxml_bytes(Piece.from_notes(notes)))
    assert root.findtext(".//staves") == "2"
    assert [clef.findtext("sign") for clef in root.iter("clef")] == ["G", "F"]
    assert [note.findtext("staff") for note in root.iter("note")] == ["1", "2"]
    assert len(root.findall(".//backup")) == 1


def test_chords_share_a_stem() -> None:
    root = one_bar((0, 4, 60), (0, 4, 64), (0, 4, 67))
    assert [note.find("chord") is not None for note in root.iter("note")] == [False, True, True]


def test_rests_of_a_second_voice_are_hidden() -> None:
    root = one_bar((0, 4, 72), (1, 2, 64))
    rests = [note for note in root.iter("note") if note.find("rest") is not None]
    assert [(rest.findtext("voice"), rest.get("print-object")) for rest in rests] == [
        ("2", "no"),
        ("2", "no"),
    ]


def test_the_same_piece_gives_the_same_bytes() -> None:
    piece = Piece.from_notes([(0, 1, 60), (0, 2, 64)], title="t")
    assert musicxml_bytes(piece) == musicxml_bytes(piece)


@few
@given(melodies(max_notes=12) | polyphony(max_notes=8, parts=1))
def test_velocities_come_back(piece: Piece) -> None:
    """Those that notes of one pitch do not share by beginning at once."""
    [read] = read_with_music21_bytes(musicxml_bytes(piece), "a.musicxml").pieces
    wanted = {(note.onset, note.pitch): note.velocity for note in piece.notes}
    assert {(note.onset, note.pitch): note.velocity for note in read.notes} == wanted
