"""A network as a picture: its modules from top to bottom, the shapes between them, their parameters."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from etude.files import atomic_write
from etude.reports.network_parts import Part

INK, GREY, LINE = "#1f2933", "#5f6b7a", "#9aa5b1"
PAPER, FRAME, FILL, PLAIN, SHARE = "#ffffff", "#f5f7fa", "#e3eefa", "#eceff2", "#0072b2"

# All lengths are points, 1/72 inch, as font sizes are.
WIDTH, MARGIN, INDENT = 430.0, 18.0, 14.0
BOX, LOW_BOX = 40.0, 24.0  # with parameters, without
GAP, SHORT_GAP = 26.0, 14.0  # between parts, and between a frame and what is at its edge
SMALL = 11.5  # a line of small text
WRAP = 84  # characters to a line of small text
BAR = 80.0
PIXELS_PER_INCH = 144

# Text stays text, so that the file is small; these fonts have the same width.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "etude",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
}


@dataclass
class _Laid:
    """A part with its height, and the remarks in a frame."""

    part: Part
    height: float
    within: list[_Laid]
    remarks: list[str]


def draw_network(network: Part, *, title: str, state: str, notes: str, stem: Path) -> list[Path]:
    """Write ``stem``.svg and .png, the same bytes for the same network; return the two files."""
    laid = [_laid(part, 0) for part in network.parts] or [_laid(network, 0)]
    head = textwrap.wrap(network.summary, WRAP) + (_own(network, WRAP) if network.parts else [])
    foot = [f"State after the last token: {state}."] if state else ["No state."]
    foot += textwrap.wrap(notes, WRAP)
    top, flow = MARGIN + 42 + SMALL * len(head), _stacked(laid, GAP)
    height = top + 8 + flow + 34 + SMALL * len(foot) + MARGIN
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor=PAPER)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        axes.axis("off")
        pen = _Pen(axes, max(network.num_parameters, 1))
        pen.text(MARGIN, MARGIN + 9, title, size=13, weight="bold")
        pen.text(WIDTH - MARGIN, MARGIN + 9, f"{network.num_parameters:,} parameters", size=10, align="right")
        pen.small(head, MARGIN, MARGIN + 29)
        pen.text(WIDTH / 2, top, f"ids  {network.takes}", size=10, weight="bold", align="center")
        pen.flow(laid, top + 8, network, GAP, copies=1)
        end = top + 8 + flow
        pen.text(WIDTH / 2, end + 8, f"logits  {network.gives}", size=10, weight="bold", align="center")
        pen.small(foot, MARGIN, end + 34)
        return _written(figure, stem)


def _written(figure: Figure, stem: Path) -> list[Path]:
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    figure.savefig(png, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for suffix, content in ((".svg", svg), (".png", png)):
        path = stem.with_name(stem.name + suffix)
        atomic_write(path, content.getvalue())
        files.append(path)
    return files


def _laid(part: Part, depth: int) -> _Laid:
    within = [_laid(inner, depth + 1) for inner in part.parts]
    if not within:
        return _Laid(part, BOX if part.num_parameters else LOW_BOX, [], [])
    wide = WRAP - 5 * depth - 2
    remarks = textwrap.wrap(part.summary, wide) + _own(part, wide)
    head = 22 + SMALL * len(remarks)
    return _Laid(part, head + _stacked(within, SHORT_GAP), within, remarks)


def _own(part: Part, wide: int) -> list[str]:
    """Return the parameters of a frame that belong to none of its parts."""
    return textwrap.wrap(f"Own parameters: {'; '.join(part.own)}", wide) if part.own else []


def _stacked(parts: list[_Laid], edge: float) -> float:
    return sum(each.height for each in parts) + GAP * (len(parts) - 1) + 2 * edge


class _Pen:
    """Draws at given heights; ``total`` is the number of parameters of the whole network."""

    def __init__(self, axes: Axes, total: int) -> None:
        self._axes, self._total = axes, total

    def flow(
        self, parts: list[_Laid], y: float, whole: Part, edge: float, *, copies: int, depth: int = 0
    ) -> None:
        """Draw the parts of ``whole`` below each other, with an arrow before each and after the last.

        The first and the last arrow are ``edge`` long. Work between modules, such as a reshape, shows where a
        shape changes along an arrow. ``copies``: how often each part is in the network.
        """
        given, gap, shown = whole.takes, edge, False
        for each in parts:
            taken = each.part.takes or given
            self._arrow(y, y + gap, given, taken, shown=shown)
            draw = self._frame if each.within else self._box
            draw(each, y + gap, depth, copies * each.part.copies)
            y += gap + each.height
            given, gap, shown = each.part.gives, GAP, True
        self._arrow(y, y + edge, given, whole.gives, shown=False)

    def _frame(self, laid: _Laid, y: float, depth: int, copies: int) -> None:
        part, left = laid.part, MARGIN + depth * INDENT
        fill = PAPER if depth % 2 else FRAME
        if part.copies > 1:  # a second sheet behind the first
            self._sheet(left + 4, y + 4, depth, laid.height, fill)
        self._sheet(left, y, depth, laid.height, fill)
        self._heading(part, y + 14, depth)
        self.small(laid.remarks, left + 10, y + 27)
        start = y + 22 + SMALL * len(laid.remarks)
        self.flow(laid.within, start, part, SHORT_GAP, copies=copies, depth=depth + 1)

    def _box(self, laid: _Laid, y: float, depth: int, copies: int) -> None:
        part, left, right = laid.part, MARGIN + depth * INDENT + 10, WIDTH - MARGIN - depth * INDENT - 10
        details = ", ".join(filter(None, [part.details, *part.own])) or part.summary
        if part.num_parameters:
            self._sheet(left - 10, y, depth, laid.height, FILL)
            self._heading(part, y + 14, depth)
            wide = round((right - left - BAR) / 4.2)
            self.text(left, y + 29, textwrap.shorten(details, wide, placeholder=" …"), size=7.5, colour=GREY)
            share = copies * part.num_parameters / self._total
            for length, colour in ((BAR, PAPER), (BAR * share, SHARE)):
                self._axes.add_patch(
                    Rectangle((right - BAR, y + 27), length, 5, facecolor=colour, linewidth=0)
                )
        else:
            self._sheet(left - 10, y, depth, laid.height, PLAIN)
            self._heading(part, y + laid.height / 2, depth, details)

    def _heading(self, part: Part, y: float, depth: int, details: str = "") -> None:
        left, right = MARGIN + depth * INDENT + 10, WIDTH - MARGIN - depth * INDENT - 10
        kind = part.kind + (f"  × {part.copies}" if part.copies > 1 else "")
        self.text(left, y, kind, size=9.5, weight="bold")
        count = f"{part.num_parameters:,}" if part.num_parameters else ""
        count = f"{part.copies} × {count}" if count and part.copies > 1 else count
        label = f"{part.name}   {count}".rstrip()
        self.text(right, y, label, size=8, align="right", colour=GREY)
        notes = ", ".join(filter(None, [details, f"called {part.calls} times" if part.calls else ""]))
        start = left + 7 * len(kind) + 8
        room = round((right - 5 * len(label) - start) / 4.2)  # characters between the two
        self.text(start, y, textwrap.shorten(notes, max(room, 4), placeholder=" …"), size=7.5, colour=GREY)

    def small(self, lines: list[str], x: float, y: float) -> None:
        """Write lines of small text, the first at ``y``."""
        for number, line in enumerate(lines):
            self.text(x, y + number * SMALL, line, size=7.5, colour=GREY)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        weight: str = "normal",
        colour: str = INK,
        align: str = "left",
    ) -> None:
        """Write text, vertically centred at ``y``."""
        if text:
            style: dict[str, Any] = {"size": size, "weight": weight, "color": colour, "ha": align}
            self._axes.text(x, y, text, va="center", parse_math=False, **style)

    def _arrow(self, start: float, stop: float, given: str, taken: str, *, shown: bool) -> None:
        """Draw an arrow; label it with the shape if ``shown``, and with both shapes where it changes."""
        line = FancyArrowPatch((WIDTH / 2, start + 1), (WIDTH / 2, stop - 1), arrowstyle="-|>", color=GREY)
        line.set(mutation_scale=8, linewidth=1)
        self._axes.add_patch(line)
        label = f"{given}  ⇢  {taken}" if given != taken else given if shown else ""
        self.text(WIDTH / 2 + 10, (start + stop) / 2, label, size=8.5)

    def _sheet(self, left: float, y: float, depth: int, height: float, fill: str) -> None:
        wide = WIDTH - 2 * (MARGIN + depth * INDENT)
        sheet = FancyBboxPatch((left, y), wide, height, boxstyle="round,pad=0,rounding_size=5")
        sheet.set(facecolor=fill, edgecolor=LINE, linewidth=0.8)
        self._axes.add_patch(sheet)
