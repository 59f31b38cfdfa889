"""The MusicXML reader: notes by the standard, refusals, agreement with music21 on its corpus."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from fractions import Fraction
from pathlib import Path

import music21
import pytest

from etude.formats.music21_reader import read_with_music21_bytes
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.music import Key, Metre, Piece

FOUR = "<time><beats>4</beats><beat-type>4</beat-type></time>"
START, STOP = '<tie type="start"/>', '<tie type="stop"/>'


def note(name: str, duration: int, inside: str = "", before: str = "", attributes: str = "") -> str:
    pitch = (
        f"<pitch><step>{name[0]}</step><alter>{name.count('#')}</alter><octave>{name[-1]}</octave></pitch>"
    )
    return f"<note{attributes}>{before}{pitch}<duration>{duration}</duration>{inside}</note>"


def rest(duration: int) -> str:
    return f"<note><rest/><duration>{duration}</duration></note>"


def back(duration: int) -> str:
    return f"<backup><duration>{duration}</duration></backup>"


def forward(duration: int) -> str:
    return f"<forward><duration>{duration}</duration></forward>"


def measures(*contents: str, attributes: str = FOUR) -> list[str]:
    attributes = f"<attributes><divisions>1</divisions>{attributes}</attributes>"
    return [attributes + contents[0], *contents[1:]]


def score(*parts: list[str], names: tuple[str, ...] = ("A", "B", "C")) -> bytes:
    listed = "".join(
        f'<score-part id="P{part}"><part-name>{names[part]}</part-name></score-part>'
        for part in range(len(parts))
    )
    bodies = "".join(
        f'<part id="P{part}">'
        + "".join(f'<measure number="{number}">{text}</measure>' for number, text in enumerate(bars, start=1))
        + "</part>"
        for part, bars in enumerate(parts)
    )
    return f"<score-partwise><part-list>{listed}</part-list>{bodies}</score-partwise>".encode()


def read(data: bytes, name: str = "a.musicxml") -> Piece:
    reading = read_musicxml_bytes(data, name)
    assert reading.rejected == []
    return reading.pieces[0]


def heard(*contents: str, attributes: str = FOUR) -> list[tuple[Fraction, Fraction, int]]:
    piece = read(score(measures(*contents, attributes=attributes)))
    return [(n.onset, n.duration, n.pitch) for n in piece.notes]


def reason(data: bytes) -> str:
    reading = read_musicxml_bytes(data, "a.musicxml")
    assert reading.pieces == []
    return str(reading.rejected[0])


WORDS = "<direction><direction-type><words>x</words></direction-type></direction>"


@pytest.mark.parametrize(
    ("bars", "notes"),
    [
        pytest.param([note("F4", 1), note("D4", 3)], [(0, 1, 65), (1, 3, 62)], id="notes in bars"),
        pytest.param(
            [note("F4", 1) + WORDS + note("A4", 1, before="<chord/>") + note("D4", 3)],
            [(0, 1, 65), (0, 1, 69), (1, 3, 62)],
            id="a direction inside a chord",
        ),
        pytest.param(
            [note("C4", 4) + note("E4", 2, before="<chord/>"), note("G4", 4)],
            [(0, 4, 60), (0, 2, 64), (4, 4, 67)],
            id="a shorter note of a chord",
        ),
        pytest.param([note("E5", 4, before="<cue/>"), note("C4", 4)], [(4, 4, 60)], id="a cue note"),
        pytest.param(
            ["<note><grace/><pitch><step>D</step><octave>4</octave></pitch></note>" + note("C4", 4)],
            [(0, 4, 60)],
            id="a grace note",
        ),
        pytest.param([rest(1) + note("C4", 3)], [(1, 3, 60)], id="a rest"),
        pytest.param(
            [note("C5", 4) + back(4) + forward(1) + note("E4", 2) + forward(1), note("C4", 4)],
            [(0, 4, 72), (1, 2, 64), (4, 4, 60)],
            id="two voices",
        ),
        pytest.param(
            [note("C4", 4, START), note("C4", 4, STOP + START), note("C4", 1, STOP) + note("C4", 3)],
            [(0, 9, 60), (9, 3, 60)],
            id="ties over bar lines",
        ),
        pytest.param(
            [note("C5", 2) + note("D4", 2, STOP) + back(4) + note("D4", 2, START) + forward(2)],
            [(0, 4, 62), (0, 2, 72)],
            id="a tie into a voice that is written first",
        ),
        pytest.param(
            [note("C4", 2, START) + note("D4", 2, STOP)],
            [(0, 2, 60), (2, 2, 62)],
            id="a tie to another pitch",
        ),
        pytest.param(
            ["<note><unpitched/><duration>1</duration></note>" + note("C4", 3)], [(1, 3, 60)], id="percussion"
        ),
        pytest.param(["", note("C4", 4)], [(4, 4, 60)], id="an empty bar lasts as the metre says"),
    ],
)
def test_what_sounds(bars, notes):
    assert sorted(heard(*bars)) == sorted(notes)


def test_a_decimal_may_lack_the_digits_on_one_side_of_its_point():
    halves = score(measures(note("C4", 1).replace("<duration>1<", "<duration>.5<") + note("D4", 1)))
    halves = halves.replace(b"<divisions>1<", b"<divisions>1.<")
    assert [(row.onset, row.duration) for row in read(halves).notes] == [
        (0, Fraction(1, 2)),
        (Fraction(1, 2), 1),
    ]


def test_divisions_may_change_and_times_are_exact():
    thirds = "<attributes><divisions>3</divisions></attributes>"
    assert heard(note("C4", 4), thirds + note("D4", 1) + note("E4", 2) + note("F4", 9)) == [
        (0, 4, 60),
        (4, Fraction(1, 3), 62),
        (Fraction(13, 3), Fraction(2, 3), 64),
        (5, 3, 65),
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("<key><fifths>-1</fifths><mode>minor</mode></key>", Key("D", "minor")),
        ("<key><fifths>2</fifths></key>", Key("D")),
        ("<key><fifths>1</fifths><mode>dorian</mode></key>", Key("A", "dorian")),
        ("<key><key-step>F</key-step><key-alter>1</key-alter></key>", None),
        ("", None),
    ],
)
def test_keys(key, expected):
    assert read(score(measures(note("C4", 4), attributes=key))).key == expected


def time(*pairs: tuple[str, int]) -> str:
    return "<time>" + "".join(f"<beats>{b}</beats><beat-type>{u}</beat-type>" for b, u in pairs) + "</time>"


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        (time(("6", 8)), Metre(6, 8)),
        (time(("3+2", 8)), Metre(5, 8)),
        (time(("2", 4), ("3", 8)), Metre(7, 8)),
        ("<time><senza-misura/></time>", None),
    ],
)
def test_metres(sign, expected):
    assert read(score(measures(note("C4", 3), attributes=sign))).metre == expected


def mark(inside: str, more: str = "") -> str:
    return f"<direction><direction-type><metronome>{inside}</metronome></direction-type>{more}</direction>"


@pytest.mark.parametrize(
    ("sign", "tempo"),
    [
        ('<sound tempo="90"/>', 90),
        (mark("<beat-unit>half</beat-unit><per-minute>60</per-minute>"), 120),
        (mark("<beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>60</per-minute>"), 90),
        (mark("<beat-unit>half</beat-unit><per-minute>60</per-minute>", '<sound tempo="100"/>'), 100),
        (mark("<beat-unit>half</beat-unit><per-minute>c. 60</per-minute>"), None),
        (mark("<beat-unit>half</beat-unit><beat-unit>quarter</beat-unit>"), None),
    ],
)
def test_tempos(sign, tempo):
    assert read(score(measures(sign + note("C4", 4)))).tempo == tempo


def test_a_transposing_instrument_sounds_where_it_sounds():
    tone = (
        "<key><fifths>2</fifths></key><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    )
    octave = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    piece = read(score(measures(note("D5", 4), attributes=tone), measures(note("C5", 4), attributes=octave)))
    assert (piece.pitch.tolist(), piece.key) == ([72, 60], Key("C"))


def test_dynamics_of_a_note_are_its_velocity():
    piece = read(score(measures(note("C4", 2, attributes=' dynamics="100"') + note("D4", 2))))
    assert piece.velocity.tolist() == [90, 80]


def test_bars_begin_together_in_all_parts():
    piece = read(score(measures(note("C4", 1), note("D4", 4)), measures("", note("E4", 2), note("F4", 4))))
    assert [(n.onset, n.pitch, n.part) for n in piece.notes] == [
        (0, 60, 0),
        (1, 62, 0),
        (1, 64, 1),
        (5, 65, 1),
    ]
    assert (piece.pickup, piece.quarters) == (piece.division, 9)
    assert "measure 1: it lasts 8 quarter notes in one part and 4 in another" in reason(
        score(measures(note("C4", 8)), measures(note("E4", 4)))
    )


def test_rests_after_the_end_of_a_bar_take_no_time():
    piece = read(score(measures(note("C4", 4), note("D4", 4)), measures(rest(4) + rest(4), note("F4", 4))))
    assert [(n.onset, n.pitch) for n in piece.notes] == [(0, 60), (4, 62), (4, 65)]
    whole = read(score(measures(rest(8), note("D4", 4)), measures(rest(8), note("F4", 4))))
    assert whole.onset.tolist() == [8 * whole.division] * 2  # a longer bar, if all parts have it


def test_parts_with_bars_of_their_own_count_each_its_own():
    two = time(("2", 4))
    half = measures(note("E4", 2), note("F4", 2), note("G4", 2), note("A4", 2), attributes=two)
    piece = read(score(measures(note("C4", 4), note("D4", 4)), half))
    assert [(n.onset, n.pitch, n.part) for n in piece.notes] == [
        (0, 60, 0), (0, 64, 1), (2, 65, 1), (4, 62, 0), (4, 67, 1), (6, 69, 1)
    ]  # fmt: skip
    assert piece.quarters == 8
    assert "measure 1: it lasts 4 quarter notes in one part and 2" in reason(
        score(measures(note("C4", 4), note("D4", 4)), half[:3])
    )


def test_percussion_is_counted(caplog):
    drum = "<note><unpitched/><duration>2</duration></note>"
    piece = read(score(measures(drum + note("C4", 2)), measures(drum + drum)))
    assert len(piece) == 1
    assert "3 notes of percussion have no pitch and are left out" in caplog.text


def test_parts_have_names_that_stay():
    data = score(measures(note("C4", 4)), measures(note("C3", 4)), names=("Violin &amp; Co", ""))
    assert [read(data).part_names for _ in range(3)] == [("Violin & Co", "P1")] * 3


def test_timewise_is_read_as_partwise():
    text = (
        '<score-timewise><part-list><score-part id="P0"><part-name>A</part-name></score-part></part-list>'
        f'<measure number="1"><part id="P0">{measures(note("C4", 4, START))[0]}</part></measure>'
        f'<measure number="2"><part id="P0">{note("C4", 4, STOP)}</part></measure></score-timewise>'
    )
    assert read(text.encode()) == Piece.from_notes([(0, 8, 60)])


def test_a_zipped_score_whatever_its_name():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("score.xml", score(measures(note("C4", 4))))
    assert read(data.getvalue(), "a.xml") == read(data.getvalue(), "a.mxl") == Piece.from_notes([(0, 4, 60)])


def test_a_namespace_and_an_empty_line_before_the_score_are_no_obstacle():
    data = score(measures(note("C4", 4)))
    spaced = b"\n <?xml version='1.0'?>" + data.replace(
        b"<score-partwise", b"<score-partwise xmlns='urn:x'", 1
    )
    assert read(spaced) == read(data)


@pytest.mark.parametrize("tempo", ["90,5", "fast"])
def test_a_tempo_that_cannot_be_read_loses_the_tempo(tempo):
    piece = read(score(measures(f"<direction><sound tempo='{tempo}'/></direction>" + note("C4", 4))))
    assert (piece.tempos, len(piece)) == ((), 1)


def test_a_title_may_be_printed_on_the_page_only():
    credit = "<credit><credit-type>{}</credit-type><credit-words>{}</credit-words></credit>"
    credits = credit.format("composer", "Me") + credit.format("title", "My Song")
    data = score(measures(note("C4", 4)))
    assert read(data.replace(b"<part-list>", credits.encode() + b"<part-list>", 1)).title == "My Song"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<score-partwise>\n<part>", "a.musicxml, line 2: it is not XML"),
        (b"<opus/>", "no MusicXML score: it begins with <opus>"),
        (b'<mei xmlns="http://www.music-encoding.org/ns/mei"/>', "it begins with <mei>"),
        (score(measures(note("C4", 4).replace("<duration>4</duration>", ""))), "a note without a duration"),
        (score(measures(rest(4))), "there are no notes"),
        (
            score(measures("<note><unpitched/><duration>4</duration></note>")),
            "no notes with a pitch, only 1 of percussion",
        ),
        (score(measures(back(1) + note("C4", 4))), "part 'A', measure '1': a backup goes back further"),
        (score(measures(note("C9", 4) + note("G9", 4) + note("G#9", 4))), "out of MIDI's range"),
        (
            score(measures(note("C4", 4).replace("<alter>0", "<alter>0.5"))),
            "between two semitones (alter 0.5)",
        ),
        (score(measures(note("H4", 4))), "a pitch with the step 'H'"),
        (
            score(measures(note("C4", 4)), names=("A",)).replace(b'<part id="P0"', b'<part id="P9"'),
            "'P9' is not in",
        ),
        (score(measures(note("C4", 4), attributes=time(("4", 6)))), "a metre of 1/6 notes"),
    ],
)
def test_what_cannot_be_played_is_refused(data, message):
    assert message in reason(data)


CORPUS = Path(music21.__file__).parent / "corpus"
SMALL = sorted(
    path.relative_to(CORPUS).as_posix()
    for ending in ("*.mxl", "*.xml", "*.musicxml")
    for path in CORPUS.rglob(ending)
    if path.stat().st_size < (10_000 if ending == "*.mxl" else 40_000)  # music21 takes long for more
)
CHORALES = [name for name in SMALL if name.startswith("bach/")]
OTHERS = [name for name in SMALL if name not in CHORALES]
# A bar of one part lacks its last rest there. music21 begins that part's next bar too early; ours waits.
SHORT_BARS = ("haydn/opus1no1/movement4.mxl", "mozart/k80/movement4.mxl")
FILES = [*CHORALES[::18], *OTHERS[::2]]


def rows(piece: Piece, *, onsets: bool) -> Counter[tuple[Fraction, ...]]:
    return Counter((n.onset if onsets else Fraction(0), n.duration, Fraction(n.pitch)) for n in piece.notes)


@pytest.mark.parametrize("name", FILES)
def test_scores_agree_with_music21_note_by_note(name):
    data = (CORPUS / name).read_bytes()
    ours, theirs = read_musicxml_bytes(data, name), read_with_music21_bytes(data, name)
    assert len(ours.pieces) == len(theirs.pieces)
    for piece, other in zip(ours.pieces, theirs.pieces, strict=True):
        onsets = name not in SHORT_BARS
        assert rows(piece, onsets=onsets) == rows(other, onsets=onsets)
        assert (piece.key, piece.metre) == (other.key, other.metre)
