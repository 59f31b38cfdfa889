r"""Spines of a Humdrum file: which field of a line belongs to which, as they begin, split, join and end.

Source: the Humdrum syntax, https://www.humdrum.org/guide/ch05/ (spine paths).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from etude.errors import ReadError
from etude.formats.base import quoted
from etude.music.piece_limits import MAX_PARTS

_PATHS = ("*^", "*v", "*x", "*+", "*-")
_CHORD_OR_SPLIT = re.compile(r"^(?:[^!*=\n][^\n]* \S|\*\^)", re.MULTILINE)


@dataclass
class Branch:
    """A spine, or a branch of one that was split."""

    kind: str  # "**kern", "**text", …; "" before it is known
    spine: int  # number of the spine, in order of beginning
    end: Fraction | None = None  # when the last event ends; None before the first


class Spines:
    """The branches of a file, from left to right, as its lines are read."""

    def __init__(self) -> None:
        self.branches: list[Branch] = []
        self.started = False
        self.count = 0

    def fields(self, line: str) -> list[tuple[Branch, str]]:
        """Return the branches of a line with their tokens, and follow its spine paths; none for a comment."""
        if not line or line.startswith("!"):
            return []
        tokens = line.split("\t")
        if not self.started:
            self._start(tokens)
        if len(tokens) != len(self.branches):
            spines = len(self.branches)
            raise ReadError(f"the number of tokens is {len(tokens)}, the number of spines {spines}")
        found = list(zip(self.branches, tokens, strict=True))
        if line.startswith("*"):
            for branch, token in found:
                if token.startswith("**"):
                    if branch.kind:
                        raise ReadError(f"a second {quoted(token)} within a spine")
                    branch.kind = token
            if any(token in _PATHS for token in tokens):
                self.branches = list(self._followed(found))
                if len(self.branches) > MAX_PARTS:
                    raise ReadError(f"it has more than {MAX_PARTS} spines")
        return found

    def _start(self, tokens: list[str]) -> None:
        if not all(tokens):
            raise ReadError("a spine without a name: two tabs side by side, or one at the end of the line")
        if not all(token.startswith("**") for token in tokens):
            raise ReadError(f"{quoted(tokens[0])} comes before **kern")
        self.started = True
        self.branches = [self._new() for _ in tokens]

    def _new(self) -> Branch:
        self.count += 1
        return Branch("", self.count - 1)

    def _followed(self, found: list[tuple[Branch, str]]) -> Iterator[Branch]:
        exchanged = [branch for branch, token in found if token == "*x"]
        if len(exchanged) not in (0, 2):
            raise ReadError(f"*x stands in {len(exchanged)} spines, not in two")
        exchanged.reverse()
        for (token, spine), group in groupby(found, key=lambda field: (field[1], field[0].spine)):
            branches = [branch for branch, _ in group]
            if token == "*v":
                if len(branches) == 1:
                    raise ReadError(f"*v joins spine {spine + 1} to no other branch of it")
                ends = [branch.end for branch in branches if branch.end is not None]
                yield replace(branches[0], end=max(ends, default=None))
            elif token == "*x":
                yield from (exchanged.pop(0) for _ in branches)
            elif token != "*-":
                for branch in branches:
                    yield branch
                    if token == "*^":
                        yield replace(branch)
                    elif token == "*+":
                        yield self._new()


def lone_spine(text: str) -> str | None:
    """Return the only ``**kern`` spine of a text, line for line, or None if its notes are not one voice.

    A chord and a split spine are more than one voice. ReadError, with its line, where the spines are wrong.
    """
    if _CHORD_OR_SPLIT.search(text) or text.count("**kern") != 1:
        return None if "**kern" in text else text
    if "\t" not in text:
        return text
    spines = Spines()
    column: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            found = spines.fields(line.rstrip(" "))
        except ReadError as error:
            raise error.at("", f"line {number}") from None
        kern = [token for branch, token in found if branch.kind == "**kern"]
        if any(
            " " in token.strip() or token in ("*^", "*v") for token in kern if token[:1] not in ("!", "=")
        ):
            return None
        token = kern[0] if kern and kern[0] not in ("*x", "*+") else ""
        column.append(line if line.startswith("!!") else token)
    return "\n".join(column)
