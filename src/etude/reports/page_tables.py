"""Tables of the terminal as plain cells for a page, so that both say the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.table import Table
from rich.text import Text


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
