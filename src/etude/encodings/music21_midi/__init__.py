"""The notes and chords that music21 finds in MIDI, by our own rules, 50 to 90 times as fast as music21.

``pitch_set_tokens`` is the way in. ``data.reader=music21`` asks music21 itself instead.
"""

from __future__ import annotations

import logging
import multiprocessing
from functools import cache
from importlib.metadata import version

from etude.encodings.music21_midi.grouping import NotCoveredError
from etude.encodings.music21_midi.tokens import midi_tokens, music21_tokens, piece_tokens
from etude.errors import EncodeError, ReadError
from etude.formats.midi.events import parse_midi
from etude.formats.music21_child import call
from etude.music import Piece

CHECKED_VERSION = "10.5.1"  # of music21: the rules give its tokens

log = logging.getLogger(__name__)


def pitch_set_tokens(source: bytes | Piece, name: str = "", *, by_music21: bool = False) -> list[str]:
    """Return a token for each note and chord of a MIDI file, the same as music21's, or of a Piece.

    music21 itself reads a file that the rules do not cover, and every file if ``by_music21``. ReadError if
    the file is broken; EncodeError for a Piece that the rules do not cover. Warns once if another version of
    music21 is installed: the tokens stay those of CHECKED_VERSION, so that stores can be compared.
    """
    if not by_music21:
        _warn_of_another_version()
    try:
        if isinstance(source, Piece):
            return piece_tokens(source)
        return _by_music21(source, name) if by_music21 else midi_tokens(parse_midi(source))
    except NotCoveredError as reason:
        if isinstance(source, Piece):
            raise EncodeError(str(reason)) from None
        log.info("%s: %s; music21 reads it", name, reason)
        return _by_music21(source, name)
    except ReadError as error:
        raise error.at(name) from None


def _by_music21(data: bytes, name: str) -> list[str]:
    try:
        return call(music21_tokens, data)
    except ReadError as error:  # music21 hung or died on it
        raise error.at(name) from None
    except Exception as error:  # its parser raises anything
        raise ReadError(f"music21 cannot read it: {type(error).__name__}: {error}", path=name) from error


@cache
def _warn_of_another_version() -> None:
    installed = version("music21")
    if installed != CHECKED_VERSION and multiprocessing.parent_process() is None:  # workers stay silent
        log.warning(
            "music21 %s is installed; pitch sets are those of music21 %s. To use the installed version, "
            "type data.reader=music21 (minutes instead of seconds).",
            installed,
            CHECKED_VERSION,
        )
