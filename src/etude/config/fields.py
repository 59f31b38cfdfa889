"""Settings: dataclass fields with a one-line meaning and the accepted values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from etude.config.targets import declared_class, settings_class
from etude.errors import EtudeError

Settings = TypeVar("Settings")

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


def setting(
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[Choice] | None = None,
    infinite: bool = False,
    check: Callable[[object], str] | None = None,
) -> Any:
    """Declare a field of a settings dataclass: its meaning and its limits. Its default is in conf/.

    ``low`` and ``high`` are inclusive, ``above`` and ``below`` exclusive; ``choices`` is every legal value;
    ``infinite`` lets infinity pass; ``check`` says what is wrong with a value.
    """
    limits = Limits(low, high, above, below, None if choices is None else tuple(choices), infinite, check)
    return field(metadata={"limits": limits, "help": help})


def limits_of(spec: Field[Any]) -> Limits:
    """Return the limits declared for a dataclass field; a plain field must only be finite."""
    found = spec.metadata.get("limits")
    return found if isinstance(found, Limits) else Limits()


def meaning_of(spec: Field[Any]) -> str:
    """Return the declared meaning of a field; "" if it has none."""
    return str(spec.metadata.get("help", ""))


def hints_of(cls: Any) -> dict[str, Any]:
    """Return the types of the fields of a settings dataclass, by name."""
    hints = get_type_hints(cls)
    return {each.name: hints[each.name] for each in fields(cls)}


def dataclass_in(hint: Any) -> type[Any] | None:
    """Return the dataclass in an annotation `X` or `X | None`; None for any other annotation."""
    return next(
        (each for each in (hint, *get_args(hint)) if is_dataclass(each) and isinstance(each, type)), None
    )


def from_plain(cls: type[Settings], values: Mapping[str, Any], *, stored: bool = False) -> Settings:
    """Return a settings dataclass with these values; a field that is itself a dataclass takes a mapping.

    A mapping's `_target_` names the class it is the settings of, a kind of ``cls``. Types and limits are
    checked when a configuration is composed, not here. ``stored``: the values are from a file that a stranger
    may have made, so nothing is looked up but the classes that Étude declares. EtudeError names keys that
    are missing or unknown.
    """
    found: type[Any] = cls
    if "_target_" in values:
        target = str(values["_target_"])
        found = _stored_class(target, cls) if stored else settings_class(target, cls)
    hints = hints_of(found)
    given = {key: value for key, value in values.items() if key != "_target_"}
    required = {each.name for each in fields(found) if each.default is MISSING is each.default_factory}
    if wrong := (required - given.keys()) | (given.keys() - hints.keys()):
        names = ", ".join(sorted(map(str, wrong)))
        where = "stored configuration: " if stored else ""
        raise EtudeError(f"{where}{found.__name__}: missing or unknown settings: {names}")

    def value_of(hint: Any, value: Any) -> Any:
        kind = dataclass_in(hint)
        if not isinstance(value, Mapping) or (kind is None and "_target_" not in value):
            return [value_of(Any, each) for each in value] if isinstance(value, (list, tuple)) else value
        return from_plain(kind or object, value, stored=stored)

    made: Settings = found(**{name: value_of(hints[name], value) for name, value in given.items()})
    return made


def for_json(values: Any) -> Any:
    """Return plain values with infinite numbers as {"float": "inf"}, since JSON has no infinity."""
    if isinstance(values, Mapping):
        return {key: for_json(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [for_json(value) for value in values]
    return {"float": str(values)} if isinstance(values, float) and math.isinf(values) else values


def from_json(values: Any) -> Any:
    """Return the values that :func:`for_json` was given."""
    if isinstance(values, Mapping):
        if values in ({"float": "inf"}, {"float": "-inf"}):
            return float(values["float"])
        return {key: from_json(value) for key, value in values.items()}
    return [from_json(value) for value in values] if isinstance(values, (list, tuple)) else values


def _stored_class(target: str, base: type[Any]) -> type[Any]:
    found = declared_class(target)
    if found is None or not issubclass(found, base):
        raise EtudeError(f"_target_ {target} has no place in a stored configuration")
    return found
