"""Checks of a single override: its syntax, its key and its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from hydra.core.override_parser.types import Override, OverrideType, Quote, QuotedString
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import DictConfig

from etude.config.hydra_adapter import HIDDEN, Loader, apply_override, parse_override
from etude.config.problems import HAS_IT, Problem, did_you_mean, in_words
from etude.config.validation import KeyInfo, find


def key_of(line: str) -> str:
    """Return the dotted key or the group that an override names."""
    return line.lstrip("+~").partition("=")[0].partition("@")[0]


def parse(line: str, loader: Loader) -> Override | Problem:
    """Parse one override; return a Problem with the position of a syntax error."""
    try:
        override = parse_override(line)
    except HydraException as error:
        return Problem(line, _unreadable(line, error))
    override.config_loader = loader
    if not override.key_or_group:
        return Problem(line, "names no key; type KEY=VALUE")
    return override


def _unreadable(line: str, error: HydraException) -> str:
    if "=" not in line and not line.startswith("~"):
        return f"is not of the form KEY=VALUE; type {line.lstrip('+')}=VALUE"
    cause = error.__cause__
    token = getattr(cause, "offendingToken", None)
    index = getattr(cause, "startIndex", None) if token is None else token.column
    if index is None:
        return str(error).splitlines()[0]
    if index >= len(line):
        return "ends too early: a bracket or a quote is open"
    if line[index] in "'\"":
        key, _, value = line.partition("=")
        cure = "" if value[:1] in "'\"" or '"' in value else f'; type "{key}=\\"{value}\\""'
        return f"has a quote at character {index + 1} that is not closed{cure}"
    key, _, value = line.partition("=")
    if "/" in key and "." in key:
        return f"cannot be read; type {key.replace('/', '.')}={value}"
    place = f"cannot be read from character {index + 1} ({line[index:]})"
    return f"{place}; if it is text, quote it: \"{key}='...'\""


def sweep_problem(override: Override) -> Problem | None:
    """Return a Problem for a sweep without `-m`; None if the override is no sweep."""
    if not override.is_sweep_override():
        return None
    key, _, value = str(override.input_line).partition("=")
    why = f"is a sweep, which needs -m; a list is {key}=[{value}], a text \"{key}='{value}'\""
    return Problem(str(override.input_line), why)


def is_group(override: Override, loader: Loader) -> bool:
    """Return whether an override chooses from a config group rather than sets a key."""
    key = override.key_or_group
    known = key.split("/")[0] not in HIDDEN and loader.repository.group_exists(key)
    return known and not isinstance(override.value(), dict)


def group_problem(
    override: Override, loader: Loader, shipped: Callable[[], DictConfig | None]
) -> Problem | None:
    """Return a Problem for an unknown choice, or a group that cannot be removed; None if it is valid.

    ``shipped`` composes the command without choices.
    """
    group, line = override.key_or_group, str(override.input_line)
    options = loader.get_group_options(group)
    choices = f"choose from: {', '.join(options)}"
    if override.is_delete():
        config = shipped()
        place = find(config, group.replace("/", ".")) if config is not None else None
        return (
            Problem(line, f"cannot be left out; {choices}")
            if place and place.exists and place.fixed
            else None
        )
    value = override.value()
    if value is None:
        return Problem(line, f"is a group, which null does not fit; {choices}; or leave it out: ~{group}")
    for name in map(str, value if isinstance(value, list) else [value]):
        if "${" not in name and not loader.repository.config_exists(f"{group}/{name}"):
            return Problem(line, f"no such choice for {group}; {choices}{did_you_mean(name, options)}")
    return None


def apply(override: Override, config: DictConfig, meant: Callable[[str], str]) -> list[Problem]:
    """Set, add or delete one value in a composed configuration; return why it was not possible.

    ``meant`` returns what to say of a key that does not exist.
    """
    line = str(override.input_line)
    if override.is_delete():
        place = find(config, override.key_or_group)
        if place.exists and place.fixed:
            return [
                Problem(line, f"is required and cannot be removed{_emptied(override.key_or_group, place)}")
            ]
        problems = [] if place.exists else [Problem(line, _unknown(override.key_or_group, meant))]
    else:
        leaves = list(_leaves(override.key_or_group, override.value()))
        whole = len(leaves) == 1
        found = ((key, _leaf_problem(override, key, value, config, meant)) for key, value in leaves)
        problems = [Problem(line if whole else key, why) for key, why in found if why]
    if problems:
        return problems
    try:
        apply_override(override, config)
    except ConfigCompositionException as error:
        return [Problem(line, _refusal(override, config, error))]
    return []


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the dotted keys in a mapping value: `model={hidden_dim: 3}` has model.hidden_dim."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _leaves(f"{key}.{name}", part)
    else:
        yield key, value


def _leaf_problem(
    override: Override, key: str, value: Any, config: DictConfig, meant: Callable[[str], str]
) -> str:
    place = find(config, key)
    if not place.exists:
        adds = override.type != OverrideType.CHANGE
        if place.fixed or not adds:
            why = _unknown(key, meant)
            return (
                why
                if place.fixed or why.endswith(HAS_IT)
                else f"{why}; to add it type +{override.input_line}"
            )
    takes_text = place.takes is str or str in get_args(place.takes)
    typed = override.get_value_string()
    if takes_text and isinstance(value, (bool, int, float)) and str(value) != typed:
        # Hydra would hand over the number's or the truth value's spelling in Python, not what was typed
        return f"takes text, got {value!r}; to keep it as typed, quote it: \"{key}='{typed}'\""
    return ""


def _unknown(key: str, meant: Callable[[str], str]) -> str:
    kind = "group" if "/" in key else "key"
    return f"no such {kind}{meant(key)}"


def _emptied(key: str, place: KeyInfo) -> str:
    return f"; to leave it empty type {key}=null" if type(None) in get_args(place.takes) else ""


def _refusal(override: Override, config: DictConfig, error: ConfigCompositionException) -> str:
    if str(error).startswith("Could not append"):
        return "is there already; type it without the +"
    place = find(config, override.key_or_group)
    if place.takes is not Any:
        return f"takes {in_words(place.takes)}, got {override.get_value_string()}"
    return str(error.__cause__ or error).splitlines()[0]


def as_typed(value: object) -> str:
    """Return a value in the syntax of the command line, with quotes only where it needs them."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(as_typed, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {as_typed(each)}' for key, each in value.items())}}}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    plain = text.replace("/", "").replace(".", "").replace("-", "").replace("_", "")
    is_word = plain.isascii() and plain.isalnum() and not plain.isdigit()
    if is_word and plain.lower() not in ("null", "true", "false", "inf", "nan"):
        return text
    return QuotedString(text, Quote.double).with_quotes()
