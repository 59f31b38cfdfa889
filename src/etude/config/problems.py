"""Problems of a configuration, all reported at once in command-line syntax."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from etude.errors import EtudeError


@dataclass(frozen=True)
class Problem:
    """One problem: ``what`` as it was (or would be) typed, and ``why`` it is wrong.

    ``key`` is the affected key if ``what`` is a file or another choice.
    """

    what: str
    why: str
    key: str = field(default="", compare=False)


class ConfigError(EtudeError):
    """An invalid configuration; ``problems`` lists every reason in order."""

    def __init__(self, problems: Sequence[Problem], command: str) -> None:
        self.problems = tuple(problems)
        self.command = command
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        width = min(32, max((len(problem.what) for problem in self.problems), default=0))
        lines = [f"  {problem.what:<{width}}  {problem.why}" for problem in self.problems]
        hint = f"Type `{command} --help` for the choices, `{command} --cfg job` for every key and its value."
        super().__init__("\n".join([f"{count} in the configuration", *lines, hint]))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems, self.command)


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the known dotted keys (or plain names) nearest to a misspelt one, best first."""
    scores = {name: _likeness(word, name) for name in known}
    best = max(scores.values(), default=0.0)
    # a clear winner stands alone
    likely = [name for name, score in scores.items() if score >= max(0.7, best - 0.08)]
    return sorted(likely, key=lambda name: -scores[name])[:most]


def _likeness(word: str, name: str) -> float:
    """Return a similarity from 0 to 1; a right last part, such as `lr` for `optim.lr`, scores 0.9 or more."""
    whole = difflib.SequenceMatcher(None, word, name).ratio()
    last = difflib.SequenceMatcher(None, word.rpartition(".")[2], name.rpartition(".")[2]).ratio()
    return max(whole, 0.9 if last == 1 else 0.8 * last) if "." in name else whole


HAS_IT = "has it"  # how a problem ends that names choices


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for the nearest known spellings; "" if none is near."""
    names = nearest(word, known)
    return f"; did you mean {' or '.join(names)}?" if names else ""


_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    NoneType: "null",
    Any: "any value",
}


def in_words(hint: Any) -> str:
    """Return a type annotation in plain words: "a whole number or null"."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(in_words(argument) for argument in arguments)
    if origin in (list, tuple):
        return f"a list [...] of {in_words(arguments[0]).removeprefix('a ')}s" if arguments else "a list"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(member.name for member in hint)
    if dataclasses.is_dataclass(hint) or origin is dict or hint is dict:
        return "a group of keys"
    return str(hint)
