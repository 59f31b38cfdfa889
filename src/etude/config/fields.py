"""A setting: a field of a dataclass with its one-line meaning and the values that it accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from etude.errors import EtudeError

Settings = TypeVar("Settings")

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
    """Declare a field of a settings dataclass: its meaning and its limits, but no default, which is in conf/.

    ``low`` and ``high`` are inclusive, ``above`` and ``below`` exclusive; ``choices`` is every legal value;
    ``infinite`` lets infinity pass.
    """
    limits = Limits(low, high, above, below, None if choices is None else tuple(choices), infinite)
    return field(metadata={"limits": limits, "help": help})


def limits_of(spec: Field[Any]) -> Limits:
    """Return the limits declared for a dataclass field; a plain field has none but finiteness."""
    found = spec.metadata.get("limits")
    return found if isinstance(found, Limits) else Limits()


def from_plain(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Return a settings dataclass with these values; a field that is itself a dataclass takes a mapping.

    Types and limits are not checked here but when a configuration is composed. EtudeError names keys that are
    missing or unknown.
    """
    names = {each.name for each in fields(cls)}  # type: ignore[arg-type]
    if wrong := names.symmetric_difference(values):
        raise EtudeError(f"{cls.__name__}: missing or unknown settings: {', '.join(sorted(map(str, wrong)))}")
    hints = get_type_hints(cls)

    def value_of(name: str) -> Any:
        kind, value = hints[name], values[name]
        nested = isinstance(kind, type) and is_dataclass(kind) and isinstance(value, Mapping)
        return from_plain(kind, value) if nested else value

    return cls(**{name: value_of(name) for name in names})
