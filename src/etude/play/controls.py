"""Which sampling settings the page shows, and the range of their sliders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from etude.config.fields import hints_of, meaning_of
from etude.sampling.settings import SamplingSettings

# lowest, highest, step; the lowest of a setting that may be null stands for null
SLIDERS = {
    "temperature": (0.0, 2.0, 0.05),
    "top_k": (0, 40, 1),
    "top_p": (0.05, 1.0, 0.05),
    "min_p": (0.0, 0.5, 0.01),
    "repetition_penalty": (0.5, 2.0, 0.05),
    "max_bars": (0, 64, 1),
    "no_repeat_ngram": (0, 64, 1),
    "max_tokens": (16, 2048, 16),
}
FIRST = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "max_bars")
MORE = (
    "no_repeat_ngram", "max_tokens", "grammar", "only_valid", "lowest", "highest",
    "metre", "tempo", "instrument",
)  # fmt: skip

_KINDS = {bool: "switch", int: "number", float: "number", float | None: "number", int | None: "number"}


@dataclass(frozen=True)
class Control:
    """A setting as the page shows it. ``kind``: slider, switch, number or text."""

    name: str
    kind: str
    meaning: str
    value: Any
    limits: tuple[float, float, float] = (0, 0, 0)
    nullable: bool = False

    def setting(self, shown: Any) -> Any:
        """Return the setting for what the page shows: nothing, or the lowest of a slider, is null."""
        if self.nullable and (shown in ("", None) or (self.kind == "slider" and shown == self.limits[0])):
            return None
        return int(shown) if self.kind == "slider" and isinstance(self.limits[2], int) else shown


def control(name: str, values: Mapping[str, Any]) -> Control:
    """Return the control of a setting; it begins with its value, and its slider reaches at least to it."""
    spec = next(each for each in fields(SamplingSettings) if each.name == name)
    hint = hints_of(SamplingSettings)[name]
    nullable, value, meaning = "None" in str(hint), values[name], meaning_of(spec)
    if name not in SLIDERS:
        meaning = meaning.replace("null:", "empty:")
        return Control(name, _KINDS.get(hint, "text"), meaning, value, nullable=nullable)
    low, high, step = SLIDERS[name]
    shown = low if value is None else value
    meaning = meaning.replace("null:", f"{low}:") if nullable else meaning
    return Control(name, "slider", meaning, shown, (min(low, shown), max(high, shown), step), nullable)
