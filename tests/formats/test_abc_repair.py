"""Whatever a network writes becomes ABC that can be read, what is right stays, what was mended is told."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from music21 import converter

from etude.formats.abc.reader import parse_abc
from etude.formats.abc.repair import repair_abc, split_tunes, write_repaired_abc
from etude.formats.abc.writer import abc_text
from strategies import melodies

TUNE = """X:1
T:The Test
R:jig
M:6/8
L:1/8
K:G
D|:G2A B2c|d>ed (3BcBA|[GB]3-[GB]2 "Em"e|1 {g}f2e d3:|2 ~f2e d2||
|:c|c6|B3 z2:|
"""
SIGNS = [
    *("&", "V:1 octave=-1\n", "V:2\n", "[V:3]", ":|3", "|1,3", "+:"),
    *"ABCDEFGabcdefgzZx|:[](){}<>-^_='/,0123456789 \n\"!~é",
    *("|:", ":|", "::", "(3", "[1", "|1", ":|2", "c>d", "CDEF|", "[CEG]2", "[M:2/4]"),
    *("X:", "T:", "K:G\n", "L:1/8\n", "M:3/4\n", "\nX:2\nT:a\nM:4/4\nL:1/8\nK:D\n"),
]


def read(text: str):
    reading = parse_abc(text)
    assert not reading.rejected
    return reading.pieces


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=80).map("".join))
def test_any_text_becomes_tunes_that_can_be_read(text: str) -> None:
    repaired = repair_abc(text)
    if repaired.text:
        assert len(read(repaired.text)) == len(re.findall("^X:", repaired.text, re.MULTILINE))
    assert bool(repaired.repairs) or repaired.text or not text.strip()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(TUNE)), st.integers(0, 3), st.sampled_from(SIGNS)), max_size=6))
@example([(35, 2, "A"), (99, 3, "A")])  # all music on the line of K:
@example([(37, 2, "e"), (102, 2, "7")])  # all music on a line like that of a field
@example([(35, 2, "f"), (102, 3, "b"), (32, 2, "2")])
def test_a_damaged_tune_can_be_read_again(damages: list[tuple[int, int, str]]) -> None:
    text = TUNE
    for place, lost, new in damages:
        text = text[:place] + new + text[place + lost :]
    repaired = repair_abc(text)
    assert repaired.text
    assert all(len(piece) for piece in read(repaired.text))


def test_a_field_with_the_only_bars_is_music() -> None:
    repaired = repair_abc("X:1\nT:a\nF:G2A B2c|d>ed BcB:|\n")
    assert "what has bars was taken for music: 'F:G2A B2c|d>ed BcB:|'" in repaired.repairs[0]
    assert len(read(repaired.text)[0]) == 2 * 11


def test_below_the_header_too() -> None:
    repaired = repair_abc("X:1\nT:a\nM:4/4\nL:1/8\nK:C\nF:G2A B2c|d>ed BcB:|\n")
    assert len(read(repaired.text)[0]) == 2 * 11


def test_what_is_right_stays() -> None:
    repaired = repair_abc(TUNE)
    assert repaired.repairs == []
    assert read(repaired.text) == read(TUNE)
    assert repaired.text == "%abc-2.1\n\n" + TUNE


@settings(max_examples=30, deadline=None)
@given(melodies(max_notes=10))
def test_what_we_write_ourselves_needs_no_repair(piece) -> None:
    repaired = repair_abc(abc_text(piece).removeprefix("%abc-2.1\n"))
    assert read(repaired.text) == read(abc_text(piece))


BARS = {
    "2/4": ("C8", "D2E2 F2G2", "z4 A4"),
    "4/4": ("E8", "CDEF GABc", "G3-G- G4"),
    "6/8": ("D6", "GAB c3", "B>A G z3"),
}


@st.composite
def correct_tunes(draw: st.DrawFn) -> str:
    """Tunes in one or several voices, layers and endings, with what a header may leave to the reader."""
    metre = draw(st.sampled_from(list(BARS)))
    bar = st.sampled_from(BARS[metre])
    if draw(st.booleans()):  # of two layers
        bar = st.tuples(bar, bar).map(" & ".join)
    bars = st.lists(bar, min_size=1, max_size=3).map("|".join)
    endings = draw(st.sampled_from([0, 2, 3, 4]))
    music = "|:" + draw(bars) + ("" if endings else ":|")
    for number in range(1, endings + 1):
        sign = draw(st.sampled_from(["|", "|["] if number == 1 else [":|", ":|[", ":|\n["]))
        music += f"{sign}{number} {draw(bars)}"
    music += f"|]\n{draw(bars)}|]\n"
    voices = draw(st.integers(1, 3))
    clef = draw(st.sampled_from(["", "V:1 clef=treble-8\n", "V:1\tbass\n"]))
    unit = "" if metre == "2/4" else draw(st.sampled_from(["", "L:1/8\n"]))
    reach = draw(st.sampled_from(["", "%%propagate-accidentals pitch\n"]))
    head = f"X:1\nT:t\n{reach}M:{metre}\n{unit}{clef}K:D\n"
    words = draw(st.sampled_from(["", "w:words & more\n+:bad | words\n"]))
    if voices == 1:
        return head + music + words
    return head + "".join(f"V:{number}\n{music}" for number in range(1, voices + 1)) + words


@settings(max_examples=100, deadline=None)
@given(correct_tunes())
@example("X:1\nT:t\nM:2/4\nK:C\nC8|\n")
@example("X:1\nT:t\nM:4/4\nL:1/4\nK:C\n|:C4|1D4:|2E4:|3F4|]\n")
@example("X:1\nT:t\nM:4/4\nL:1/4\nK:C\n|:C4|1,3D4:|2,4E4:|5F4|]\n")
@example("X:1\nT:t\nM:4/4\nL:1/4\nK:C\nV:1\nC4|\nV:2\nE4|\n")
@example("X:1\nT:t\nM:4/4\nL:1/4\nK:C\nC4 & E4|[V:2]E4|\n")
def test_a_correct_tune_sounds_after_its_repair_as_before(tune: str) -> None:
    repaired = repair_abc(tune)
    assert read(repaired.text) == read(tune)
    assert [repair for repair in repaired.repairs if not re.search(r"X:1: [ML]:\S+ was put in", repair)] == []


def test_voices_that_cannot_be_read_become_one() -> None:
    repaired = repair_abc(TUNE.replace("K:G", "V:1 octave=x\nV:2\nK:G") + "V:2\n(3AB|?&\n")
    assert any("voices and layers were left out" in repair for repair in repaired.repairs)
    (piece,) = read(repaired.text)
    assert len(piece) > len(read(TUNE)[0])


HEAD = "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n"


@pytest.mark.parametrize(
    ("body", "mended", "reason"),
    [
        ("CDEF|CDE|CDEF|", "CDEF|CDEz|CDEF|", "filled with a rest"),
        ("CDEFGA|CDEF|", "CDEF | GAz2|CDEF|", "divided"),
        ("C2DE2FG|", "C2DE- | EFGz|", "divided"),
        ("CDE(3FGA|GABc|", "CDEz | (3FGAz2|GABc|", "divided"),
        ("|:CDEF|GABc|]", "|CDEF|GABc|]", "a repeat that never ends"),
        ("|:CDEF|:GABc:|", "|CDEF|:GABc:|", "a repeat that never ends"),
        ("CDEF|1 GABc|CDEF|", "CDEF| GABc|CDEF|", "an ending without its repeat"),
        ("CDEF|(3GA|GABc|", "CDEF|GAz2|GABc|", "lacks notes"),
        ("-CDEF|>CDEF|", "CDEF|CDEF|", "means nothing|tie|without a note"),
        ("[CE DEF|CDEF|", "CE DE | Fz3|CDEF|", "means nothing"),
        ("CDE?F|CD§EF|", "CDEF|CDEF|", "means nothing"),
        ("CDEC0F|CDEF|", "CDEF|CDEF|", "means nothing"),
    ],
)
def test_each_fault_has_its_repair(body: str, mended: str, reason: str) -> None:
    repaired = repair_abc(HEAD + body)
    music = repaired.text.split("K:C\n")[1].strip()
    assert read(repaired.text) == read(HEAD + mended)
    assert music.removesuffix("|]").strip() == mended.removesuffix("|]").strip()
    assert any(re.search(reason, repair) for repair in repaired.repairs)


@pytest.mark.parametrize(
    "body",
    [
        "C|DEFG|ABc:|\n|:d|cBAG|FED:|",
        "CDEF:|\nC|DEFG|1 ABc:|2 cBA|]",  # each ending completes its section's pickup
        "CDEF:|\n(3CDEC|DEFG|\n[1 A:|2c|",
        "C|DEFG|ABc|\n[1 C|DEFG|ABc:|\n[2 CD|DEFG|AB|]",  # endings with pickups of their own
    ],
)
def test_pickups_and_the_bars_that_complete_them_are_no_faults(body: str) -> None:
    assert repair_abc(HEAD + body).repairs == []


def test_a_header_is_completed_in_its_order() -> None:
    repaired = repair_abc("K:D\nL:x\nDEFG|")
    assert repaired.text == "%abc-2.1\n\nX:1\nT:Untitled\nM:4/4\nL:1/8\nK:D\nDEFGz4|\n"
    assert len(repaired.repairs) == 6  # X, T, M, L, what L was, the bar


def test_tunes_are_split_and_those_without_music_left_out() -> None:
    text = "dcba|\nX:1\nK:C\nCDEF GABc|\n\nX:2\nT:no notes\nK:C\n\nX:9\nK:C\nCDEF GABc|\n"
    assert len(split_tunes(text)) == 4
    repaired = repair_abc(text)
    assert len(read(repaired.text)) == 3
    assert "X:3: the tune was left out: there are no notes in it" in repaired.repairs


def test_what_was_written_is_kept_beside_what_was_mended(tmp_path) -> None:
    raw, mended = write_repaired_abc("X:1\nK:C\nC?D", tmp_path / "a.1")
    assert (raw.name, mended.name) == ("a.1.raw.abc", "a.1.abc")
    assert raw.read_text() == "X:1\nK:C\nC?D"
    lines = mended.read_text().splitlines()
    assert lines[0] == "%abc-2.1"
    assert any("'?' means nothing" in line for line in lines if line.startswith("% X:1:"))
    assert read(mended.read_text())[0].pitch.tolist() == [60, 62]


@pytest.mark.parametrize(
    "text", ["GF|DGGB d2GB|(3dcB A2:|", HEAD + "CDEFGA|>|:[CE|(3cd", TUNE.replace(":|", "|")]
)
def test_music21_reads_what_was_mended(text: str) -> None:
    score = converter.parseData(repair_abc(text).text, format="abc")
    assert len(score.flatten().notes) > 4
