"""Limits on the value of a setting, beyond its type."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Choice = str | int | float | bool

LARGEST = 2**31 - 1  # of a whole number without a limit of its own


@dataclass(frozen=True)
class Limits:
    """Limits on a setting's value beyond its type; None means no limit.

    ``low`` and ``high`` belong to the range, ``above`` and ``below`` do not.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Choice, ...] | None = None
    infinite: bool = False  # whether infinity passes
    check: Callable[[object], str] | None = None  # says what is wrong with a value, "" if nothing is

    def complaint(self, value: object) -> str:
        """Return what is wrong with a value of the right type; "" if it is valid.

        A list is judged element by element. None passes: whether a setting may be empty is a matter of type.
        """
        if isinstance(value, (list, tuple)):
            return next((text for text in map(self.complaint, value) if text), "")
        if self.check is not None and value is not None:
            return self.check(value)
        if value is None or self._holds(value):
            return ""
        too_large = isinstance(value, int) and abs(value) > LARGEST
        return f"must be {self.described(too_large=too_large)}, got {value!r}"

    def _holds(self, value: object) -> bool:
        if self.choices is not None and value not in self.choices:
            return False
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        if isinstance(value, int) and self.high is None and abs(value) > LARGEST:
            return False  # no size or count is so large, and tensors take no larger ones
        # written so that NaN, which compares false with everything, never passes
        return (
            (math.isfinite(value) or (self.infinite and value == math.inf))
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        return self.described()

    def described(self, *, too_large: bool = False) -> str:
        """Return the limits in words; ``too_large``: with the one that every whole number has."""
        if self.choices is not None:
            return "one of " + ", ".join(map(str, self.choices))
        lower = f"at least {self.low}" if self.low is not None else ""
        lower = f"above {self.above}" if self.above is not None else lower
        upper = f"at most {LARGEST if self.high is None else self.high}"
        upper = "" if self.high is None and not too_large else upper
        upper = f"below {self.below}" if self.below is not None else upper
        text = " and ".join(part for part in (lower, upper) if part) or "a finite number"
        return f"{text}, or inf" if self.infinite else text
