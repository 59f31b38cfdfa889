"""Samples: the ids that a network generated, as music with a title, a key, a metre and a tempo."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from etude.encodings import CharactersEncoding
from etude.music import Key, Piece
from etude.music.notes_by_bar import bar_contents
from etude.sampling.clock import timed_encoding
from etude.sampling.context import TrainingContext
from etude.sampling.degeneration import cut_repetition, find_degeneration
from etude.sampling.frame import frame_of, framed
from etude.sampling.general_midi import program_of
from etude.sampling.intervals import corpus_intervals, retimed, sample_times
from etude.sampling.note_limits import parse_key
from etude.sampling.primers import Primer
from etude.sampling.settings import CORPUS, SamplingSettings

LONGEST_PRIMER = 24  # characters of a primer in a title


@dataclass(frozen=True)
class Sample:
    """One generated piece.

    ``repairs``: those of the decoder beyond the ones that the primer alone needs. ``primer_quarters``: the
    length of the primer. ``nats``: the mean over the generated tokens under the network itself, without the
    filters. ``degenerate_from``: the index of the token from which the network was sure of nothing but the
    same event, None if it never was. ``extra_bars``: bars after the last whole phrase of ``phrase_bars``.
    """

    number: int
    tokens: list[str]
    piece: Piece
    repairs: Counter[str]
    primer_quarters: Fraction
    nats: float = math.nan
    degenerate_from: int | None = None
    extra_bars: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether the piece is well formed: it has notes, needed no repair, and has no extra bars."""
        return not self.repairs and not self.extra_bars and len(self.piece) > 0


class SampleBuilder:
    """Turns the ids of a batch, all begun with one primer, into samples."""

    def __init__(
        self, settings: SamplingSettings, context: TrainingContext, primer: Primer, model: str
    ) -> None:
        self._settings, self._context, self._primer = settings, context, primer
        self._origin = f"({model}, {context.data['name']})"
        self._encoding = timed_encoding(settings, context.encoding)
        self._frame = frame_of(settings, context.encoding, primer.music)

    def sample(self, number: int, ids: Sequence[int], nats: Sequence[float]) -> Sample:
        """Return sample ``number`` (from 0) of the ids after its primer and the nats of each of them."""
        vocabulary, encoding = self._context.vocabulary, self._encoding
        primer, tokens = vocabulary.look_up(self._primer.row(number)), vocabulary.look_up(ids)
        begin = find_degeneration(self._context.encoding, tokens, nats, self._frame.metre.quarters)
        if begin is not None:
            tokens = cut_repetition(self._context.encoding, primer, tokens, begin, self._frame.metre.quarters)
            nats = nats[: len(tokens)]
        whole = [*primer, *tokens]
        decoded, before = encoding.decode(whole), encoding.decode(primer)
        piece, primer_quarters = decoded.piece, framed(before.piece, self._frame, encoding).quarters
        if self._settings.step == CORPUS:
            piece, primer_quarters = self._retimed(piece, number, len(primer), len(whole))
        repairs = decoded.repairs - before.repairs
        if isinstance(encoding, CharactersEncoding):
            repairs = encoding.faults(whole)
        piece = self._with_metadata(piece, self._title(number))
        return Sample(
            number=number + 1,
            tokens=whole,
            piece=piece,
            repairs=repairs,
            primer_quarters=primer_quarters,
            nats=sum(nats) / len(nats) if nats else math.nan,
            degenerate_from=None if begin is None else len(primer) + begin,
            extra_bars=len(bar_contents(piece)) % (self._settings.phrase_bars or 1),
        )

    def _retimed(self, piece: Piece, number: int, primer_len: int, length: int) -> tuple[Piece, Fraction]:
        """Return the piece with intervals like those of the corpus, and the length of its primer."""
        intervals = corpus_intervals(self._context)
        times = sample_times(intervals, length, self._settings.seed, number)
        step = 4 * Fraction(str(self._encoding.config()["step"]))
        return retimed(piece, step, times), times[primer_len]

    def _title(self, number: int) -> str:
        """Return a title that names the primer, the model and its corpus."""
        after = primer_name(self._settings, self._primer)
        return " ".join([f"Sample {number + 1}", *([f"after {after}"] if after else []), self._origin])

    def _with_metadata(self, piece: Piece, title: str) -> Piece:
        """Add the metadata missing from the tokens, and transpose back to the key of the user's primer."""
        primer = self._primer
        music = primer.music
        names, programs = _instruments(music, piece)
        if self._settings.instrument is not None:
            parts = int(piece.part.max()) + 1 if len(piece) else 1
            programs = (program_of(self._settings.instrument),) * parts
            piece = dataclasses.replace(piece, programs=())
        complete = dataclasses.replace(
            framed(piece, self._frame, self._encoding),
            title=piece.title or title,
            key=piece.key or self._key(),
            part_names=piece.part_names or names,
            programs=piece.programs or programs,
        )
        if not primer.moved:
            return complete
        try:
            return dataclasses.replace(complete.transposed(-primer.moved), key=self._own_key)
        except ValueError:  # in the user's key, some pitch is outside MIDI's range
            return complete

    @property
    def _own_key(self) -> Key | None:
        """The key that the user typed, or that of the user's music."""
        if self._settings.key is not None:
            return parse_key(self._settings.key)
        return None if self._primer.music is None else self._primer.music.key

    def _key(self) -> Key | None:
        """Return the key of the piece before it is moved back, None if it is unknown."""
        key = self._own_key
        if key is not None:
            return key.transposed(self._primer.moved) if self._primer.moved else key
        return Key("C") if self._context.transposes else None


def primer_name(settings: SamplingSettings, primer: Primer) -> str:
    """Return what samples begin with, in a few words; "" for nothing."""
    if primer.music is not None and primer.music.title:
        return primer.music.title
    if settings.primer_file is not None:
        return Path(settings.primer_file).stem
    name = settings.primer_piece or settings.primer_window or settings.primer
    words = " ".join(f"{name} window".split() if settings.primer_window else name.split())
    return words if len(words) <= LONGEST_PRIMER else f"{words[:LONGEST_PRIMER].rstrip()} …"


def _instruments(music: Piece | None, piece: Piece) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return names and programs of the parts of a piece that goes on with the user's music.

    None where the tokens have made one part of several.
    """
    if music is None:
        return (), ()
    parts = set(music.part.tolist())
    if len(parts) == 1:
        part = slice(low := parts.pop(), low + 1)
        return music.part_names[part], music.programs[part]
    return (music.part_names, music.programs) if len(set(piece.part.tolist())) > 1 else ((), ())
