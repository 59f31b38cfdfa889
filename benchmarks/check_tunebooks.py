"""Read the ABC tunebooks in music21's corpus: tunes, refused by reason, notes compared with music21's own.

    python benchmarks/check_tunebooks.py [N]

Ours reads every tune in seconds; music21, which takes minutes, every Nth. Both read the tunes as written,
without repeats and P:. music21 is told the standard's rule for accidentals.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from pathlib import Path

import music21
from machine import heading, print_table

from etude.formats.abc.reader import parse_abc
from etude.formats.base import decode_text
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Piece

FOLDERS = {
    "Aird": "airdsAirs",
    "O'Neill": "oneills1850",
    "Ryan": "ryansMammoth",
    "Nottingham": "nottingham-dataset",
}
RULE = "%abc-2.1\n"  # without it music21 applies an accidental to its own note only


def main(every: int) -> None:
    print(heading("ABC tunebooks in music21's corpus"))
    rows = [["book", "tunes", "read", "s", "by both", "same notes", *DIFFERENCES]]
    for book, folder in FOLDERS.items():
        rows.append([book, *compared(folder, every)])
    print_table(rows)


DIFFERENCES = ("other pitches", "other times", "more notes", "fewer notes")


def compared(folder: str, every: int) -> list[str]:
    files = sorted((Path(music21.__file__).parent / "corpus" / folder).glob("*.abc"))
    tunes = [tune for file in files for tune in split_tunes(decode_text(file.read_bytes(), file.name))]
    start = time.perf_counter()
    readings = [parse_abc(tune, expand_repeats=False) for tune in tunes]
    seconds = time.perf_counter() - start
    reasons = Counter(re.sub(r"'.*'", "'…'", error.reason) for one in readings for error in one.rejected)
    print(f"{folder}: " + "; ".join(f"{count} {reason}" for reason, count in reasons.most_common()))
    counts: Counter[str] = Counter()
    for tune, reading in list(zip(tunes, readings, strict=True))[::every]:
        theirs = read_with_music21_bytes((RULE + tune).encode(), "a.abc")
        if reading.pieces and theirs.pieces:
            verdict = difference(reading.pieces[0], theirs.pieces[0])
            counts[verdict] += 1
            if verdict != "same notes" and counts[verdict] <= 3:
                print(f"    {verdict}: {reading.pieces[0].title}")
    read = sum(len(one.pieces) for one in readings)
    cells = [len(tunes), read, f"{seconds:.1f}", counts.total(), counts["same notes"]]
    return [str(cell) for cell in (*cells, *(counts[name] for name in DIFFERENCES))]


def difference(ours: Piece, theirs: Piece) -> str:
    mine, other = (sorted(note[:3] for note in piece.notes) for piece in (ours, theirs))
    if mine == other:
        return "same notes"
    if len(mine) != len(other):
        return "more notes" if len(mine) > len(other) else "fewer notes"
    return "other pitches" if [note[:2] for note in mine] == [note[:2] for note in other] else "other times"


def split_tunes(text: str) -> list[str]:
    return re.split(r"(?=^X:)", text, flags=re.MULTILINE)[1:]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
