"""Reading of untrusted CSV files such as metrics.csv, limited in size, with numbers where numbers belong."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from etude.stored_files import StoredFileError, read_bounded

MAX_BYTES = 256 * 2**20  # a row for each of a million steps
MAX_COLUMNS = 1000


@dataclass(frozen=True)
class TableRow:
    """A row: its cells by column, "" where it is cut short. ``place``: file and line, for messages."""

    place: str
    cells: Mapping[str, str]

    def number(self, column: str) -> float | None:
        """Return the number in a column, None if the cell is empty; StoredFileError if it is none."""
        if not (cell := self.cells.get(column)):
            return None
        try:
            return float(cell)
        except ValueError:
            raise self._wrong(cell, "a number") from None

    def whole(self, column: str) -> int:
        """Return the whole number in a column; StoredFileError if it is none, or is larger than any count."""
        cell = self.cells.get(column, "")
        try:
            number = int(cell)
        except ValueError:
            number = -1
        if not 0 <= number < 2**63:
            raise self._wrong(cell, f"a {column}")
        return number

    def _wrong(self, cell: str, wanted: str) -> StoredFileError:
        return StoredFileError(f"{self.place}: {cell[:40]!r} is not {wanted}")


class Table(NamedTuple):
    """Columns and rows of a file."""

    columns: list[str]
    rows: list[TableRow]


def read_table(path: Path) -> Table:
    """Return the complete lines of a CSV file, without an unfinished last one.

    StoredFileError if it is too large or wide, or a row has more cells than there are columns. OSError if it
    cannot be opened.
    """
    data = read_bounded(path, MAX_BYTES)
    # a binary file lacks the columns, which the error then names
    text = data[: data.rfind(b"\n") + 1].decode("utf-8", errors="replace")
    lines = csv.reader(io.StringIO(text, newline=""))
    rows: list[TableRow] = []
    try:
        columns = next(lines, [])
        if len(columns) > MAX_COLUMNS:
            raise StoredFileError(f"{path} is damaged: it has more than {MAX_COLUMNS} columns")
        for cells in lines:
            place = f"{path}, line {lines.line_num}"
            if len(cells) > len(columns):
                raise StoredFileError(f"{place}: more cells than the first line has columns")
            if cells:
                rows.append(TableRow(place, dict(zip(columns, [*cells, *[""] * len(columns)], strict=False))))
    except csv.Error as error:
        raise StoredFileError(f"{path}, line {lines.line_num}: {error}") from error
    return Table(columns, rows)
