"""Primers: the beginning of a piece, given by the user, from which the network goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etude.encodings import CharactersEncoding, Encoding, GridEncoding, NoteDurationEncoding
from etude.encodings.grid import REST
from etude.encodings.vocabulary import TERMINATOR
from etude.errors import EncodeError, EtudeError
from etude.formats.abc.typed_text import first_notes_of_text
from etude.music import Piece
from etude.sampling.context import TrainingContext
from etude.sampling.note_limits import key_shift, parse_key
from etude.sampling.note_names import name_pitch, named_notes
from etude.sampling.primer_corpus import piece_tokens, random_windows
from etude.sampling.primer_files import file_music
from etude.sampling.settings import SamplingSettings

SOURCES = ("primer", "primer_piece", "primer_file", "primer_window")


@dataclass(frozen=True)
class Primer:
    """Ids to begin with: one row for all pieces, or one for each, of pieces numbered from ``first``.

    ``within``: the rows are from the middle of a piece, so no terminator stands before them. ``moved``: by
    how many semitones a user's music or a typed key was transposed, to be undone at the end. ``music``: the
    part of the user's music that a piece begins with, before that.
    """

    rows: list[list[int]]
    first: int = 0
    within: bool = False
    moved: int = 0
    music: Piece | None = None

    @property
    def length(self) -> int:
        """Number of ids that a piece begins with."""
        return len(self.rows[0])

    def row(self, number: int) -> list[int]:
        """Return the ids of piece ``number``."""
        return self.rows[(number - self.first) % len(self.rows)]


def find_primer(
    settings: SamplingSettings, context: TrainingContext, numbers: Sequence[int] = (0,)
) -> Primer:
    """Return the primer that the settings name, for pieces of these numbers.

    EtudeError for two sources at once, for unknown tokens, with the nearest known ones, and for a primer that
    leaves no room for the network.
    """
    sources = {name: getattr(settings, name) for name in SOURCES}
    given = [f"sampling.{name}={value}" for name, value in sources.items() if value not in ("", None)]
    if len(given) > 1:
        raise EtudeError(f"{' and '.join(given)}: a piece can begin with one of them only")
    primer = _find(settings, context, numbers)
    if settings.key is not None and context.transposes and not given:
        primer = replace(primer, moved=key_shift(parse_key(settings.key)))
    if primer.length >= settings.max_tokens:
        raise EtudeError(
            f"the primer has {primer.length} tokens, so nothing can be added to it with "
            f"sampling.max_tokens={settings.max_tokens}"
        )
    return primer


def _find(settings: SamplingSettings, context: TrainingContext, numbers: Sequence[int]) -> Primer:
    encoding, vocabulary = context.encoding, context.vocabulary
    if settings.primer_window is not None:
        rows = random_windows(context, settings.primer_window, settings.seed, numbers)
        return Primer(rows, first=numbers[0], within=True)
    if settings.primer_piece is not None:
        tokens = beginning(encoding, piece_tokens(context, settings.primer_piece), settings.primer_notes)
        return Primer([vocabulary.ids(tokens).tolist()])
    if settings.primer_file is not None:
        music = file_music(Path(settings.primer_file), context, settings)
        tokens = beginning(encoding, music.tokens, settings.primer_notes)
        return Primer([vocabulary.ids(tokens).tolist()], moved=music.moved, music=music.piece)
    tokens = _typed_tokens(settings.primer, context)
    ids = vocabulary.ids(tokens).tolist()
    if TERMINATOR in tokens:
        raise EtudeError(f"sampling.primer: {TERMINATOR} ends a piece, so nothing can follow it")
    return Primer([ids])


def _typed_tokens(text: str, context: TrainingContext) -> list[str]:
    """Return the tokens that were typed, or those of the notes that were named."""
    encoding = context.encoding
    tokens = encoding.split(text)
    if isinstance(encoding, CharactersEncoding) or all(token in context.vocabulary.id_of for token in tokens):
        return tokens
    melody = named_notes(text)
    if melody is None:
        _check_note_names(tokens, context)
        return tokens
    try:
        return encoding.encode(melody)
    except EncodeError as error:
        raise EtudeError(
            f"sampling.primer={text} cannot be written in {encoding.name} tokens: {error}"
        ) from None


def _check_note_names(tokens: Sequence[str], context: TrainingContext) -> None:
    """Raise EtudeError for another word among note names, and for note names among MIDI numbers."""
    encoding = context.encoding
    if not isinstance(encoding, (GridEncoding, NoteDurationEncoding)):
        return
    hints = []
    words = list(dict.fromkeys(tokens))
    strange = [word for word in words if name_pitch(word) is None]
    if strange and 2 * len(strange) <= len(words) and context.vocabulary.id_of.keys().isdisjoint(strange):
        raise EtudeError(
            f"sampling.primer: {strange[0]} is no note name; those are C4 (middle C), F#4, Bb3 and so on"
        )
    for token in words:
        if (pitch := name_pitch(token)) is not None:
            quarter = encoding.join(encoding.encode(Piece.from_notes([(0, 1, pitch)])))
            hints.append(f'{token} is {pitch}. Type {quarter} for a quarter note, or primer="C4 D4 E4".')
    if hints:
        raise EtudeError("\n".join(hints))


def beginning(encoding: Encoding, tokens: Sequence[str], notes: int) -> list[str]:
    """Return the tokens of the first ``notes`` notes, up to the onset of the next note or rest.

    For ABC text: the header, and the text up to the end of note number ``notes``.
    """
    if isinstance(encoding, CharactersEncoding):
        return list(first_notes_of_text("".join(tokens), notes))
    count = 0
    for place, token in enumerate(tokens):
        if encoding.is_onset(token):
            if count == notes:
                return list(tokens[:place])
            count += token.partition("/")[0] != REST
    return list(tokens)
