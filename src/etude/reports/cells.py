"""Tables without frame, text of their cells, and such tables as plain cells for a page: both say the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

BEST = "★"
UNSET = "–"
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=e))(e[+-]?\d+)?", re.IGNORECASE)


def plain_table(*columns: Column | str, title: str | None = None, caption: str | Text | None = None) -> Table:
    """Return a table without frame; its title and headings are no markup."""
    shown = None if title is None else Text(title, style="table.title")
    return Table(
        *columns, title=shown, caption=caption, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )


def numbers(*headings: str, no_wrap: bool = True) -> list[Column]:
    """Return columns of numbers."""
    return [Column(Text(heading), justify="right", no_wrap=no_wrap) for heading in headings]


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


class PageRow(NamedTuple):
    """A row; ``strong`` marks the one that the table is about."""

    cells: list[str]
    strong: bool


class PageTable(NamedTuple):
    """A table, or lines of text alone (then ``heads`` and ``rows`` are empty)."""

    title: str
    heads: list[str]
    rows: list[PageRow]
    caption: str


def page_tables(parts: Iterable[Table | Text]) -> list[PageTable]:
    """Return the tables; text that follows a table belongs to its caption."""
    found: list[PageTable] = []
    for part in parts:
        if isinstance(part, Table):
            heads = [str(column.header) for column in part.columns]
            columns = [[str(cell) for cell in column.cells] for column in part.columns]
            styles = [row.style == "bold" for row in part.rows]
            rows = [PageRow(list(cells), bold) for *cells, bold in zip(*columns, styles, strict=True)]
            title = " ".join(_plain(part.title).split())
            found.append(PageTable(title, heads, rows, _plain(part.caption)))
        elif found:
            found[-1] = found[-1]._replace(caption=f"{found[-1].caption}\n{part}".strip())
        else:
            found.append(PageTable("", [], [], str(part)))
    return found


def _plain(text: object) -> str:
    return "" if text is None else str(text)
