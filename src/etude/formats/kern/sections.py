"""Sections of a Humdrum file, ``*>A``, and the list ``*>[A,A,B]`` of the order in which they are played.

Source: the Humdrum user guide, chapter 20 (strophes and sections), https://www.humdrum.org/guide/ch20/.
"""

from __future__ import annotations

from etude.errors import ReadError
from etude.formats.base import quoted
from etude.formats.repeats import MAX_BARS


class SectionList:
    """Bars in which sections begin, and the order of the sections."""

    def __init__(self) -> None:
        self._begins: dict[str, int] = {}  # bar by label
        self._list: list[str] = []

    def read(self, token: str, bar: int) -> None:
        """Read a label, which begins at this bar, or the list; one with a name (``*>norep[A,B]``) is another.

        ReadError for a label that stands twice.
        """
        label, bracket, listed = token[2:].partition("[")
        if not bracket:
            if self._begins.setdefault(label, bar) != bar:
                raise ReadError(f"a second section {quoted(label)}")
        elif not label and not self._list:
            self._list = [name.strip() for name in listed.rstrip("] ").split(",")]

    def order(self, bars: int) -> list[int]:
        """Return the bars in the order of the list, [] without one; first those before all sections.

        ReadError if a section of the list is missing.
        """
        if not self._list:
            return []
        starts = sorted({*self._begins.values(), bars})
        order = list(range(starts[0]))
        for label in self._list:
            if label not in self._begins:
                raise ReadError(f"the section {quoted(label)} of the list of sections is missing")
            start = self._begins[label]
            order += range(start, starts[starts.index(start) + 1])
            if len(order) > MAX_BARS:
                raise ReadError(f"with its repeats it has more than {MAX_BARS:,} bars")
        return order
