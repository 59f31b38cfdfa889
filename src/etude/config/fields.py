"""Settings: dataclass fields with a one-line meaning and the accepted values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from types import FunctionType
from typing import Any, ClassVar, TypeVar, get_args, get_type_hints

from etude.config.setting_limits import Choice, Limits
from etude.config.targets import has_no_place, settings_class
from etude.errors import EtudeError

Settings = TypeVar("Settings")


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
    default: Any = MISSING,
) -> Any:
    """Declare a field of a settings dataclass: its meaning and its limits. Its default is in conf/.

    ``default`` is for a key that a file of the user's own may leave out: PyTorch's own default, or no effect.

    ``low`` and ``high`` are inclusive, ``above`` and ``below`` exclusive; ``choices`` is every legal value;
    ``infinite`` lets infinity pass; ``check`` says what is wrong with a value.
    """
    limits = Limits(low, high, above, below, None if choices is None else tuple(choices), infinite, check)
    metadata = {"limits": limits, "help": help}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def limits_of(spec: Field[Any]) -> Limits:
    """Return the limits declared for a dataclass field; a plain field must only be finite."""
    found = spec.metadata.get("limits")
    return found if isinstance(found, Limits) else Limits()


def meaning_of(spec: Field[Any]) -> str:
    """Return the declared meaning of a field; "" if it has none."""
    return str(spec.metadata.get("help", ""))


@dataclass
class NodeGroup:
    """Base of a group that holds nodes, under names of the user's own, beside its keys.

    A node is a mapping with a `_target_`; null in its place leaves it out. ``kind`` is the base of the
    settings classes of nodes, which are in ``nodes``.
    """

    kind: ClassVar[type[Any]] = object

    def __post_init__(self) -> None:
        self.nodes: dict[str, Any] = {}


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
    may have made, so limits are checked, and a class that Étude does not declare must be of an enabled
    package. EtudeError names keys that are missing or unknown.
    """
    given = {key: value for key, value in values.items() if key != "_target_"}
    found: type[Any] = cls
    if "_target_" in values:
        found = _settings_class(values["_target_"], cls, tuple(given), stored)
    hints = hints_of(found)
    nodes: dict[str, Any] = {}
    if issubclass(found, NodeGroup):
        nodes = {key: each for key, each in given.items() if key not in hints and _is_node(each)}
        given = {key: each for key, each in given.items() if key not in nodes}
    required = {each.name for each in fields(found) if each.default is MISSING is each.default_factory}
    if wrong := (required - given.keys()) | (given.keys() - hints.keys()):
        names = ", ".join(sorted(map(str, wrong)))
        where = "stored configuration: " if stored else ""
        raise EtudeError(f"{where}{found.__name__}: missing or unknown settings: {names}")
    for each in fields(found) if stored else ():
        if why := limits_of(each).complaint(given[each.name]) if each.name in given else "":
            raise EtudeError(f"stored configuration: {each.name} {why}")

    def value_of(hint: Any, value: Any) -> Any:
        kind = dataclass_in(hint)
        if not isinstance(value, Mapping) or (kind is None and "_target_" not in value):
            return [value_of(Any, each) for each in value] if isinstance(value, (list, tuple)) else value
        return from_plain(kind or object, value, stored=stored)

    made: Settings = found(**{name: value_of(hints[name], value) for name, value in given.items()})
    if isinstance(made, NodeGroup):
        made.nodes = {
            key: from_plain(made.kind, value, stored=stored) for key, value in nodes.items() if value
        }
    return made


def _is_node(value: object) -> bool:
    return value is None or (isinstance(value, Mapping) and "_target_" in value)


def _settings_class(target: object, base: type[Any], keys: tuple[str, ...], stored: bool) -> type[Any]:
    if stored and has_no_place(str(target)):
        raise EtudeError(f"_target_ {target} has no place in a stored configuration")
    return settings_class(str(target), base, keys, stored=stored)


def to_plain(value: Any) -> Any:
    """Return settings as plain values for :func:`from_plain`; a function by its name."""
    if is_dataclass(value) and not isinstance(value, type):
        target = getattr(type(value), "builds", "")
        values = {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
        return {**({"_target_": target} if target else {}), **values}
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in value]
    return f"{value.__module__}.{value.__qualname__}" if isinstance(value, FunctionType) else value


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
