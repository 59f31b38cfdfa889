"""Compare the kern and ABC readers with each other and with music21 on all published songs; prints counts.

    python benchmarks/check_readers.py FOLDER

FOLDER holds erk.zip and Music_of_Ireland.abc. Ours takes seconds, music21 some minutes.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from etude.corpora.archives import read_archive
from etude.corpora.essen_books import bundled_tunebooks, infer_mode
from etude.formats.abc.reader import parse_abc, read_abc_bytes
from etude.formats.base import ReadResult, file_bytes
from etude.formats.kern.reader import read_kern_bytes
from etude.formats.music21_reader import read_with_music21_bytes
from etude.music import Piece
from etude.music.transposition import to_c_major_or_a_minor

# music21 carries accidentals to the bar line only in files that state ABC 2, and then in all octaves.
TO_THE_BAR_LINE = "%abc-2.1\n%%propagate-accidentals octave\n"


def main(folder: Path) -> None:
    songs = {name: data for name, data in read_archive(folder / "erk.zip") if name.endswith(".krn")}
    books = [path.read_bytes() for path in bundled_tunebooks()]
    cobb = (folder / "Music_of_Ireland.abc").read_bytes()
    kern = timed("kern", lambda: [read_kern_bytes(data, name) for name, data in songs.items()])
    essen = timed("Essen ABC", lambda: [read_abc_bytes(book, f"book {n}") for n, book in enumerate(books)])
    timed("Cobb", lambda: [read_abc_bytes(cobb, "Music_of_Ireland.abc")])
    successive = sum(has_successive_rests(data.decode("latin-1")) for data in songs.values())
    print(f"kern songs with successive rests: {successive}")

    by_number: dict[str, list[Piece]] = {}
    for data, reading in zip(songs.values(), kern, strict=True):
        by_number.setdefault(found(r"!!!SCT: *(\S+)", data.decode("latin-1")), []).extend(reading.pieces)
    print("\nEssen ABC against kern, matched by number (N: and !!!SCT:), in C major or A minor:")
    print_counts(verdicts(by_number, numbered(books, essen)))

    print("\nagainst music21, as written:")
    compare(
        "kern", [(name, data.decode("latin-1"), read_kern_bytes(data, name)) for name, data in songs.items()]
    )
    for label, texts in (("Essen ABC", books), ("Cobb", [cobb])):
        tunes = [tune for text in texts for tune in split_tunes(text.decode())]
        for rule, prefix in (("as it is", ""), ("accidentals to the bar line", TO_THE_BAR_LINE)):
            compare(
                f"{label}, {rule}",
                [
                    (f"{n}.abc", prefix + tune, parse_abc(tune, expand_repeats=False))
                    for n, tune in enumerate(tunes)
                ],
            )


def timed(label: str, read: Callable[[], list[ReadResult]]) -> list[ReadResult]:
    start = time.perf_counter()
    readings = read()
    seconds = time.perf_counter() - start
    pieces = sum(len(reading.pieces) for reading in readings)
    rejected = [error for reading in readings for error in reading.rejected]
    print(f"{label}: {pieces} pieces, {len(rejected)} rejected, {seconds:.2f} s")
    for error in rejected:
        print(f"    {error}")
    return readings


def has_successive_rests(text: str) -> bool:
    tokens = [line for line in text.splitlines() if line and line[0] not in "!*=."]
    return any("r" in first and "r" in second for first, second in pairwise(tokens))


def numbered(books: Iterable[bytes], readings: Iterable[ReadResult]) -> Iterator[tuple[str, Piece]]:
    for book, reading in zip(books, readings, strict=True):
        numbers = {
            found(r"X:(\d+)", tune): found(r"\nN: *(\S+)", tune) for tune in split_tunes(book.decode())
        }
        for piece in reading.pieces:
            yield numbers[piece.name.split("X:")[1]], piece


def verdicts(by_number: dict[str, list[Piece]], tunes: Iterable[tuple[str, Piece]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number, tune in tunes:
        if number not in by_number:
            counts["no kern song of this number"] += 1
            continue
        counts["matched"] += 1
        songs = [to_c_major_or_a_minor(song) for song in by_number[number]]
        counts["agree by the stated key"] += any(
            same_notes(to_c_major_or_a_minor(tune), song) for song in songs
        )
        inferred = to_c_major_or_a_minor(replace(tune, key=infer_mode(tune)))
        if any(same_notes(inferred, song) for song in songs):
            counts["agree by the inferred mode"] += 1
        elif any(same_notes(tune, song) for song in by_number[number]):
            counts["  not: same notes, but the kern key states another mode than the third shows"] += 1
        else:
            counts[
                f"  not: {difference(tune, min(by_number[number], key=lambda song: distance(tune, song)))}"
            ] += 1
    return counts


def same_notes(one: Piece, other: Piece) -> bool:
    return replace(one, length=0) == replace(other, length=0)


def distance(one: Piece, other: Piece) -> int:
    return len(set(one.notes) ^ set(other.notes))


def difference(tune: Piece, song: Piece) -> str:
    if len(tune) != len(song):
        return "another number of notes"
    if all(abs(a.pitch - b.pitch) % 12 == 0 for a, b in zip(tune.notes, song.notes, strict=True)):
        is_triplet = song.division % 3 == 0 and tune.division % 3 != 0
        same_rhythm = [note[:2] for note in tune.notes] == [note[:2] for note in song.notes]
        return (
            "another octave" if same_rhythm else "triplets written as plain notes" if is_triplet else "rhythm"
        )
    return "other pitches"


def compare(label: str, cases: list[tuple[str, str, ReadResult]]) -> None:
    counts: Counter[str] = Counter()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, text, ours in cases:
            path = Path(folder) / Path(name).name
            path.write_text(text, encoding="utf-8")
            theirs = read_with_music21_bytes(file_bytes(path), str(path))
            if not ours.pieces or not theirs.pieces:
                rejecting = [
                    who for who, reading in (("us", ours), ("music21", theirs)) if not reading.pieces
                ]
                counts[f"rejected by {' and '.join(rejecting)}"] += 1
                continue
            one, other = ours.pieces[0], theirs.pieces[0]
            counts["same notes and length" if one == other else "different"] += 1
            counts["same key"] += one.key == other.key
            if one != other and counts["different"] <= 3:
                print(f"    {name}: {one.title}: {difference(one, other)}")
    print(f"{label}: {len(cases)} in {time.perf_counter() - start:.0f} s")
    print_counts(counts)


def split_tunes(text: str) -> list[str]:
    return re.split(r"(?=^X:)", text.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def print_counts(counts: Counter[str]) -> None:
    for what, count in counts.items():
        print(f"    {count:5} {what}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
