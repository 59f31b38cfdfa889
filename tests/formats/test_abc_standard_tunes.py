"""Tunes of the ABC standard 2.1: sections 7.1 (voices) and 14 (samples; the slow part of the last is cut)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from etude.formats.abc.reader import parse_abc
from etude.music import Key, Metre, Piece

ENGLISH = """%abc-2.1
H:This file contains some example English tunes
% note that the comments (like this one) are to highlight usages
O:England             % the origin of all tunes is England

X:1                   % tune no 1
T:Dusty Miller, The   % title
T:Binny's Jig         % an alternative title
C:Trad.               % traditional
R:DH                  % double hornpipe
M:3/4                 % meter
K:G                   % key
B>cd BAG|FA Ac BA|B>cd BAG|DG GB AG:|
Bdd gfg|aA Ac BA|Bdd gfa|gG GB AG:|
BG G/2G/2G BG|FA Ac BA|BG G/2G/2G BG|DG GB AG:|

X:2
T:Old Sir Simon the King
C:Trad.
S:Offord MSS          % from Offord manuscript
N:see also Playford   % reference note
M:9/8
R:SJ                  % slip jig
N:originally in C     % transcription note
K:G
D|GFG GAG G2D|GFG GAG F2D|EFE EFE EFG|A2G F2E D2:|
D|GAG GAB d2D|GAG GAB c2D|[1 EFE EFE EFG|A2G F2E D2:|\\ % no line-break in score
M:12/8                % change to 12/8 for a bar
[2 E2E EFE E2E EFG|\\  % no line-break in score
M:9/8                 % change back to 9/8
A2G F2E D2|]

X:3
T:William and Nancy
P:(AB)2(AC)2A                 % play the parts in this order
M:6/8
K:G
[P:A] D|"G"G2G GBd|"C"e2e "G"dBG|"D7"A2d "G"BAG|"C"E2"D7"F "G"G2:|
[P:B] d|"G"e2d B2d|"C"gfe "G"d2d|"G"e2d    B2d|"C"gfe    "D7"d2c|
        "G"B2B Bcd|"C"e2e "G"dBG|"D7"A2d "G"BAG|"C"E2"D7"F "G"G2:|
% changes of meter, using inline fields
[T:Slows][M:4/4][L:1/4][P:C]"G"d2|"C"e2 "G"d2|"C"e2 "G"d2|
"""

ZOCHARTI_LOCH = """X:1
T:Zocharti Loch
C:Louis Lewandowski (1821-1894)
M:C
Q:1/4=76
%%score (T1 T2) (B1 B2)
V:T1           clef=treble-8  name="Tenore I"   snm="T.I"
V:T2           clef=treble-8  name="Tenore II"  snm="T.II"
V:B1  middle=d clef=bass      name="Basso I"    snm="B.I"  transpose=-24
V:B2  middle=d clef=bass      name="Basso II"   snm="B.II" transpose=-24
K:Gm
%            End of header, start of tune body:
% 1
[V:T1]  (B2c2 d2g2)  | f6e2      | (d2c2 d2)e2 | d4 c2z2 |
[V:T2]  (G2A2 B2e2)  | d6c2      | (B2A2 B2)c2 | B4 A2z2 |
[V:B1]       z8      | z2f2 g2a2 | b2z2 z2 e2  | f4 f2z2 |
[V:B2]       x8      |     x8    |      x8     |    x8   |
% 5
[V:T1]  (B2c2 d2g2)  | f8        | d3c (d2fe)  | H d6    ||
[V:T2]       z8      |     z8    | B3A (B2c2)  | H A6    ||
[V:B1]  (d2f2 b2e'2) | d'8       | g3g  g4     | H^f6    ||
[V:B2]       x8      | z2B2 c2d2 | e3e (d2c2)  | H d6    ||
"""


@pytest.fixture(scope="module")
def english() -> list[Piece]:
    reading = parse_abc(ENGLISH)
    assert reading.rejected == []
    return reading.pieces


def test_dusty_miller(english: list[Piece]) -> None:
    piece = english[0]
    assert (piece.title, piece.key, piece.metre) == ("Dusty Miller, The", Key("G"), Metre(3, 4))
    assert piece.quarters == 3 * 24  # three sections of four bars, each twice
    rhythm = [note.duration for note in piece.notes[:3]]
    assert rhythm == [Fraction(3, 4), Fraction(1, 4), Fraction(1, 2)]
    assert [note.pitch for note in piece.notes[:6]] == [71, 72, 74, 71, 69, 67]
    bars_9_and_10 = [note.pitch for note in piece.notes if 48 <= note.onset < 54]
    assert bars_9_and_10 == [71, 67, 67, 67, 67, 71, 67, 66, 69, 69, 72, 71, 69]


def test_old_sir_simon_the_king(english: list[Piece]) -> None:
    """A strain has a pickup, three bars and a last one without an eighth: 18 quarters."""
    piece = english[1]
    assert Fraction(piece.pickup, piece.division) == Fraction(1, 2)
    second_ending = 3 * 18 + Fraction(1, 2) + 2 * Metre(9, 8).quarters
    assert [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres] == [
        (0, Metre(9, 8)),
        (second_ending, Metre(12, 8)),
        (second_ending + 6, Metre(9, 8)),
    ]
    ending = [note.pitch for note in piece.notes if note.onset >= second_ending]
    assert ending == [64, 64, 64, 66, 64, 64, 64, 64, 66, 67, 69, 67, 66, 64, 62]
    assert piece.quarters == second_ending + 6 + 4


def test_william_and_nancy(english: list[Piece]) -> None:
    piece = english[2]
    a, b, c = 24, 48, 10  # quarters of each part, those with repeats twice
    changes = [(Fraction(tick, piece.division), metre) for tick, metre in piece.metres]
    slow = 2 * (a + b) + a
    assert changes == [
        (0, Metre(6, 8)),
        (slow, Metre(4, 4)),
        (slow + c, Metre(6, 8)),
        (slow + c + a, Metre(4, 4)),
        (slow + c + a + c, Metre(6, 8)),
    ]
    starts = {note.onset: note.pitch for note in piece.notes}
    parts = "ABABACACA"
    times = [sum({"A": a, "B": b, "C": c}[name] for name in parts[:place]) for place in range(9)]
    assert [starts[Fraction(time)] for time in times] == [62 if name == "A" else 74 for name in parts]
    assert piece.quarters == slow + 2 * c + 2 * a


def test_zocharti_loch() -> None:
    [piece] = parse_abc(ZOCHARTI_LOCH).pieces
    assert piece.part_names == ("Tenore I", "Tenore II", "Basso I", "Basso II")
    assert (piece.tempo, piece.metre, piece.key) == (76, Metre(4, 4), Key("G", "minor"))
    parts = [[note for note in piece.notes if note.part == part] for part in range(4)]
    assert [(notes[0].onset, notes[0].pitch) for notes in parts] == [(0, 58), (0, 55), (5, 53), (21, 46)]
    assert [note.pitch for note in piece.notes if note.onset == 28] == [62, 57, 54, 50]
    assert piece.quarters == 31
