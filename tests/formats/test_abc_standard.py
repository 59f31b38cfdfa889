"""The examples that the ABC standard 2.1 prints, each with the notes that it describes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from abc_tunes import durations, header, heard, letters, piece_of, pitches
from etude.formats.abc.information_fields import read_key
from etude.music import Metre

# Section 3.1.14: the keys of one line have one signature; seven sharps to seven flats.
SIGNATURES = """
C# A#m G#Mix D#Dor E#Phr F#Lyd B#Loc
F# D#m C#Mix G#Dor A#Phr BLyd E#Loc
B G#m F#Mix C#Dor D#Phr ELyd A#Loc
E C#m BMix F#Dor G#Phr ALyd D#Loc
A F#m EMix BDor C#Phr DLyd G#Loc
D Bm AMix EDor F#Phr GLyd C#Loc
G Em DMix ADor BPhr CLyd F#Loc
C Am GMix DDor EPhr FLyd BLoc
F Dm CMix GDor APhr BbLyd ELoc
Bb Gm FMix CDor DPhr EbLyd ALoc
Eb Cm BbMix FDor GPhr AbLyd DLoc
Ab Fm EbMix BbDor CPhr DbLyd GLoc
Db Bbm AbMix EbDor FPhr GbLyd CLoc
Gb Ebm DbMix AbDor BbPhr CbLyd FLoc
Cb Abm GbMix DbDor EbPhr FbLyd BbLoc
"""


@pytest.mark.parametrize(
    ("line", "sharps"), [*zip(SIGNATURES.split("\n")[1:-1], range(7, -8, -1), strict=True)]
)
def test_key_signatures(line, sharps):
    altered = dict.fromkeys("FCGDAEB"[:sharps], 1) if sharps >= 0 else dict.fromkeys("BEADGCF"[:-sharps], -1)
    for name in line.split():
        assert read_key(name).semitones == altered
        assert read_key(name).key.fifths == sharps


@pytest.mark.parametrize(
    ("text", "altered"),
    [
        ("D Phr ^f", {"B": -1, "E": -1, "F": 1}),
        ("D maj =c", {"F": 1, "C": 0}),
        ("D =c", {"F": 1, "C": 0}),
        ("D exp _b _e ^f", {"B": -1, "E": -1, "F": 1}),
    ],
)
def test_modified_key_signatures(text, altered):
    assert read_key(text).semitones == altered


@pytest.mark.parametrize(
    ("text", "quarters_a_minute"),
    [
        ("1/4=120", 120),
        ("1/4 3/8 1/4 3/8=40", 200),
        ('"Allegro" 1/4=120', 120),
        ('3/8=50 "Slowly"', 75),
        ('"Andante"', None),
    ],
)
def test_tempos(text, quarters_a_minute):
    assert piece_of("C", header(Q=text)).tempo == quarters_a_minute


def test_octaves():
    music = "C, D, E, F, G, A, B, C D E F G A B c d e f g a b c' d' e' f' g' a' b'"
    scale = (0, 2, 4, 5, 7, 9, 11)
    assert pitches(music) == [octave + step for octave in (48, 60, 72, 84) for step in scale]
    assert pitches("C,', C, C', C'") == [48, 48, 60, 72]


def test_broken_rhythm_is_the_same_as_its_lengths_written_out():
    written = piece_of("a3b cd3 a2b2c2d2", header(L="1/16"))
    broken = piece_of("a>b c<d abcd", header(L="1/8"))
    assert heard(written) == heard(broken)
    assert durations("a>>b a>>>b", header(L="1/8")) == [
        Fraction(7, 8),
        Fraction(1, 8),
        Fraction(15, 16),
        Fraction(1, 16),
    ]


@pytest.mark.parametrize("sign", ["::", ":|:", ":||:"])
def test_the_end_of_a_repeat_and_the_start_of_another(sign):
    assert letters(f"|:CD{sign}EF:|") == "CDCDEFEF"


def test_a_section_repeated_three_times():
    assert letters("|::CD::|") == "CDCDCD"


@pytest.mark.parametrize(
    ("music", "played"),
    [("C|[|D", "CD"), ("C[|:::D:::|E", "CDDDDE"), ("C||:D:||E", "CDDE"), ("[|:C:|]D", "CCD")],
)
def test_bar_lines_of_any_shape(music, played):
    """Section 4.8: bar lines in the wild are any sequence of |, [ or ] and colons, such as |[| or [|:::."""
    assert letters(music) == played


@pytest.mark.parametrize("endings", ["|[1 dfe dBA:|[2 d2e dcB|]", "|1 dfe dBA:|2 d2e dcB|]"])
def test_first_and_second_endings(endings):
    played = letters_of("faf gfe" + endings)
    assert played == "fafgfe" + "dfedBA" + "fafgfe" + "dedcB"


def test_variant_endings():
    assert letters("|:A|[1,3 B:|[2,4-5 C:|[6 D|]") == "ABACABACACAD"


def test_a_field_between_a_repeat_and_its_second_ending():
    """Section 3.2 changes the metre there; a tempo is the same."""
    piece = piece_of("|:CDEF|1 GGGG:|\\\nM:2/4\nQ:1/4=60\n[2 AB|]", header(Q="1/4=120"))
    assert "".join("CDEFGAB"[(60, 62, 64, 65, 67, 69, 71).index(note.pitch)] for note in piece.notes) == (
        "CDEFGGGG" + "CDEFAB"
    )
    assert piece.metres == ((0, Metre(4, 4)), (12, Metre(2, 4)))
    assert piece.tempos == ((0, 120), (12, 60))


def letters_of(music: str) -> str:
    names = dict(zip((69, 71, 72, 74, 76, 77, 79, 81), "ABcdefga", strict=True))
    return "".join(names[pitch] for pitch in pitches(music))


@pytest.mark.parametrize("music", ["A<{g}A", "A{g}<A", "A < A"])
def test_broken_rhythm_beside_grace_notes(music):
    """Section 4.4: both orders are legal."""
    assert durations(music) == [Fraction(1, 2), Fraction(3, 2)]


# Section 4.3 with L:1/16: a number of units, and the note that it is, in quarters.
LENGTHS = {
    "A/2": Fraction(1, 8), "A/": Fraction(1, 8), "A//": Fraction(1, 16), "A/4": Fraction(1, 16),
    "A": Fraction(1, 4), "A2": Fraction(1, 2), "A3": Fraction(3, 4), "A4": 1, "A6": Fraction(3, 2),
    "A7": Fraction(7, 4), "A8": 2, "A12": 3, "A14": Fraction(7, 2), "A15": Fraction(15, 4), "A16": 4,
    "A24": 6, "A3/2": Fraction(3, 8), "A3/4": Fraction(3, 16), "A3//": Fraction(3, 16),
}  # fmt: skip


def test_note_lengths():
    assert durations(" ".join(LENGTHS), header(L="1/16")) == [*LENGTHS.values()]


def test_rests():
    assert heard(piece_of("Z4|CD EF|GA Bc")) == heard(piece_of("z4|z4|z4|z4|CD EF|GA Bc"))


def test_ties():
    assert heard(piece_of("abc-|cba"))[2] == (2, 2, 72)
    assert heard(piece_of("c4-c4")) == [(0, 8, 72)]


@pytest.mark.parametrize("music", ["(c (d e f) g a)", "(c d (e) f g a)", "c d e f g a"])
def test_slurs_are_silent(music):
    assert pitches(music) == [72, 74, 76, 77, 79, 81]


# Section 4.14, without those that change the order of playing
DECORATIONS = """
trill trill( trill) lowermordent uppermordent mordent pralltriller roll turn turnx invertedturn
invertedturnx arpeggio > accent emphasis fermata invertedfermata tenuto 0 1 2 3 4 5 + plus snap slide
wedge upbow downbow open thumb breath pppp ppp pp p mp mf f ff fff ffff sfz crescendo( <( crescendo) <)
diminuendo( >( diminuendo) >) shortphrase mediumphrase longphrase
"""


def test_decorations_are_silent():
    names = DECORATIONS.split()
    assert letters("".join(f"!{name}!C" for name in names)) == "C" * len(names)


def test_symbol_lines_and_lyrics_are_silent():
    assert letters('CDEF    | G```AB`\ns: "^slow" | !f! ** !fff!\nw: doh re mi~fa | so la-_ *\n') == "CDEFGAB"


@pytest.mark.parametrize(
    ("target", "notes", "music", "written_out"),
    [
        ("~g2", "{a}g{f}g", "~g2", "gg"),
        ("~D2", "{E}D{C}D", "~D2D FDF", "DDD FDF"),
        ("~n2", "(3o/n/m/ n", "~c2 ~D2", "(3d/c/B/ c (3E/D/C/ D"),
    ],
)
def test_macros(target, notes, music, written_out):
    """Section 9.1 and 9.2, static and transposing."""
    assert heard(piece_of(f"m: {target} = {notes}\n{music}")) == heard(piece_of(written_out))


def test_grace_notes_take_no_time():
    assert heard(piece_of("{g}A3 A{g}AA {gAGAG}A {/g}C")) == heard(piece_of("A3 AAA A C"))


@pytest.mark.parametrize("sign", ["(3", "(3::", "(3:2", "(3:2:3"])
def test_forms_of_a_triplet(sign):
    assert durations(sign + "ABC") == [Fraction(2, 3)] * 3


@pytest.mark.parametrize(
    ("music", "lengths"), [("(3:2:2 G4c2", (4, 2)), ("(3::2 G4c2", (4, 2)), ("(3:2:4 G2A2Bc", (2, 2, 1, 1))]
)
def test_triplets_of_unequal_notes(music, lengths):
    assert durations(music) == [Fraction(2 * length, 3) for length in lengths]


def test_chords():
    assert pitches("[CEGc]") == [60, 64, 67, 72]
    assert heard(piece_of("[C2E2G2]3")) == heard(piece_of("[CEG]6"))
    music = '( "^I" !f! [CEG]- > [CEG] "^IV" [F=AC]3/2"^V"[GBD]/  H[CEG]2 )'
    c, f, g = (60, 64, 67), (60, 65, 69), (62, 67, 71)
    assert heard(piece_of(music)) == [
        *((0, 2, pitch) for pitch in c),
        *((2, Fraction(3, 2), pitch) for pitch in f),
        *((Fraction(7, 2), Fraction(1, 2), pitch) for pitch in g),
        *((4, 2, pitch) for pitch in c),
    ]


@pytest.mark.parametrize("music", ["~^c'3", '"Gm7"v.=G,2', "{g}~^c'3"])
def test_what_may_stand_before_a_note(music):
    assert pitches(music) == [85 if "c" in music else 55]


def test_voice_overlay():
    music = "A2 | c d e f g  a  &\\\n     A A A A A  A  &\\\n     F E D C B, A, |]"
    piece = piece_of(music, header(L="1/8", M="6/8"))
    layers = [(72, 74, 76, 77, 79, 81), (69,) * 6, (65, 64, 62, 60, 59, 57)]
    expected = [(1 + Fraction(place, 2), layer[place]) for layer in layers for place in range(6)]
    assert sorted((onset, pitch) for onset, _, pitch in heard(piece)) == sorted([(0, 69), *expected])
