"""Repeats, endings and jumps: one rule for MusicXML, kern and ABC; music21 agrees on its corpus."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import music21
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.errors import ReadError
from etude.formats.abc.reader import parse_abc
from etude.formats.any_file import read_piece
from etude.formats.kern.reader import parse_kern
from etude.formats.music21_reader import read_with_music21_bytes
from etude.formats.musicxml.reader import read_musicxml_bytes
from etude.formats.repeats import BarSigns, playing_order
from etude.music import Metre, Piece

LETTERS = "CDEFGAB"
PITCHES = dict(zip((60, 62, 64, 65, 67, 69, 71), LETTERS, strict=True))

# Bars are letters; the words of a bar follow it. First the score, then the bars as played.
SCORES = [
    ("C D E", "CDE"),
    ("C D:| E", "CDCDE"),
    ("C |:D E:| F", "CDEDEF"),
    ("C:| D:| E", "CCDDE"),
    ("|:C 1D:| 2E F", "CDCEF"),
    ("|:C 1D:| E", "CDCE"),
    ("|:C 1,2D:| 3E F", "CDCDCEF"),
    ("|:C 1D:| 2E:| 3F", "CDCECF"),
    ("|:C 1D 2E F", "CDCEF"),
    ("|:C D 1E:| 2F |:G:| A", "CDECDFGGA"),
    ("C D(D.C.)", "CDCD"),
    ("C D(fine) E(D.C.)", "CDECD"),
    ("C:| D(fine) E:| F(D.C.)", "CCDEDEFCD"),  # repeats are not taken after the jump
    ("|:C 1D:| 2E(fine) F(D.C.)", "CDCEFCE"),
    ("C (segno)D E(D.S.) F", "CDEDEF"),
    ("C (segno)D E(fine) F(D.S.)", "CDEFDE"),
    ("C D(to coda) E(D.C.) (coda)F G", "CDECDFG"),
    ("C (segno)D E(to coda) F(D.S.) (coda)G", "CDEFDEG"),
    ("|:C 1D:| 2E(D.C.) F", "CDCECEF"),
    ("|:C D(D.C.):| E", "CDCDCDE"),  # after the last pass
]


def parsed(score: str) -> list[tuple[str, BarSigns]]:
    bars = []
    for word in score.replace("to coda", "to_coda").split():
        at = next(index for index, char in enumerate(word) if char in LETTERS)
        before, letter, after = word[:at], word[at], word[at + 1 :]
        digits = before.replace("|:", "").replace("(segno)", "").replace("(coda)", "")
        bars.append(
            (
                letter,
                BarSigns(
                    begins="|:" in before,
                    passes=2 if ":|" in after else 0,
                    ending=frozenset(map(int, digits.split(","))) if digits else frozenset(),
                    segno="(segno)" in before,
                    coda="(coda)" in before,
                    fine="(fine)" in after,
                    to_coda="(to_coda)" in after,
                    jump="capo" if "D.C." in after else "segno" if "D.S." in after else "",
                ),
            )
        )
    return bars


every_score = pytest.mark.parametrize(("score", "played"), SCORES)


@every_score
def test_the_order_of_playing(score, played):
    bars = parsed(score)
    assert "".join(bars[index][0] for index in playing_order([signs for _, signs in bars])) == played


def as_musicxml(score: str) -> bytes:
    """The score with a whole note in each bar; an ending has its start and its stop in its one bar."""
    measures = []
    for number, (letter, signs) in enumerate(parsed(score), start=1):
        text = "<attributes><divisions>1</divisions></attributes>" if number == 1 else ""
        passes = ", ".join(map(str, sorted(signs.ending)))
        ending = f'<ending number="{passes}" type="{{}}"/>' if passes else ""
        left = '<repeat direction="forward"/>' if signs.begins else ""
        if left or ending:
            text += f'<barline location="left">{ending.format("start")}{left}</barline>'
        for name in ("segno", "coda"):
            if getattr(signs, name):
                text += (
                    f'<direction><direction-type><{name}/></direction-type><sound {name}="a"/></direction>'
                )
        text += f"<note><pitch><step>{letter}</step><octave>4</octave></pitch><duration>4</duration></note>"
        if signs.fine:
            text += direction("Fine", 'fine="yes"')
        if signs.to_coda:
            text += direction("To Coda", 'tocoda="a"')
        if signs.jump:
            text += (
                direction("D.C.", 'dacapo="yes"')
                if signs.jump == "capo"
                else direction("D.S.", 'dalsegno="a"')
            )
        right = '<repeat direction="backward"/>' if signs.passes else ""
        if right or ending:
            text += f'<barline location="right">{ending.format("stop")}{right}</barline>'
        measures.append(f'<measure number="{number}">{text}</measure>')
    listed = '<part-list><score-part id="P1"><part-name>A</part-name></score-part></part-list>'
    return f'<score-partwise>{listed}<part id="P1">{"".join(measures)}</part></score-partwise>'.encode()


def direction(words: str, sound: str) -> str:
    return f"<direction><direction-type><words>{words}</words></direction-type><sound {sound}/></direction>"


def letters(piece: Piece) -> str:
    return "".join(PITCHES[pitch] for pitch in piece.pitch.tolist())


def musicxml_played(data: bytes, *, expand_repeats: bool = True) -> str:
    reading = read_musicxml_bytes(data, "a.musicxml", expand_repeats=expand_repeats)
    assert reading.rejected == []
    return letters(reading.pieces[0])


@every_score
def test_musicxml_is_played(score, played):
    assert musicxml_played(as_musicxml(score)) == played


@every_score
def test_words_are_enough(score, played):
    text = as_musicxml(score).decode()
    for sound in ('fine="yes"', 'tocoda="a"', 'dacapo="yes"', 'dalsegno="a"', 'segno="a"', 'coda="a"'):
        text = text.replace(f"<sound {sound}/>", "")
    assert musicxml_played(text.encode()) == played


@every_score
def test_musicxml_is_read_as_written_unless_asked(score, played):
    assert musicxml_played(as_musicxml(score), expand_repeats=False) == "".join(
        bar for bar, _ in parsed(score)
    )


@every_score
def test_abc_is_played(score, played):
    text = "X:1\nL:1/1\nM:4/4\nK:C\n"
    for letter, signs in parsed(score):
        text += "|:" if signs.begins else "|"
        text += ",".join(map(str, sorted(signs.ending)))
        text += "!segno!" * signs.segno + "!coda!" * signs.coda + letter
        text += "!fine!" * signs.fine + "!dacoda!" * signs.to_coda
        text += {"": "", "capo": "!D.C.!", "segno": "!D.S.!"}[signs.jump] + ":|" * bool(signs.passes)
    text = text.replace(":||", ":|").replace("2E|F", "2E||F").replace("3E|F", "3E||F")
    text = (
        text.replace("2E!fine!|F", "2E!fine!||F")
        .replace("2E!D.C.!|F", "2E!D.C.!||F")
        .replace("2F|:", "2F||:")
    )
    reading = parse_abc(text + "|]\n")
    assert reading.rejected == []
    assert letters(reading.pieces[0]) == played


@pytest.mark.parametrize(("score", "played"), [row for row in SCORES if not set("(12") & set(row[0])])
def test_kern_is_played(score, played):
    lines = ["**kern", "*M4/4"]
    for number, (letter, signs) in enumerate(parsed(score), start=1):
        lines[-1] += ":" if signs.begins and lines[-1].endswith("|") else ""
        lines += [f"={number}!|:"] if signs.begins else [] if lines[-1].startswith("=") else [f"={number}"]
        lines += [f"1{letter.lower()}"] + ([f"={number}:|!"] if signs.passes else [])
    lines += ["==", "*-"]
    for spines in (lines, ["\t".join((line, line)) for line in lines]):
        reading = parse_kern("\n".join(spines), "a.krn", expand_repeats=True)
        assert reading.rejected == []
        assert letters(reading.pieces[0])[:: spines[0].count("**kern")] == played


def test_a_fermata_before_a_double_bar_is_the_fine_of_a_da_capo():
    for music, played in (("C|HD||E!D.C.!|]", "CDECD"), ("C|HD|E!D.C.!|]", "CDECDE")):
        [piece] = parse_abc(f"X:1\nL:1/1\nK:C\n{music}\n").pieces
        assert letters(piece) == played


def test_a_sign_in_one_voice_is_for_all_of_as_many_bars():
    head = "X:1\nL:1/1\nV:1\nV:2\nK:C\n"
    [piece] = parse_abc(head + "[V:1] C:|D !D.C.!|]\n[V:2] E|F|]\n").pieces
    assert [letters(piece)[part::2] for part in (0, 1)] == ["CCDCD", "EEFEF"]
    [error] = parse_abc(head + "[V:1] C|D!D.C.!|]\n[V:2] E|]\n").rejected
    assert "different numbers of bars" in error.reason


def test_a_da_capo_beside_an_order_of_parts_is_refused():
    [error] = parse_abc("X:1\nP:AB\nK:C\nP:A\nC|\nP:B\nD!D.C.!|]\n").rejected
    assert "beside an order of parts" in error.reason


def kern(*lines: str, expand_repeats: bool = True):
    return parse_kern("\n".join(("**kern", *lines, "*-")), "a.krn", expand_repeats=expand_repeats)


def test_kern_sections_are_played_in_the_order_of_their_list():
    lines = ("*>[A,B,A,C]", "*>norep[A,B,C]", "4g", "*>A", "4c", "4d", "*>B", "4e", "*>C", "4f")
    assert letters(kern(*lines).pieces[0]) == "GCDECDF"
    assert letters(kern(*lines, expand_repeats=False).pieces[0]) == "GCDEF"


def test_a_kern_list_with_a_section_that_is_missing_is_refused():
    assert "'B' of the list of sections is missing" in str(kern("*>[A,B]", "*>A", "4c").rejected[0])


def test_a_jump_restores_metre_and_tempo():
    lines = ("*M3/4", "*MM60", "4c", "4d", "4e", "=", "*M2/4", "*MM90", "4f", "4g", "=:|!")
    [piece] = kern(*lines).pieces
    changes = [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres]
    assert changes == [(0, Metre(3, 4)), (3, Metre(2, 4)), (5, Metre(3, 4)), (8, Metre(2, 4))]
    assert [(tick // piece.division, tempo) for tick, tempo in piece.tempos] == [
        (0, 60),
        (3, 90),
        (5, 60),
        (8, 90),
    ]
    assert letters(piece) == "CDEFGCDEFG"
    lines = ("*M3/4", "*MM60", "4c", "=!|:", "4d", "*M2/4", "*MM90", "4e", "=:|!")
    [piece] = kern(*lines).pieces
    assert [(tick // piece.division, metre.beats) for tick, metre in piece.metres] == [
        (0, 3),
        (2, 2),
        (3, 3),
        (4, 2),
    ]
    assert [(tick // piece.division, tempo) for tick, tempo in piece.tempos] == [
        (0, 60),
        (2, 90),
        (3, 60),
        (4, 90),
    ]


def test_a_tie_leads_into_either_ending():
    text = as_musicxml("|:C 1D:| 2D").decode()
    for letter, ties in (("C", '<tie type="start"/>'), ("D", '<tie type="stop"/>')):
        text = text.replace(
            f"<step>{letter}</step><octave>4</octave></pitch><duration>4</duration>",
            f"<step>C</step><octave>4</octave></pitch><duration>4</duration>{ties}",
        )
    [piece] = read_musicxml_bytes(text.encode(), "a.musicxml", expand_repeats=True).pieces
    assert [(note.onset, note.duration) for note in piece.notes] == [(0, 8), (8, 8)]


@pytest.mark.parametrize(
    ("bars", "reason"),
    [
        ([BarSigns(jump="segno")], "without a segno"),
        ([BarSigns(to_coda=True), BarSigns(jump="capo")], "without a coda"),
        ([BarSigns(passes=100)] * 1001, "more than 100,000 bars"),
    ],
)
def test_what_cannot_be_played_is_refused(bars, reason):
    with pytest.raises(ReadError, match=reason):
        playing_order(bars)


signs = st.builds(
    BarSigns,
    begins=st.booleans(),
    passes=st.sampled_from([0, 0, 2, 3]),
    ending=st.sampled_from([frozenset(), frozenset(), frozenset({1}), frozenset({2}), frozenset({1, 3})]),
    segno=st.booleans(),
    coda=st.booleans(),
    fine=st.booleans(),
    to_coda=st.booleans(),
    jump=st.sampled_from(["", "", "", "capo", "segno"]),
)


@given(st.lists(signs, max_size=12))
def test_any_signs_end(bars):
    try:
        order = playing_order(bars)
    except ReadError:
        return
    assert len(order) <= 3 * len(bars) * (1 + sum(bool(bar.jump) for bar in bars))


@given(st.lists(st.sampled_from([BarSigns(), BarSigns(begins=True), BarSigns(segno=True)]), max_size=8))
def test_without_a_repeat_or_a_jump_all_is_played_once(bars):
    assert playing_order(bars) == list(range(len(bars)))


# Pieces with repeats, with endings, and with repeats that begin within a bar.
CORPUS = ("bach/bwv103.6.mxl", "bach/bwv317.mxl", "bach/bwv384.mxl", "bach/bwv390.mxl", "bach/bwv140.7.mxl")


@pytest.mark.parametrize("name", CORPUS)
def test_music21_plays_the_same(name):
    path = Path(music21.__file__).parent / "corpus" / name
    data = path.read_bytes()
    [ours] = read_musicxml_bytes(data, path.name, expand_repeats=True).pieces
    [theirs] = read_with_music21_bytes(data, path.name, expand_repeats=True).pieces
    assert len(ours) > len(read_musicxml_bytes(data, path.name).pieces[0])
    assert [note[:3] for note in ours.notes] == [note[:3] for note in theirs.notes]


def test_a_file_is_played_if_asked(tmp_path):
    path = tmp_path / "a.musicxml"
    path.write_bytes(as_musicxml("C:| D"))
    assert letters(read_piece(path)) == "CD"
    assert letters(read_piece(path, expand_repeats=True)) == "CCD"
    path = tmp_path / "a.abc"
    path.write_text("X:1\nK:C\nC:|D\n")
    assert letters(read_piece(path)) == "CCD"
    assert letters(read_piece(path, expand_repeats=False)) == "CD"
