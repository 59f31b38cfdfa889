"""kern with several spines: words beside a melody, parts, split spines, chords; music21 agrees."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import music21
import pytest

from etude.formats.kern.reader import parse_kern, read_kern_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Metre, Piece


def read(*lines: str):
    """Read lines in which spaces stand for tabs and ~ for the space of a chord."""
    text = "\n".join(line.replace(" ", "\t").replace("~", " ") for line in lines)
    return parse_kern(text + "\n", "a.krn")


def heard(*lines: str):
    reading = read(*lines)
    assert reading.rejected == []
    return [(note.onset, note.duration, note.pitch, note.part) for note in reading.pieces[0].notes]


def reason(*lines: str) -> str:
    reading = read(*lines)
    assert reading.pieces == []
    return str(reading.rejected[0])


def test_a_melody_with_words_is_the_melody():
    found = read("**kern **text", "*M4/4 *lang:de", "4c La", "4d la", "*- *-")
    assert [(n.onset, n.duration, n.pitch) for n in found.pieces[0].notes] == [(0, 1, 60), (1, 1, 62)]
    assert found.pieces[0].part_names == ()


def test_spines_beside_a_melody_may_split_and_move():
    notes = heard(
        "**text **kern **dynam",
        "*^ * *",
        "a b 4c p",
        "* * *x *x",
        "a b f 4d",
        "*v *v * *",
        "c f 4e",
        "*- *- *-",
    )
    assert notes == [(0, 1, 60, 0), (1, 1, 62, 0), (2, 1, 64, 0)]


def test_kern_spines_are_parts_from_the_top():
    reading = read(
        '**kern **kern', '*I"Bass *I"Soprano', "*M3/4 *M3/4", "*k[b-] *k[b-]", "4C 8c", ". 8d", "=1 =1",
        "2.F [4f", ". 2f]", "== ==", "*- *-",
    )  # fmt: skip
    [piece] = reading.pieces
    assert [(n.onset, n.duration, n.pitch, n.part) for n in piece.notes] == [
        (0, Fraction(1, 2), 60, 0),
        (0, 1, 48, 1),
        (Fraction(1, 2), Fraction(1, 2), 62, 0),
        (1, 3, 65, 0),
        (1, 3, 53, 1),
    ]
    assert piece.part_names == ("Soprano", "Bass")
    assert (str(piece.key), piece.metres) == ("F major", ((0, Metre(3, 4)),))
    assert (piece.pickup, piece.quarters) == (piece.division, 4)


def test_a_split_spine_is_two_voices_of_its_part():
    assert heard("**kern", "4c", "*^", "2d 4f", ". 4g", "*v *v", "4e", "*-") == [
        (0, 1, 60, 0), (1, 2, 62, 0), (1, 1, 65, 0), (2, 1, 67, 0), (3, 1, 64, 0),
    ]  # fmt: skip


def test_a_spine_may_begin_late():
    assert heard("**kern", "4c", "*+", "* **kern", "4d 4G", "*- *-") == [
        (0, 1, 60, 1), (1, 1, 55, 0), (1, 1, 62, 1),
    ]  # fmt: skip


def test_chords_and_their_ties():
    assert heard("**kern", "[4c~4e", "4c]~4d", "*-") == [(0, 2, 60, 0), (0, 1, 64, 0), (1, 1, 62, 0)]
    assert heard("**kern", "2c~e", "4d", "*-") == [(0, 2, 60, 0), (0, 2, 64, 0), (2, 1, 62, 0)]


def test_grace_notes_take_no_time():
    assert heard("**kern **kern", "4C 8qd", ". 4c", "4D 4e", "*- *-") == [
        (0, 1, 60, 0), (0, 1, 48, 1), (1, 1, 64, 0), (1, 1, 50, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sign", "metre"),
    [("*M3/0", Metre(6, 1)), ("*M1/00", Metre(4, 1)), ("*M2/4%3", Metre(6, 4)), ("*M2+3/8", Metre(5, 8))],
)
def test_rational_metres(sign, metre):
    assert read("**kern", sign, "4c", "*-").pieces[0].metre == metre


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("**kern **kern", "2c 4d", "4e 4f", "*- *-"), "line 3: '4e' comes before the event ahead"),
        (("**kern **kern", "4c", "*- *-"), "line 2: the number of tokens is 1"),
        (("**kern **kern", "4c 4d"), "cut short"),
        (("**kern **kern", "*x *", "4c 4d", "*- *-"), "line 2: *x stands in 1 spines"),
        (("**kern **kern", "*v *v", "4c", "*-"), "line 2: *v joins spine 1 to no other branch"),
        (("**kern **kern", "4r 4r", "*- *-"), "there are no notes"),
        (("**kern **kern", "4c 4§", "*- *-"), "line 2: "),
        (("**kern", *(" ".join(["*^"] * 2**n) for n in range(12)), "4c"), "more than 256 spines"),
    ],
)
def test_lines_that_are_no_score_are_refused(lines, message):
    assert message in reason(*lines)


def rows(piece: Piece):
    return sorted((note.onset, note.duration, note.pitch) for note in piece.notes)


SCORES = [
    "chopin/mazurka06-2.krn",
    *(f"palestrina/{name}.krn" for name in ("Kyrie_31_b", "Agnus_08", "Benedictus_66_b", "Gloria_03")),
]


@pytest.mark.parametrize("name", SCORES)
def test_scores_agree_with_music21(name):
    data = (Path(music21.__file__).parent / "corpus" / name).read_bytes()
    [ours] = read_kern_bytes(data, name).pieces
    [theirs] = read_with_music21_bytes(data, name).pieces
    assert rows(ours) == rows(theirs)
    assert ours.quarters == theirs.quarters


def test_songs_one_after_the_other_in_one_file_are_pieces() -> None:
    first = "!!!OTL: One\n**kern\n4c\n*-\n!!!ONB: a remark\n"
    second = "\n!!!OTL: Two\n**kern\t**kern\n4C\t4e\n*-\t*-\n"
    result = read_kern_bytes((first + second + first.replace("4c", "?")).encode(), "a.krn")
    assert [(piece.name, piece.title, len(piece)) for piece in result.pieces] == [
        ("a.krn song 1", "One", 1),
        ("a.krn song 2", "Two", 2),
    ]
    [error] = result.rejected
    assert error.place == "line 13"


@pytest.mark.parametrize("metre", ["*M(2+3)/8", "*M2+3/8"])
@pytest.mark.parametrize("spines", [1, 2])
def test_an_additive_metre(metre: str, spines: int) -> None:
    [piece] = read(*("\t".join([line] * spines) for line in ("**kern", metre, "4c", "*-"))).pieces
    assert piece.metre == Metre(5, 8)
