"""The ABC reader: tunebooks, their text and encodings, and rejected tunes with their place."""

from __future__ import annotations

from fractions import Fraction

import pytest

from abc_tunes import HEADER, header, heard, letters
from etude.formats.abc.reader import only_tunes, parse_abc, read_abc_bytes
from etude.music import Metre


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


BOOK = (
    "%abc-2.1\nM:3/4\nL:1/4\nO:Österreich\n\nX:1\nT:One\nK:C\nC\n\n"
    "Free text about this: it is | not music.\n\n"
    "X: 2 % the second\nT:Two\nL:1/8\nK:G\nF\n\n"
    "X:21\nK:D\nD\n%%begintext\nX is no\nX:3\nK:E\nE\nX:2\nK:F\nB\n"
)


@pytest.mark.parametrize(
    "numbers",
    [{"1"}, {"2"}, {"3", "21"}, {"1", "2", "3", "21"}, {"4"}],
    ids=lambda numbers: "-".join(sorted(numbers)),
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_a_few_tunes_of_a_book_are_read_as_in_the_whole(numbers: set[str], end: str, code: str) -> None:
    data = BOOK.replace("\n", end).encode(code)
    wanted = {f"b.abc X:{number}" for number in numbers}
    whole, few = (read_abc_bytes(each, "b.abc") for each in (data, only_tunes(data, numbers)))
    assert len(whole.pieces) == 5
    assert [each for each in few.pieces if each.name in wanted] == [
        each for each in whole.pieces if each.name in wanted
    ]
    if (end, code) == ("\n", "utf-8"):
        assert {each.name for each in few.pieces} == wanted - {"b.abc X:4"}


def test_what_other_tunes_say_of_the_encoding_of_a_book_counts() -> None:
    data = b"X:1\nT:\xc3\xa9\nK:C\nC\n\nX:2\nT:\xe9\nK:C\nC\n"  # the first alone would be UTF-8
    for each in (data, only_tunes(data, {"1"})):
        assert read_abc_bytes(each, "b.abc").pieces[0].title == "\xc3\xa9"


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
        ("A\nB\nAéB", "unknown character 'é'", 8),
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
        ("K:C up\nA", "key 'C up'", 6),
        ("K:E♮\nA", "key 'E♮'", 6),
        ("K:C shift=CD\nA", "'shift=CD' is not supported", 6),
        ("I:propagate-accidentals all\nA", "the reach of accidentals 'all'", 6),
        ("the first two lines are repeated", "looks like words", 6),
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
def test_text_that_is_no_tune_is_rejected(text, place, reason):
    error = read_abc_bytes(text.encode(), "a.abc").rejected[0]
    assert reason in error.reason
    assert (error.path, error.place) == ("a.abc", place)


def test_the_other_tunes_go_on():
    book = "".join(f"X:{n}\nK:C\n{music}\n\n" for n, music in enumerate(("AB", "(3AB", "cd"), start=1))
    reading = parse_abc(book, "a.abc")
    assert [piece.name for piece in reading.pieces] == ["a.abc X:1", "a.abc X:3"]
    assert [error.place for error in reading.rejected] == ["X:2, line 7"]


def test_lines_are_counted_over_empty_ones():
    assert rejected("\nA|\n\n\nB|é")[0] == "X:1, line 10"


def test_durations_without_a_common_unit_are_rejected():
    primes = [p for p in range(1000, 1400) if all(p % q for q in range(2, 38))]
    assert "time unit" in rejected(" ".join(f"A/{p}" for p in primes))[1]


@pytest.mark.parametrize(
    "tune",
    [
        "".join(f"V:{n}\n" for n in range(129)) + "K:C\nA",
        "K:C\n" + "".join(f"V:{n}\nA\n" for n in range(129)),
    ],
    ids=["in the header", "in the body"],
)
def test_more_voices_than_an_orchestra(tune):
    assert "more than 128 voices" in parse_abc("X:1\n" + tune).rejected[0].reason


def test_many_long_voices_are_refused_together():
    voices = "".join(f"V:{n}\n|:{'A' * 500}|1-40 B:|\n" for n in range(20))
    assert "with its repeats" in parse_abc(HEADER + voices).rejected[0].reason


def test_many_large_chords_are_refused_together():
    chord = "[" + "CDEFGABcdefgab" + "]"
    assert "with its repeats" in parse_abc(HEADER + f"|:{chord * 400}|1-40 B:|").rejected[0].reason


def test_a_tempo_of_many_fractions_is_lost_at_once():
    assert parse_abc(header(Q="1/1111" * 40 + "x=1") + "A").pieces[0].tempos == ()


def test_a_tune_without_a_number_at_the_end_of_a_book_is_none_of_those_wanted() -> None:
    assert only_tunes(b"X:1\nK:C\nC\n\nX:", {"1"}) == b"X:1\nK:C\nC\n\n"
