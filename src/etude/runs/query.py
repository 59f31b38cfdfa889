"""Filters such as `model.hidden_dim>=128`: parse them, check them, apply them to runs."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from etude.config.problems import Problem, did_you_mean
from etude.errors import EtudeError
from etude.runs.catalogue import Entry

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_SYNTAX = re.compile(r"\s*([A-Za-z_][\w./]*)\s*(>=|<=|!=|==|=|>|<|~)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """``key`` is a setting or a metric; ``operation`` one of >= <= > < = != ~; ``wanted`` as typed."""

    key: str
    operation: str
    wanted: str

    def accepts(self, value: object) -> bool:
        """Return whether a value passes.

        ``=`` compares numbers as numbers and all else as text; null is also what a run does not have; ``!=``
        is its contrary. The orders hold for numbers, and between texts such as times. ``~`` is a regular
        expression found somewhere in the text, capitals or not.
        """
        if self.operation in ("=", "!="):
            return equals(value, self.wanted) == (self.operation == "=")
        if value is None:
            return False
        if self.operation == "~":
            return re.search(self.wanted, as_text(value), re.IGNORECASE) is not None
        order = ORDERS[self.operation]
        if isinstance(value, str):
            return order(value, self.wanted)
        limit = number(self.wanted)
        return limit is not None and is_number(value) and order(value, limit)


def parse(text: str) -> Condition | Problem:
    """Parse a filter; return an error message if it is invalid."""
    found = _SYNTAX.fullmatch(text)
    if found is None:
        return Problem(
            text, "is no filter; one is KEY, then >= <= > < = != or ~, then a value, all of it in quotes"
        )
    key, operation, wanted = found.groups()
    if operation == "~":
        try:
            re.compile(wanted)
        except re.error as error:
            return Problem(text, f"what follows ~ is no regular expression: {error}")
    elif len(wanted) > 1 and wanted[0] == wanted[-1] and wanted[0] in "'\"":
        wanted = wanted[1:-1]
    return Condition(key, "=" if operation == "==" else operation, wanted)


def choose(known: Sequence[Entry], typed: Sequence[str]) -> list[Entry]:
    """Return the runs that pass every filter; EtudeError with all errors in the filters."""
    parsed = [parse(text) for text in typed]
    problems = [each for each in parsed if isinstance(each, Problem)]
    filters = [each for each in parsed if isinstance(each, Condition)]
    for each, text in zip(parsed, typed, strict=True):
        if isinstance(each, Condition) and (why := _complaint(each, known)):
            problems.append(Problem(text, why))
    if problems:
        raise EtudeError("\n".join(f"{each.what}: {each.why}" for each in problems))
    return [entry for entry in known if all(each.accepts(entry.value(each.key)) for each in filters)]


def arrange(chosen: Sequence[Entry], key: str, reverse: bool = False) -> list[Entry]:
    """Return the runs sorted by a key, numbers before texts; those without a value last, either way."""
    valued = [(each.value(key), each) for each in chosen]
    has = sorted(
        (pair for pair in valued if not _is_nothing(pair[0])),
        key=lambda pair: _rank(pair[0]),
        reverse=reverse,
    )
    return [each for _, each in has] + [each for value, each in valued if _is_nothing(value)]


def check_key(key: str, known: Sequence[Entry]) -> str:
    """Return an error message for a key that no run has; "" if one has it, or there are no runs."""
    if not known or any(key in each.keys() for each in known):  # noqa: SIM118  (a method, not a dict's)
        return ""
    names = {name for each in known for name in each.keys()}  # noqa: SIM118
    return f"no run has a {key}{did_you_mean(key, names)}"


def equals(value: object, wanted: str) -> bool:
    """Return whether a setting's value equals the typed one."""
    if value is None:
        return wanted.lower() in ("null", "none")
    if is_number(value):
        return value == number(wanted)
    if isinstance(value, bool):
        return wanted.lower() == str(value).lower()
    return as_text(value) == (wanted if isinstance(value, str) else wanted.replace(" ", ""))


def number(text: str) -> float | None:
    """Return a text as a number; None if it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def is_number(value: object) -> bool:
    """Return whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_text(value: object) -> str:
    """Return a value in command-line syntax."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(as_text(each) for each in value)}]"
    return "null" if value is None else str(value)


def _complaint(wanted: Condition, known: Sequence[Entry]) -> str:
    if why := check_key(wanted.key, known):
        return why
    values = [each.value(wanted.key) for each in known]
    if wanted.operation in ORDERS and number(wanted.wanted) is None and any(map(is_number, values)):
        return f"{wanted.key} is a number, and {wanted.wanted or 'nothing'} is none"
    return ""


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: object) -> tuple[int, Any]:
    return (0, value) if is_number(value) else (1, as_text(value))
