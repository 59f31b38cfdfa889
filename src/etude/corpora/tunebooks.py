"""Irish and Scottish tunebooks in music21's corpus, each tune in the layout of Cobb's *Music of Ireland*."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from etude.corpora.essen_books import music21_corpus
from etude.corpora.preparation import RawFile
from etude.errors import ReadError
from etude.formats.abc.information_fields import read_key
from etude.formats.abc.reader import TUNE_START, parse_abc
from etude.formats.base import decode_text
from etude.music import Piece

RULES = {"reader_version": 1}  # rises when the text of any tune changes
BOOKS = ("airdsAirs", "oneills1850", "ryansMammoth")
LINE = 4  # bars

_FIELD = re.compile(r"([A-Za-z]):(?![|:\]])[ \t]*(.*)")
_ORNAMENTS = re.compile(
    r'"[^"]*"|\{[^}]*\}|![^!\s]*!'  # chord symbols and fingerings, grace notes, decorations
    r"|[.~`$*\\HIJKLMNOPQRSTUVWXYhijklmnopqrstuvw]|\((?!\d)|\)"  # decorations of one sign, slurs
)
_SECTION_END = re.compile(r"(:\|:|::|:\|[|\]]?|\|\||\|\]|\[\||\|:)")
_NOTES = re.compile(r"[A-Ga-gz]")


def tunebook_files(books: Sequence[str] = BOOKS) -> list[Path]:
    """Return the paths of the books' files, in order; EtudeError if music21 is missing."""
    return [path for book in books for path in sorted(music21_corpus(book).glob("*.abc"))]


def tunes_in_cobbs_layout(characters: set[str]) -> Iterator[RawFile]:
    """Yield each book, with the tunes whose text consists of these characters, numbered from 1."""
    for book in BOOKS:
        tunes: list[str] = []
        for path in tunebook_files([book]):
            for tune in TUNE_START.split(decode_text(path.read_bytes(), path.name))[1:]:
                laid_out = in_cobbs_layout(tune, len(tunes) + 1)
                if laid_out and characters.issuperset(laid_out):
                    tunes.append(laid_out)
        yield RawFile(f"{book}.abc", "".join(tunes).encode())


def in_cobbs_layout(tune: str, number: int) -> str:
    """Return a tune with title, metre, unit, key and bare notes, four bars a line; "" if its notes change.

    A line ends with ``!``, a section with ``:|`` or ``||``, as in Cobb's book. Ornaments, slurs and chord
    symbols are left out. The text has the notes of the tune, or is not given.
    """
    fields, music = _parts(tune)
    if not set("TMLK") <= fields.keys() or not (key := _key_name(fields["K"])):
        return ""
    title = re.sub(r"\s+--.*", "", fields["T"]).strip(" .")
    if title.isupper():
        title = re.sub(r"[A-Z']+", lambda word: word[0].capitalize(), title)
    lines = [f"X:{number}", f"T:{title}", f"M:{fields['M']}", f"L:{fields['L']}", f"K:{key}", *_lines(music)]
    text = "\n".join(lines) + "\n\n"
    return text if _same_notes(text, tune) else ""


def _parts(tune: str) -> tuple[dict[str, str], str]:
    """Return the first T:, M:, L: and K: of a tune, and its music in one line; no key if fields follow it."""
    fields: dict[str, str] = {}
    music: list[str] = []
    for whole_line in tune.splitlines():
        line = whole_line.partition("%")[0].strip()
        if not (field := _FIELD.match(line)):
            music.append(line)
        elif field[1] in "KMLPV" and "K" in fields:
            fields["K"] = ""
        else:
            fields.setdefault(field[1], field[2])
    return fields, " ".join(music)


def _key_name(text: str) -> str:
    """Return a key as Cobb writes it, `A Dorian`; "" for one that is no tonic and mode."""
    try:
        key = read_key(text).key
    except (ReadError, ValueError):
        return ""
    return f"{key.tonic} {key.mode.capitalize()}" if key else ""


def _lines(music: str) -> Iterator[str]:
    music = re.sub(r"\s+", " ", _ORNAMENTS.sub("", music))
    parts = _SECTION_END.split(music)
    for section, end in zip(parts[::2], [*parts[1::2], ""], strict=True):
        bars = [bar.strip() for bar in section.split("|") if bar.strip()]
        if bars:
            upbeat = len(bars) > 1 and len(_NOTES.findall(bars[0])) <= 2
            starts = [0, *range(LINE + upbeat, len(bars), LINE)]
            for start, stop in zip(starts, [*starts[1:], len(bars)], strict=True):
                last = stop == len(bars)
                sign = (":|" if end.startswith(":") else "||") if last else "|"
                yield "|".join(bars[start:stop]) + sign + "!"


def _same_notes(text: str, tune: str) -> bool:
    """Return whether both read as one piece with the same notes."""
    ours, theirs = (parse_abc(each).pieces for each in (text, tune))
    return len(ours) == len(theirs) == 1 and _notes(ours[0]) == _notes(theirs[0])


def _notes(piece: Piece) -> list[list[int]]:
    return [column.tolist() for column in (piece.onset, piece.duration, piece.pitch)]
