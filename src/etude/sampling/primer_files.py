"""Primers from a user's own file: MIDI, kern, ABC or MusicXML, in any key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from etude.corpora.treatment import Treatment
from etude.encodings import (
    CharactersEncoding,
    Encoding,
    GridEncoding,
    NoteDurationEncoding,
    PerformanceEncoding,
    PitchSetEncoding,
    VoicesEncoding,
)
from etude.encodings.fitting import fitted
from etude.errors import EncodeError, EtudeError
from etude.formats.abc.reader import parse_abc
from etude.formats.abc.writer import abc_text
from etude.formats.any_file import read_piece
from etude.formats.base import file_bytes
from etude.music import Piece
from etude.music.excerpt import first_notes
from etude.music.grid_fitting import is_melody
from etude.music.key_inference import inferred_key
from etude.music.tracks import part_list
from etude.music.transposition import to_c_major_or_a_minor
from etude.sampling.context import TrainingContext
from etude.sampling.settings import SamplingSettings


class FileMusic(NamedTuple):
    """The tokens of a file, moved by ``moved`` semitones; ``piece``: the beginning that was read, unmoved."""

    tokens: list[str]
    moved: int = 0
    piece: Piece | None = None


def file_music(path: Path, context: TrainingContext, settings: SamplingSettings) -> FileMusic:
    """Return the tokens of the first notes of a file or more, in the key and grid of a corpus.

    What follows them need not be music that the tokens can say. Music that states no key is not transposed,
    unless the keys of the corpus were inferred as well.
    EtudeError if the file cannot be read, or the notes cannot be encoded.
    """
    encoding, notes = context.encoding, settings.primer_notes
    if isinstance(encoding, CharactersEncoding):
        return _abc_music(path, encoding, notes)
    whole = settings.primer_track is None and settings.primer_melody is None
    is_midi = path.suffix.lower() in (".mid", ".midi")
    if whole and is_midi and isinstance(encoding, PitchSetEncoding) and not encoding.merge_parts:
        return FileMusic(_source_tokens(path, encoding), piece=read_piece(path))
    chosen = _chosen_part(path, settings, context.infers_key)
    # a performance goes on to the next onset, so its time is needed as well
    count = notes + isinstance(encoding, PerformanceEncoding)
    try:
        piece = _fitted_beginning(chosen, encoding, settings.primer_quantise, count)
        moved = to_c_major_or_a_minor(piece) if context.transposes and piece.key is not None else piece
        shift = int(moved.pitch[0] - piece.pitch[0]) if len(piece) else 0
        return FileMusic(encoding.encode(moved), shift, piece)
    except EncodeError as error:
        takers = _takers(first_notes(chosen, count))
        melodies = (GridEncoding, NoteDurationEncoding)
        if isinstance(encoding, melodies) and not is_melody(first_notes(chosen, count), encoding.step):
            raise EtudeError(
                f"{path} has several notes at the same time; this model writes one at a time. "
                f"{_melody_cure(chosen)}{takers}"
            ) from None
        raise EtudeError(f"{path} cannot be written in {encoding.name} tokens: {error}.{takers}") from None


def _melody_cure(piece: Piece) -> str:
    """Say what makes a melody of a piece with several notes at once."""
    if len(np.unique(piece.part)) == 1:
        return "Take its top notes with sampling.primer_melody=highest."
    return (
        "Choose a track with sampling.primer_track=…, or take sampling.primer_melody=highest. "
        f"The tracks are {part_list(piece)}."
    )


def _takers(piece: Piece) -> str:
    """Say which encodings take the notes of a piece; "" if none does."""
    names = []
    takers = (GridEncoding, NoteDurationEncoding, VoicesEncoding, PitchSetEncoding, PerformanceEncoding)
    for taker in (encoding() for encoding in takers):
        try:
            taker.encode(fitted(piece, taker).piece)
        except EncodeError:
            continue
        names.append(taker.name)
    return f" Models of these encodings take it: {', '.join(names)}." if names else ""


def _chosen_part(path: Path, settings: SamplingSettings, infers_key: bool) -> Piece:
    """Return the piece of a file, or the part of it that the settings choose, with its key."""
    piece = read_piece(path, expand_repeats=settings.primer_expand_repeats)
    if infers_key and piece.key is None:
        piece = replace(piece, key=inferred_key(piece))
    try:
        return Treatment(settings.primer_track, settings.primer_melody)(piece)
    except EncodeError as error:
        raise EtudeError(f"{path}: {error}") from None


def _fitted_beginning(piece: Piece, encoding: Encoding, quantise: str, count: int) -> Piece:
    """Return the first ``count`` notes on the grid, judged by the whole piece if all of it fits."""
    try:
        return first_notes(fitted(piece, encoding, quantise).piece, count)
    except EncodeError:
        setting = "sampling.primer_quantise"
        try:
            return fitted(first_notes(piece, count), encoding, quantise, setting).piece
        except EncodeError as error:
            if quantise != "none" or setting in str(error):
                raise
            raise EncodeError(f"{error}, or {setting}=nearest moves it") from None


def _source_tokens(path: Path, encoding: CharactersEncoding | PitchSetEncoding) -> list[str]:
    """Return the tokens of the first tune of a file that the encoding reads itself."""
    try:
        return next(iter(encoding.encode_source(file_bytes(path.expanduser()), path.name))).tokens
    except EncodeError as error:
        raise EtudeError(f"{path}: {error}") from None


def _abc_music(path: Path, encoding: CharactersEncoding, notes: int) -> FileMusic:
    """Return the music of a file as the first tune of a tunebook, from its X:, without comments and tempo."""
    if path.suffix.lower() == ".abc":
        text = "".join(_source_tokens(path, encoding))
        piece = next(iter(parse_abc(text).pieces), None)
    else:
        piece = read_piece(path)
        text = abc_text(piece)
    tune = text[f"\n{text}".index("\nX:") :]
    tokens = list("\n".join(line for line in tune.split("\n") if not line.startswith(("%", "Q:"))))
    return FileMusic(tokens, piece=None if piece is None else first_notes(piece, notes))
