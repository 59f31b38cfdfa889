"""Note lengths of ABC as they are written, and the fewest letters that fill a time.

Time is counted in quarters of the unit note length, so ``A`` lasts 4, ``A2`` 8 and ``A/2`` 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from etude.formats.abc.voice import TUPLET_TIME as STANDARD_TUPLETS
from etude.sampling.grammars.base import IMPOSSIBLE

LENGTHS = {
    "": 4, "2": 8, "3": 12, "4": 16, "5": 20, "6": 24, "7": 28, "8": 32, "9": 36, "12": 48, "16": 64,
    "/": 2, "/2": 2, "//": 1, "/4": 1, "3/": 6, "3/2": 6, "3/4": 3, "5/2": 10, "7/2": 14,
}  # fmt: skip
# Notes of one length in the time of so many; eight notes of a tuplet are rare, and not offered.
TUPLET_TIME = {notes: time for notes, time in STANDARD_TUPLETS.items() if notes < 8}


class Lengths:
    """The lengths that can be written with the letters of a vocabulary."""

    def __init__(self, letters: Iterable[str]) -> None:
        known = set(letters)
        self.known = {text: time for text, time in LENGTHS.items() if known.issuperset(text)}
        self._starting_with: dict[str, list[str]] = {}
        for text in self.known:
            for end in range(len(text) + 1):
                self._starting_with.setdefault(text[:end], []).append(text)
        self.fewest_letters = cache(self._fewest_letters)

    def starting_with(self, text: str) -> list[str]:
        """Return the lengths that begin with ``text``, itself included if it is one."""
        return self._starting_with.get(text, [])

    def _fewest_letters(self, time: int) -> int:
        """Return the number of letters in the shortest notes that last ``time`` together."""
        if time <= 0:
            return 0 if time == 0 else IMPOSSIBLE
        shorter = ((text, value) for text, value in self.known.items() if value <= time)
        ways = (1 + len(text) + self.fewest_letters(time - value) for text, value in shorter)
        return min(ways, default=IMPOSSIBLE)
