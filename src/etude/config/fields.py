"""A knob: a field of the typed configuration together with the values that make sense for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import Field, dataclass, field
from typing import Any

from omegaconf import MISSING

Choice = str | int | float | bool


@dataclass(frozen=True)
class Limits:
    """The values that a knob accepts beyond its type; None is no limit.

    ``low`` and ``high`` belong to the range, ``above`` and ``below`` do not.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Choice, ...] | None = None
    infinite: bool = False  # whether infinity passes

    def complaint(self, value: object) -> str:
        """Say what is wrong with a value of the right type; "" if nothing is.

        A list is judged element by element. None passes: whether a knob may be empty is a matter of type.
        """
        if isinstance(value, (list, tuple)):
            return next((text for text in map(self.complaint, value) if text), "")
        if value is None or self._holds(value):
            return ""
        return f"must be {self}, got {value!r}"

    def _holds(self, value: object) -> bool:
        if self.choices is not None and value not in self.choices:
            return False
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        # written so that NaN, which compares false with everything, never passes
        return (
            (math.isfinite(value) or (self.infinite and value == math.inf))
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        if self.choices is not None:
            return "one of " + ", ".join(map(str, self.choices))
        lower = f"at least {self.low}" if self.low is not None else ""
        lower = f"above {self.above}" if self.above is not None else lower
        upper = f"at most {self.high}" if self.high is not None else ""
        upper = f"below {self.below}" if self.below is not None else upper
        text = " and ".join(part for part in (lower, upper) if part) or "a finite number"
        return f"{text}, or inf" if self.infinite else text


def setting(
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[Choice] | None = None,
    infinite: bool = False,
) -> Any:
    """Declare a field of a schema dataclass: no default (the YAML holds the value), but limits.

    ``low`` and ``high`` are inclusive, ``above`` and ``below`` exclusive; ``choices`` is every legal value;
    ``infinite`` lets infinity pass.
    """
    limits = Limits(low, high, above, below, None if choices is None else tuple(choices), infinite)
    return field(default=MISSING, metadata={"limits": limits, "help": help})


def limits_of(spec: Field[Any]) -> Limits:
    """Return the limits declared for a dataclass field; a plain field has none but finiteness."""
    found = spec.metadata.get("limits")
    return found if isinstance(found, Limits) else Limits()
