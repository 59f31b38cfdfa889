"""Characters: a tune as the characters of its ABC text, as in char-RNNs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from etude.encodings.base import Decoded, SourceTokens
from etude.errors import EncodeError
from etude.formats.abc.reader import TUNE_START, parse_abc
from etude.formats.base import decode_text
from etude.music import Piece

UNREADABLE = "tune that cannot be read"


@dataclass(frozen=True)
class CharactersEncoding:
    """Each character of the text is a token; a line end, ``\\n``, separates tunes.

    A tune extends from its ``X:`` line to the next; the text before the first tune belongs to it. Joined by
    line ends, the tunes are the whole text of the tunebook. A Piece lacks spelling, ornaments and layout, so
    ``encode`` refuses it. ``decode`` reads the first tune that can be read, and counts those that cannot.
    """

    name: ClassVar[str] = "characters"
    version: ClassVar[int] = 1
    symbols: ClassVar[None] = None
    terminator: ClassVar[str] = "\n"
    ends_after: ClassVar[int] = 2  # an empty line

    def config(self) -> dict[str, str | int | bool]:
        """Return no settings."""
        return {}

    def split(self, text: str) -> list[str]:
        r"""Return the characters; ``\n`` typed as two characters is a line end."""
        return list(text.replace("\\n", "\n"))

    def join(self, tokens: Sequence[str]) -> str:
        """Return the text."""
        return "".join(tokens)

    def is_onset(self, token: str) -> bool:
        """Return False: a single character does not show it."""
        return False

    def quarters(self, token: str) -> Fraction:
        """Return 0: a single character has no length."""
        return Fraction(0)

    def takes(self, data: bytes, name: str) -> bool:
        """Return True: every file is encoded as text."""
        return True

    def encode_source(self, data: bytes, name: str, *, by_music21: bool = False) -> Iterator[SourceTokens]:
        """Yield the text of each tune; ReadError if the file is no text."""
        head, *tunes = TUNE_START.split(decode_text(data, name))
        if not tunes:
            raise EncodeError("no tune begins in it (no line begins with X:)")
        tunes[0] = head + tunes[0]
        for tune in tunes:
            number = re.search(r"^X:\s*(\S*)", tune, re.MULTILINE)
            label = f"{name} X:{number[1]}" if number else name
            yield SourceTokens(label, tune.encode(), list(tune.removesuffix("\n")))

    def encode(self, piece: Piece) -> list[str]:
        """Refuse: the text of a tune is in its file, not in the Piece."""
        raise EncodeError("the characters encoding takes ABC text")

    def decode(self, tokens: Sequence[str]) -> Decoded:
        """Return the first tune that can be read, or no notes; count the tunes that cannot be read."""
        reading = parse_abc("".join(tokens))
        piece = reading.pieces[0] if reading.pieces else Piece.from_notes([])
        return Decoded(piece, +Counter({UNREADABLE: len(reading.rejected)}))

    def faults(self, tokens: Sequence[str]) -> Counter[str]:
        """Count the tunes that cannot be read, and those whose bars or repeats are wrong.

        Stricter than ``decode``: a tune can be read where bars do not fill the metre, but it is not right.
        """
        text = "".join(tokens)
        unreadable = len(parse_abc(text).rejected)
        wrong = len(parse_abc(text, strict=True).rejected) - unreadable
        return +Counter({UNREADABLE: unreadable, "tune with a wrong bar or repeat": wrong})
