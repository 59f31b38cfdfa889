"""Note lengths of ABC as they are spelt, and how a stretch of time can be filled with them.

Time is counted in quarters of the unit note length, so ``A`` lasts 4, ``A2`` 8 and ``A/2`` 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from etude.sampling.grammars.base import ENDLESS

SPELT = {
    "": 4, "2": 8, "3": 12, "4": 16, "5": 20, "6": 24, "7": 28, "8": 32, "9": 36, "12": 48, "16": 64,
    "/": 2, "/2": 2, "//": 1, "/4": 1, "3/": 6, "3/2": 6, "3/4": 3, "5/2": 10, "7/2": 14,
}  # fmt: skip
TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2}  # notes of one length in the time of so many


class Lengths:
    """The lengths that a vocabulary can spell, and the fewest letters that fill a time."""

    def __init__(self, letters: Iterable[str]) -> None:
        known = set(letters)
        self.spelt = {text: time for text, time in SPELT.items() if known.issuperset(text)}
        self._begun: dict[str, list[str]] = {}
        for text in self.spelt:
            for end in range(len(text) + 1):
                self._begun.setdefault(text[:end], []).append(text)
        self.fill = cache(self._fill)

    def begun_by(self, text: str) -> list[str]:
        """Return the lengths that begin with ``text``, itself included if it is one."""
        return self._begun.get(text, [])

    def _fill(self, time: int) -> int:
        """Return the letters of the shortest notes that last ``time`` together."""
        if time <= 0:
            return 0 if time == 0 else ENDLESS
        return min(
            (1 + len(text) + self.fill(time - value) for text, value in self._shorter(time)), default=ENDLESS
        )

    def _shorter(self, time: int) -> Iterator[tuple[str, int]]:
        return ((text, value) for text, value in self.spelt.items() if value <= time)
