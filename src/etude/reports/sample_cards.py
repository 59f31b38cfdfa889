"""Samples of a folder, ready for a page: score, piano roll, the notes to play, downloads."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from etude.errors import EtudeError
from etude.evaluation.excerpts import excerpt_piece
from etude.evaluation.stored_samples import NAME, SamplesFile
from etude.formats.any_file import read_piece
from etude.formats.musicxml.writer import musicxml_bytes
from etude.music.piece import Piece
from etude.music.spelling import pitch_name
from etude.music.timing import seconds_at
from etude.rendering.engraving import inline_score_svg, timed_score_svg
from etude.rendering.piano_roll import page_seconds, played_notes, roll_svg
from etude.reports.cells import faults
from etude.stored_files import read_json

MOST_CARDS = 12  # on a page; a card of a melody has some 60 kB
MOST_NOTES = 3200  # of all scores of a page; a note takes 1.2 kB with its MusicXML, and a page less than 5 MB
MOST_TOKENS = 4000  # characters
DOWNLOADS = {  # suffix → name, media type
    ".mid": ("MIDI", "audio/midi"),
    ".musicxml": ("MusicXML", "application/vnd.recordare.musicxml+xml"),
    ".abc": ("ABC", "text/plain;charset=utf-8"),
}


class Room:
    """Notes that a page still has room for as scores."""

    def __init__(self, notes: int = MOST_NOTES) -> None:
        self._left = notes

    def take(self, notes: int) -> bool:
        """Return whether a piece has room; if so, it takes it."""
        fits = 0 < notes <= self._left
        self._left -= notes * fits
        return fits


class Download(NamedTuple):
    """A file as a link that holds it."""

    label: str
    file: str
    uri: str


class Excerpt(NamedTuple):
    """Notes of a piece as a score, "" if there is none."""

    words: str
    score: Markup


class SharedRun(NamedTuple):
    """The longest run of notes that a sample shares with a training piece, and both as scores."""

    words: str
    excerpts: list[Excerpt]


class Card(NamedTuple):
    """One sample. ``notes``: onset and length in seconds, pitch, velocity; ``score`` "" if there is none.

    ``shared``: None if the sample was not compared with the training pieces, or shares no two notes.
    """

    key: str
    heading: str
    roll: Markup
    seconds: float
    notes: list[tuple[float, float, int, int]]
    words: str = ""
    faults: str = ""
    score: Markup = Markup()
    primer_seconds: float = 0.0
    tokens: str = ""
    downloads: Sequence[Download] = ()
    shared: SharedRun | None = None


class SampleSet(NamedTuple):
    """The samples of a folder and how they came about; ``total`` counts those without a card as well."""

    about: Mapping[str, Any]
    cards: list[Card]
    total: int


def sample_set(folder: Path, key: str, room: Room, *, most: int = MOST_CARDS) -> SampleSet | None:
    """Return the samples of a folder, at most so many; None if it has no samples.json.

    ``key`` is unique on the page. Pieces beyond ``room`` have neither score nor MusicXML.
    """
    about = read_json(folder / NAME, SamplesFile)
    rows = about.get("samples") or []
    cards = [_card(folder, row, f"{key}-{row['number']}", room) for row in rows[:most]]
    return SampleSet(about, [card for card in cards if card is not None], len(rows)) if about else None


def _card(folder: Path, row: Mapping[str, Any], key: str, room: Room) -> Card | None:
    """Return the card of a sample; None if no file of its music is left."""
    stem = folder / f"sample-{int(row['number'])}"
    files = {suffix: path for suffix in DOWNLOADS if (path := stem.with_suffix(suffix)).is_file()}
    if not files:
        return None
    piece = read_piece(next(iter(files.values())))
    tokens = stem.with_suffix(".tokens.txt")
    text = tokens.read_text(encoding="utf-8", errors="replace").strip() if tokens.is_file() else ""
    primer = row["primer_quarters"]
    engraved = room.take(len(piece))
    offered = {suffix: path for suffix, path in files.items() if engraved or suffix != ".musicxml"}
    return Card(
        key,
        f"Sample {row['number']}",
        Markup(roll_svg(piece, primer_quarters=primer)),
        round(page_seconds(piece), 3),
        page_notes(piece),
        _words(row) + ("" if engraved or not len(piece) else "; its score is in the folder"),
        faults(row["valid"], row["degenerate_from"]),
        _score(_text(files.get(".musicxml")), key) if engraved else Markup(),
        float(seconds_at(piece, primer * piece.division)),
        text if len(text) <= MOST_TOKENS else f"{text[:MOST_TOKENS]} …",
        [_download(path, suffix) for suffix, path in offered.items()],
        _shared(row, key),
    )


def piece_card(piece: Piece, key: str, heading: str) -> Card:
    """Return the card of a piece that has no files: player and piano roll."""
    return Card(key, heading, Markup(roll_svg(piece)), round(page_seconds(piece), 3), page_notes(piece))


def read_card(
    piece: Piece, key: str, heading: str, room: Room, *, nats: float | None = None, faults: str = ""
) -> Card:
    """Return the card of a piece that has no files, with words, and with a score if there is room."""
    row = {
        "notes": len(piece),
        "seconds": float(seconds_at(piece, piece.length)),
        "lowest": min(piece.pitch.tolist(), default=None),
        "highest": max(piece.pitch.tolist(), default=None),
        "key": piece.key,
        "metre": piece.metre,
        "nats": nats,
    }
    score = _score(musicxml_bytes(piece).decode(), key) if room.take(len(piece)) else Markup()
    return piece_card(piece, key, heading)._replace(words=_words(row), faults=faults, score=score)


def page_notes(piece: Piece) -> list[tuple[float, float, int, int]]:
    """Return what the player plays: onset and length in seconds, pitch, velocity of each note."""
    return [(round(on, 3), round(off - on, 3), pitch, loud) for on, off, pitch, loud in played_notes(piece)]


def _score(musicxml: str, key: str) -> Markup:
    with suppress(EtudeError):  # the roll shows the same music
        if musicxml:
            return Markup(timed_score_svg(musicxml, f"{key}-"))
    return Markup()


def _text(path: Path | None) -> str:
    return path.read_text(encoding="utf-8") if path else ""


def _shared(row: Mapping[str, Any], key: str) -> SharedRun | None:
    copied = row.get("copied")
    if not copied or not copied["notes_shared"]:
        return None
    title = f"{copied['title']} ({copied['piece']})" if copied["title"] else str(copied["piece"])
    places = {
        "sample": f"Sample {row['number']}, from note {copied['from_note']}",
        "piece": f"{title}, from note {copied['piece_from_note']}",
    }
    excerpts = [
        Excerpt(words, _excerpt_score(copied["shared"][name], f"{key}-{name}-"))
        for name, words in places.items()
        if "shared" in copied
    ]
    return SharedRun(f"{copied['notes_shared']} of {copied['notes']} notes in a row as in {title}", excerpts)


def _excerpt_score(stored: Mapping[str, Any], prefix: str) -> Markup:
    with suppress(EtudeError):  # the words say where the notes are
        return Markup(inline_score_svg(excerpt_piece(stored), prefix))
    return Markup()


def _words(row: Mapping[str, Any]) -> str:
    parts = [f"{row['notes']} notes", f"{row['seconds']:.0f} s"]
    if row["lowest"] is not None and row["highest"] is not None:
        parts.append(f"{pitch_name(row['lowest'])} to {pitch_name(row['highest'])}")
    parts += [str(row[name]) for name in ("key", "metre") if row[name]]
    if row["nats"] is not None:
        parts.append(f"{row['nats']:.2f} nats/token")
    return ", ".join(parts)


def _download(path: Path, suffix: str) -> Download:
    label, kind = DOWNLOADS[suffix]
    return Download(label, path.name, f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}")
