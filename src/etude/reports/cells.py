"""Text of the cells of a table."""

from __future__ import annotations

import re

BEST = "★"
UNSET = "–"
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=e))(e[+-]?\d+)?", re.IGNORECASE)


def short(value: object) -> str:
    """Return a value as text; a long number with four significant digits, unless it is whole."""
    text = str(value)
    return f"{float(text):.4g}" if len(text) > 8 and _FRACTION.fullmatch(text) else text


def cell(value: float | None, form: str) -> str:
    """Return a number as text; a dash if there is none."""
    return UNSET if value is None else format(value, form)
