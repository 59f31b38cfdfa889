r"""Reader of Humdrum ``**kern`` files: here one monophonic spine, as in the Essen folk song collection.

Other spines (``**text``, ``**dynam``) may stand beside it. Several voices are read by ``kern.score``.

Source: the ``**kern`` representation, https://www.humdrum.org/rep/kern/, and the Humdrum Tool's syntax rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from etude.errors import ReadError
from etude.formats.base import MAX_TICKS, ReadResult, base_name, decode_text, file_reader, quoted
from etude.formats.kern.score import read_score
from etude.formats.kern.spines import lone_spine
from etude.formats.kern.tokens import (
    KernEvent,
    before_control_character,
    is_metre,
    read_event,
    read_key,
    read_metre,
    read_signature,
    read_tempo,
)
from etude.music.key import Key
from etude.music.piece import DEFAULT_VELOCITY, Metre, Piece


class _Song:
    """State of a spine that is read line by line; times are event numbers, converted to ticks at the end."""

    def __init__(self) -> None:
        self.title = ""
        self.key: Key | None = None
        self.signature: int | None = None
        self.events: list[KernEvent] = []
        self.metres: list[tuple[int, Metre]] = []  # (index of the next event, metre)
        self.tempos: list[tuple[int, float]] = []
        self.first_bar: int | None = None  # index of the event after the first bar line
        self.tie: int | None = None  # pitch of the tie that is open
        self.started = False
        self.ended = False


@file_reader
def read_kern_bytes(data: bytes, name: str, *, expand_repeats: bool = False) -> ReadResult:
    """Read a ``**kern`` file of one song or several: for each a piece, or an error with its line.

    ``name`` (a path or an archive member) names the pieces.
    """
    songs = list(_songs(decode_text(data, name)))
    whole = ReadResult([], [])
    for number, song in enumerate(songs, start=1):
        reading = parse_kern(song, name, expand_repeats=expand_repeats)
        label = f"{base_name(name)} song {number}" if len(songs) > 1 else base_name(name)
        whole.pieces.extend(replace(piece, name=label) for piece in reading.pieces)
        whole.rejected.extend(reading.rejected)
    return whole


def _songs(text: str) -> Iterator[str]:
    """Yield the songs of a text, each with the lines before it left empty, so that line numbers stay.

    A song ends where all its spines do. The comments between two songs belong to the next.
    """
    starts = [0, *(end.end() for end in _NEXT_SONG.finditer(text))]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield "\n" * text.count("\n", 0, start) + text[start:end]


# The line that ends all spines, before another song with its comments.
_NEXT_SONG = re.compile(r"^\*-(?:\t\*-)*[ \t]*\n(?=(?:(?:!.*|[ \t]*)\n)*\*\*)", re.MULTILINE)
_REPEATS = re.compile(r"^(?:=.*:|\*>)", re.MULTILINE)
_NOT_A_NOTE = frozenset(("", "!", "*", "=", "."))  # the first characters of other lines


def parse_kern(text: str, path: str = "", *, expand_repeats: bool = False) -> ReadResult:
    """Read the text of a ``**kern`` file as written, or as played with its repeats and list of sections.

    Tied notes become one note, grace notes are left out, successive rests are one silence, and a rest at
    the end counts in the piece's length. The key is the key line's (``*G:``), or else the major key of
    the signature. Several ``**kern`` spines are the parts of a piece; unknown signs are rejected.
    """
    song = _Song()
    place = ""
    try:
        column = lone_spine(text)
        if column is None or (expand_repeats and _REPEATS.search(column)):
            return ReadResult([read_score(text, base_name(path), expand_repeats=expand_repeats)], [])
        text = column
        for number, line in enumerate(text.split("\n"), start=1):
            place = f"line {number}"
            _read_line(song, line.rstrip())
        place = ""  # errors from here on are of the whole song
        _check_complete(song)
        return ReadResult([_piece(song, base_name(path))], [])
    except ReadError as error:
        return ReadResult([], [error.at(path, place)])


def _read_line(song: _Song, line: str) -> None:
    first = line[:1]
    if "\t" in line and first != "!":
        raise ReadError("there is no **kern spine")
    if first not in _NOT_A_NOTE and song.started and not song.ended:  # most lines
        _read_note(song, before_control_character(line))
    elif first == "!":
        if line.startswith("!!!OTL") and not song.title:
            song.title = line.partition(":")[2].strip()
    elif line.startswith("**"):
        _start(song, line)
    elif line:
        _read_inside(song, line)


def _read_inside(song: _Song, line: str) -> None:
    """Read a line that must be between ``**kern`` and ``*-``."""
    if not song.started:
        raise ReadError(f"{quoted(line)} comes before **kern")
    if song.ended:
        raise ReadError(f"{quoted(line)} comes after the end of the spine (*-)")
    if line.startswith("*"):
        _read_interpretation(song, line)
    elif line.startswith("="):
        if song.first_bar is None:
            song.first_bar = len(song.events)
    elif line != ".":
        _read_note(song, before_control_character(line))


def _start(song: _Song, line: str) -> None:
    if song.started:
        raise ReadError(f"a second {quoted(line)} where a song has one spine")
    if line != "**kern":
        raise ReadError(f"the spine is {quoted(line)}, not **kern")
    song.started = True


def _read_interpretation(song: _Song, line: str) -> None:
    if line == "*-":
        song.ended = True
    elif line in ("*v", "*x", "*+"):
        raise ReadError(f"{line} in a file of one spine")
    elif line.startswith("*MM"):
        if tempo := read_tempo(line):
            song.tempos.append((len(song.events), tempo))
    elif is_metre(line):
        song.metres.append((len(song.events), read_metre(line)))
    elif song.key is None and (key := read_key(line)):
        song.key = key
    elif line.startswith("*k[") and song.signature is None:
        song.signature = read_signature(line)


def _read_note(song: _Song, token: str) -> None:
    event = read_event(token)
    if event is None:
        return  # a grace note
    if event.closes_tie:
        if song.tie is None:
            raise ReadError(f"the tie that {quoted(token)} ends does not begin anywhere")
        if song.tie != event.pitch:
            raise ReadError(f"the tie into {quoted(token)} joins two different pitches")
    elif song.tie is not None:
        raise ReadError(f"a tie is open before {quoted(token)}, which does not end it")
    song.tie = event.pitch if event.opens_tie else None
    song.events.append(event)


def _check_complete(song: _Song) -> None:
    if not song.started:
        raise ReadError("there is no **kern spine")
    if not song.ended:
        raise ReadError("the spine does not end with *-: the file may be cut short")
    if song.tie is not None:
        raise ReadError("a tie is still open at the end")
    if all(event.pitch is None for event in song.events):
        raise ReadError("there are no notes")


def _piece(song: _Song, name: str) -> Piece:
    division = math.lcm(*{event.duration.denominator for event in song.events})
    times = [0]  # in ticks: start of each event, and the end of the song
    onsets: list[int] = []
    durations: list[int] = []
    pitches: list[int] = []
    for duration, pitch, _, closes_tie in song.events:
        time = times[-1]
        ticks = duration.numerator * (division // duration.denominator)
        times.append(time + ticks)
        if closes_tie:
            durations[-1] += ticks
        elif pitch is not None:
            onsets.append(time)
            durations.append(ticks)
            pitches.append(pitch)
    if times[-1] > MAX_TICKS:
        raise ReadError("the durations cannot be counted in one time unit")
    key = song.key
    if key is None and song.signature is not None:
        key = Key.from_fifths(song.signature)
    metres = tuple((times[index], metre) for index, metre in song.metres)
    before_bar = times[song.first_bar or 0]
    bar = metres[0][1].quarters * division if metres else 0
    return Piece(
        onset=np.array(onsets, dtype=np.int64),
        duration=np.array(durations, dtype=np.int64),
        pitch=np.array(pitches, dtype=np.int64),
        velocity=np.full(len(pitches), DEFAULT_VELOCITY, dtype=np.int64),
        part=np.zeros(len(pitches), dtype=np.int64),
        division=division,
        length=times[-1],
        title=song.title,
        name=name,
        key=key,
        metres=metres,
        tempos=tuple((times[index], tempo) for index, tempo in song.tempos),
        pickup=before_bar if before_bar < bar else 0,
    )
