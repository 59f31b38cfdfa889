"""Choose one part of a piece: by name, number or program, or the part that has the melody."""

from __future__ import annotations

import dataclasses

import numpy as np

from etude.errors import EncodeError
from etude.music.piece import Piece


def part_list(piece: Piece) -> str:
    """The parts with their numbers, names and note counts, as an error shows them."""
    rows = []
    for number, part in enumerate(_parts(piece), start=1):
        count = int((piece.part == part).sum())
        rows.append(
            f"{number} {piece.part_name(part) or 'without a name'} ({count} note{'s' * (count != 1)})"
        )
    return ", ".join(rows)


def choose_track(piece: Piece, wanted: str) -> Piece:
    """Return one part: by its number from 1, by its name or a part of it, or by "program N" (N from 1).

    EncodeError with the list of parts if no part, or more than one, is meant.
    """
    parts = _parts(piece)
    text = wanted.strip().casefold()
    if text.isdecimal() and 1 <= int(text) <= len(parts):
        return _only(piece, parts[int(text) - 1])
    names = {part: piece.part_name(part).casefold() for part in parts}
    programs = dict(enumerate(piece.programs))
    if text.startswith("program ") and text.removeprefix("program ").strip().isdecimal():
        program = int(text.removeprefix("program "))
        found = [part for part in parts if programs.get(part) == program]
    else:
        found = [part for part in parts if names[part] == text] or [
            part for part in parts if text in names[part]
        ]
    if len(found) == 1:
        return _only(piece, found[0])
    problem = "several tracks" if found else "no track"
    raise EncodeError(f"{problem} for {wanted!r}; the tracks are {part_list(piece)}")


def choose_melody(piece: Piece, rule: str) -> Piece:
    """Return one part as a melody: its top notes, each up to the next.

    ``rule``: highest, loudest or longest, by mean pitch, mean velocity, time that sounds.
    """
    parts = _parts(piece)
    if len(parts) > 1:
        column = {"highest": piece.pitch, "loudest": piece.velocity, "longest": piece.duration}[rule]
        measure = np.sum if rule == "longest" else np.mean
        piece = _only(piece, max(parts, key=lambda part: float(measure(column[piece.part == part]))))
    return top_line(piece)


def top_line(piece: Piece) -> Piece:
    """Return the highest note of each onset, which ends where the next begins ("skyline").

    Notes that begin within a 64th note are one onset: a strummed chord.

    Source: A. Uitdenbogerd and J. Zobel, Manipulation of music for melody matching, ACM Multimedia 1998.
    """
    if piece.is_monophonic:
        return piece
    kept: list[int] = []
    begun = 0
    for index, (onset, pitch) in enumerate(zip(piece.onset.tolist(), piece.pitch.tolist(), strict=True)):
        if not kept or 16 * (onset - begun) > piece.division:
            kept.append(index)
            begun = onset
        elif pitch > piece.pitch[kept[-1]]:
            kept[-1] = index
    onsets = piece.onset[kept]
    ends = np.minimum(onsets + piece.duration[kept], [*onsets[1:], piece.length])
    return dataclasses.replace(piece.selected(kept), duration=ends - onsets)


def _parts(piece: Piece) -> list[int]:
    return [int(part) for part in np.unique(piece.part)]


def _only(piece: Piece, part: int) -> Piece:
    """The piece with the notes of one part, which becomes part 0; the length stays."""
    rows = piece.part == part
    return dataclasses.replace(
        piece.selected(rows),
        part=np.zeros(int(rows.sum()), dtype=np.int64),
        part_names=(piece.part_name(part),),
        programs=piece.programs[part : part + 1],
    )
