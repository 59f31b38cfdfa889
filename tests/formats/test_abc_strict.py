"""Strict reading: a correct tune is accepted, a bar, a repeat or an ending that is wrong is rejected."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etude.formats.abc.reader import first_readable_tune, parse_abc
from etude.formats.abc.writer import abc_text
from strategies import melodies

HEAD = "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n"
SIGNS = [
    *("&", "V:1 octave=-1\n", "V:2\n", "[V:3]", ":|3", "|1,3", "+:"),
    *"ABCDEFGabcdefgzZx|:[](){}<>-^_='/,0123456789 \n\"!~é",
    *("|:", ":|", "::", "(3", "[1", "|1", ":|2", "c>d", "CDEF|", "[CEG]2", "[M:2/4]"),
    *("X:", "T:", "K:G\n", "L:1/8\n", "M:3/4\n", "\nX:2\nT:a\nM:4/4\nL:1/8\nK:D\n", "%%begintext\n", HEAD),
]
BARS = {
    "2/4": ("C8", "D2E2 F2G2", "z4 A4"),
    "4/4": ("E8", "CDEF GABc", "G3-G- G4"),
    "6/8": ("D6", "GAB c3", "B>A G z3"),
}


def problems(text: str) -> list[str]:
    reading = parse_abc(text, strict=True)
    assert len(reading.pieces) + len(reading.rejected) == 1
    assert parse_abc(text).rejected == []
    return [error.reason for error in reading.rejected]


@st.composite
def correct_tunes(draw: st.DrawFn) -> str:
    """Tunes in one or several voices, layers and endings, with headers that leave out optional fields."""
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
    head = f"X:1\nT:t\nM:{metre}\n{unit}{clef}K:D\n"
    words = draw(st.sampled_from(["", "w:words & more\n+:bad | words\n"]))
    if voices == 1:
        return head + music + words
    return head + "".join(f"V:{number}\n{music}" for number in range(1, voices + 1)) + words


@settings(max_examples=100, deadline=None)
@given(correct_tunes())
@example("X:1\nM:2/4\nK:C\nC8|\n")
@example(HEAD + "|:C4|1D4:|2E4:|3F4|]\n")
@example(HEAD + "|:C4|1,3D4:|2,4E4:|5F4|]\n")
@example(HEAD + "V:1\nC4|\nV:2\nE4|\n")
@example(HEAD + "C4 & E4|[V:2]E4|\n")
@example(HEAD + "CDEF|[M:3/4]CDE|FGA|\n")
def test_a_correct_tune_is_accepted(tune: str) -> None:
    assert problems(tune) == []


@settings(max_examples=30, deadline=None)
@given(melodies(max_notes=10))
def test_what_we_write_has_full_bars(piece) -> None:
    assert problems(abc_text(piece)) == []


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(BARS)), st.integers(1, 5), st.integers(1, 23), st.data())
def test_a_bar_that_is_too_short_or_too_long_is_found(metre: str, count: int, size: int, data) -> None:
    """Between two full bars, wherever it is: neither a pickup nor the end of a section."""
    full = 12 if metre == "6/8" else int(metre[0]) * 4  # sixteenths
    place = data.draw(st.integers(1, count))
    bars = [f"C{full}"] * (count + 2)
    bars[place] = f"C{size}"
    found = problems(f"X:1\nM:{metre}\nL:1/16\nK:C\n" + "|".join(bars) + "|\n")
    assert bool(found) == (size != full)
    assert all(f"bar {place + 1} lasts" in reason for reason in found)


@pytest.mark.parametrize(
    "body",
    [
        "C|DEFG|ABc:|\n|:d|cBAG|FED:|",
        "CDEF:|\nC|DEFG|1 ABc:|2 cBA|]",  # each ending completes its section's pickup
        "CDEF:|\n(3CDEC|DEFG|\n[1 A:|2c|",
        "CDEF|GAB|]\nc|DEFG|ABc|]",  # the first section's last bar completes the second's pickup
        "C|DEFG|ABc|\n[1 C|DEFG|ABc:|\n[2 CD|DEFG|AB|]",  # endings with pickups of their own
    ],
)
def test_pickups_and_the_bars_that_complete_them_are_correct(body: str) -> None:
    assert problems(HEAD + body) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("CDEF|GA|", "bar 2 lasts 2 quarter notes; a full bar has 4"),
        ("C|DEFG|AB|", "bar 3 lasts 2"),  # the pickup lacks three
        ("CDEF|GABcd:|", "bar 2 lasts 5"),
        ("CDEFG|CDEF|", "bar 1 lasts 5"),  # longer than a pickup can be
        ("|:CDEF|GABc|]", "never ends"),
        ("|:CDEF|:GABc:|", "never ends"),
        ("CDEF|1 GABc|CDEF|", "never ends"),
        ("CDEF|2 GABc|CDEF|", "an ending does not follow its repeat"),
        ("|:CDEF|1 GABc:|3 CDEF|", "an ending does not follow its repeat"),
        ("|:CDEF|1 GABc:|CDEF|2 CDEF|", "an ending does not follow its repeat"),
    ],
)
def test_a_wrong_bar_repeat_or_ending_is_found(body: str, reason: str) -> None:
    [found] = problems(HEAD + body)
    assert reason in found


def test_free_metre_has_bars_of_any_length() -> None:
    assert problems("X:1\nM:none\nL:1/4\nK:C\nC|DEF|G3|AB|\n") == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), max_size=60).map("".join))
@example("L:1/2\n\nX:1\nK:C\nCDE?|\n\nX:2\nK:C\nCDE|\n")
@example("|CDE|\nX:1\nK:C\nCDE|\n\nCDE\n")
def test_the_first_readable_tune_is_the_first_piece(text: str) -> None:
    tune, pieces = first_readable_tune(text), parse_abc(text).pieces
    assert (tune is None) == (not pieces)
    if tune is not None:
        first, *others = parse_abc(tune).pieces
        assert first.notes == pieces[0].notes
        assert others == []
