"""Tables without frame, and text of their cells."""

from __future__ import annotations

import re

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

BEST = "★"
UNSET = "–"
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=e))(e[+-]?\d+)?", re.IGNORECASE)


def plain_table(*columns: Column | str, title: str | None = None, caption: str | Text | None = None) -> Table:
    """Return a table without frame."""
    return Table(
        *columns, title=title, caption=caption, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )


def numbers(*headings: str, no_wrap: bool = True) -> list[Column]:
    """Return columns of numbers."""
    return [Column(heading, justify="right", no_wrap=no_wrap) for heading in headings]


def short(value: object) -> str:
    """Return a value as text; a long number with four significant digits, unless it is whole."""
    text = str(value)
    return f"{float(text):.4g}" if len(text) > 8 and _FRACTION.fullmatch(text) else text


def cell(value: float | None, form: str) -> str:
    """Return a number as text; a dash if there is none."""
    return UNSET if value is None else format(value, form)


def faults(valid: bool, degenerate_from: int | None) -> str:
    """Return what is wrong with a sample, "" if nothing is; ``degenerate_from``: a token from 0."""
    found = [] if valid else ["not well formed"]
    found += [] if degenerate_from is None else [f"degenerate from token {degenerate_from + 1}"]
    return ", ".join(found)
