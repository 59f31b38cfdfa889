"""ABC as people write it: signs that the standard reserves or leaves open cost no tune; none is misread."""

from __future__ import annotations

import pytest

from abc_tunes import header, heard, letters, piece_of, pitches
from etude.formats.abc.reader import parse_abc, state_tempo
from etude.formats.abc.writer import abc_text
from etude.music import Key


def test_chords_in_plus_signs():
    assert heard(piece_of("+CEG+D3|")) == heard(piece_of("[CEG]D3|"))
    assert heard(piece_of("+C2E2+D2|")) == heard(piece_of("[C2E2]D2|"))
    assert heard(piece_of("+^CE+2|")) == heard(piece_of("[^CE]2|"))
    assert letters("+ff+C +trill+D +f+E +5+F") == "CDEF"  # decorations


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("|:C4|D4[|]:|E4|]", "CDCDE"),
        ("|:C4[|]D4:|E4|]", "CDCDE"),
        ("C4[|]D4:|E4|]", "CDCDE"),  # it is no double bar line
        ("G4[|]|:C4:|", "GCC"),
        ("|:C4|1D4[|]:|2E4|]", "CDCE"),
    ],
)
def test_an_invisible_bar_line_leaves_the_repeats(music, played):
    assert letters(music) == played


def test_an_invisible_bar_line_ends_an_accidental():
    assert pitches("^F[|]F") == [66, 65]


def test_reserved_signs_are_ignored():
    assert letters("C#D*E;F?|G@A|[C#E*]B") == "CDEFGACEB"


@pytest.mark.parametrize("letter", "HIJKLMNOPQRSTUVWhijklmnopqrstuvw~")
def test_letters_without_a_meaning_are_ignored(letter):
    assert letters(f"{letter}CD{letter}EF|{letter}[CE]") == "CDEFCE"


@pytest.mark.parametrize(
    ("text", "key"), [("E♭", Key("Eb")), ("F♯ minor", Key("F#", "minor")), ("B♭dor", Key("Bb", "dorian"))]
)
def test_a_tonic_may_have_a_printed_accidental(text, key):
    assert piece_of("C", header(K=text)).key == key


@pytest.mark.parametrize("text", ["E flat", "Esus", "E ♭", "E♮", "C 2", "Gmaj foo"])
def test_an_unknown_word_after_a_tonic_is_an_error(text):
    (error,) = parse_abc(header(K=text) + "C").rejected
    assert "the key" in error.reason


@pytest.mark.parametrize(
    ("text", "pitch"),
    [("F clef=bass", 70), ("F clef=alto middle=b", 70), ("F =B clef=bass", 71), ("F=B", 71)],
)
def test_an_option_of_a_key_is_no_accidental(text, pitch):
    assert pitches("B", header(K=text)) == [pitch]


@pytest.mark.parametrize("text", ["1/4=100-120", "1/0=4", "1/4=fast8", "about 90", "allegro 1/4=120"])
def test_a_tempo_that_cannot_be_read_loses_the_tempo(text):
    assert piece_of("CDEF", header(Q=text)).tempos == ()
    tempos = piece_of(f"C[Q:{text}]D", header(Q="1/4=80")).tempos
    assert tempos == ((0, 80.0),)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"K": "GbMin"}, "key signature"),
        ({"K": "G# major"}, "key signature"),
        ({"Q": "1/4=100-120"}, "tempo"),
    ],
)
def test_what_other_programs_do_not_understand_is_a_fault_of_a_drawn_tune(fields, reason):
    text = header(**fields) + "CDEF|"
    assert not parse_abc(text).rejected
    (error,) = parse_abc(text, strict=True).rejected
    assert reason in error.reason


def test_a_title_that_goes_on_in_another_line():
    [piece] = parse_abc(
        "X:1\nT:The long % here\n+:and winding % there\n+:road\nT:other\n+:no\nK:C\nC\n"
    ).pieces
    assert piece.title == "The long and winding road"


@pytest.mark.parametrize("music", ["(&C|D&)E|", "C&&D|"])
def test_an_overlay_of_several_bars_is_refused(music):
    [error] = parse_abc(f"X:1\nK:C\n{music}\n").rejected
    assert "an overlay of several bars" in error.reason


def test_a_tempo_is_stated_in_place_of_the_tunes_own():
    tune = "X:1\nQ:1/4=60\nK:C\nCD[Q:1/4=90]EF|\nQ:1/4=30\nG|\n"
    stated = state_tempo(tune, 132.5)
    assert stated == "X:1\nQ:1/4=132.5\nK:C\nCDEF|\nG|\n"
    assert parse_abc(stated).pieces[0].tempos == ((0, 132.5),)


def test_a_midi_directive_names_the_instrument_of_a_voice():
    melody = piece_of("%%MIDI program 73\nCDEF|")
    assert melody.programs == (74,)
    duet = piece_of("V:1\n%%MIDI program 1 40\nC4|\nV:2\n[I:MIDI program 42]C4|")
    assert duet.programs == (41, 43)
    for piece in (melody, duet):
        assert parse_abc(abc_text(piece)).pieces[0].programs == piece.programs
    assert piece_of("CDEF|").programs == ()


def test_history_goes_on_to_the_next_field_as_in_older_standards():
    text = "X:1\nT:Title\nH:Played at fairs,\nand at weddings too.\nM:4/4\nL:1/4\nK:C\nCDEF|\n"
    assert heard(parse_abc(text).pieces[0]) == heard(piece_of("CDEF|"))
    assert parse_abc("X:1\nT:Title\nCDEF|\nK:C\n").rejected
