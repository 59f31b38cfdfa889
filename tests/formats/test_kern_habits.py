"""kern as editors write it: each small file with its notes, as "pitch*quarters", chords as "60+64"."""

from __future__ import annotations

import pytest

from etude.formats.kern.reader import read_kern_bytes
from file_reading import written

SONGS = {
    "triplets": ("12c 12d 12e 6f 6g 6a", "60*1/3 62*1/3 64*1/3 65*2/3 67*2/3 69*2/3"),
    "dots": ("4.c 8d 4..e 16f", "60*3/2 62*1/2 64*7/4 65*1/4"),
    "breve and longa": ("0c 00d", "60*8 62*16"),
    "octaves": ("4CC 4C 4c 4cc 4ccc", "36 48 60 72 84"),
    "accidentals": ("4c#X 4d-y 4B- 4en 4f##", "61 61 58 64 67"),
    "beams, slurs, phrases, fermata": ("{(8cL 8dJ) 4e;} 4f'", "60*1/2 62*1/2 64 65"),
    "stems and editorial signs": ("4c/ 4d\\ 4e@ 4fZ", "60 62 64 65"),
    "grace notes": ("8qc 4d 16qqe 4f", "62 65"),
    "rests": ("4r 4c 2r 4d", "r 60 r*2 62"),
    "a tie over the bar line": ("[4c =2 4c] 4d", "60*2 62"),
    "a tie of three": ("[4c 4c_ 4c] 4d", "60*3 62"),
    "bar lines of all kinds": ("=1- 4c =2|| 4d =:|! 4e ==", "60 62 64"),
    "a change of key and clef": ("*k[f#] 4f# *clefF4 *k[] 4f", "66 65"),
    "an instrument and a tempo mark": ('*Iflt *I"Flute *MM60 *met(c) *M4/4 4c', "60"),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", SONGS)
def test_notes_of_a_song(name: str, end: str) -> None:
    tokens, notes = SONGS[name]
    lines = ["!!!OTL: Song", "**kern", *tokens.split(), "*-", "!!!ONB: a remark", ""]
    [piece] = read_kern_bytes(end.join(lines).encode(), "song.krn").pieces
    assert [(note.onset, note.duration, note.pitch) for note in piece.notes] == written(notes)
    assert piece.title == "Song"


@pytest.mark.parametrize("tab", ["**kern\t\n4c\t\n*-\t\n", "**kern\t\t**text\n4c\t\tla\n*-\t\t*-\n"])
def test_a_spine_without_a_name_is_refused_in_plain_words(tab: str) -> None:
    [error] = read_kern_bytes(tab.encode(), "song.krn").rejected
    assert "two tabs side by side, or one at the end of the line" in error.reason
