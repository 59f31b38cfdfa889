"""Piano roll of a piece, as PNG and as SVG: time from left to right, pitch from bottom to top."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from etude.music.piece import Piece
from etude.music.piece_limits import check_size, short_title
from etude.music.spelling import pitch_name
from etude.music.timing import seconds_at
from etude.notation.bars import Bar, bars_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTE_COLOUR = (0.11, 0.29, 0.53)
PRIMER_COLOUR = (0.76, 0.38, 0.08)
BLACK_KEY_GROUND = "#f0f1f4"
BLACK_KEYS = {1, 3, 6, 8, 10}  # pitch classes
INCHES_PER_QUARTER = 0.2
WIDTH_INCHES = (6.0, 40.0)  # least and most
INCHES_PER_PITCH = 0.11
LEAST_PITCHES = 18  # shown at least
DOTS_PER_INCH = 110
MOST_BAR_LABELS = 40
MOST_TITLE = 80  # characters
SECOND, ROW = 40, 5  # units of the SVG a second and a pitch


def roll_png(piece: Piece, *, primer_quarters: Fraction | float | None = None) -> bytes:
    """Return the piece as a piano roll, a PNG picture.

    The x axis counts bars, or quarter notes if the piece has no metre; the y axis names pitches (C4 is middle
    C); louder notes are darker. ``primer_quarters`` marks the primer.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_size(piece)
    low, high = pitch_range(piece)
    bars = bars_of(piece)
    end = max(bars[-1].end, piece.quarters) if piece.metres else max(piece.quarters, Fraction(1))
    width = min(max(float(end) * INCHES_PER_QUARTER, WIDTH_INCHES[0]), WIDTH_INCHES[1])
    figure = Figure(figsize=(width, 1.2 + (high - low + 1) * INCHES_PER_PITCH), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlim(0, float(end))
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.spines[["top", "right"]].set_visible(False)
    _draw_keyboard(axes, low, high)
    _draw_time(axes, bars if piece.metres else None, end)
    _draw_notes(axes, piece, primer_quarters)
    if primer_quarters:
        axes.axvspan(0, float(primer_quarters), color=PRIMER_COLOUR, alpha=0.14, zorder=0.6, linewidth=0)
        axes.axvline(float(primer_quarters), color=PRIMER_COLOUR, linewidth=1.2, zorder=4)
        axes.annotate(
            "primer",
            (float(primer_quarters), high + 0.5),
            (-3, 3),
            textcoords="offset points",
            ha="right",
            color=PRIMER_COLOUR,
            fontsize=9,
        )
    if piece.title:
        # A $ begins a formula.
        axes.set_title(
            short_title(piece.title, MOST_TITLE).replace("$", r"\$"), loc="left", fontsize=11, pad=14
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()


def pitch_range(piece: Piece) -> tuple[int, int]:
    """Return the lowest and highest pitch shown: those used and a margin, at least LEAST_PITCHES."""
    low, high = (int(piece.pitch.min()), int(piece.pitch.max())) if len(piece) else (60, 60)
    missing = max(0, LEAST_PITCHES - 4 - (high - low + 1))
    return low - 2 - missing // 2, high + 2 + (missing + 1) // 2


def _draw_keyboard(axes: Axes, low: int, high: int) -> None:
    """Shade the rows of black keys and label the Cs, or also E and G if there is room."""
    shown = range(low, high + 1)
    for pitch in shown:
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=BLACK_KEY_GROUND, zorder=0.5, linewidth=0)
        elif pitch % 12 in {0, 5}:  # no black key between B and C, nor between E and F
            axes.axhline(pitch - 0.5, color="#d8dae0", linewidth=0.6, zorder=0.7)
    named = {0} if len(shown) > 40 else {0, 4, 7}
    ticks = [pitch for pitch in shown if pitch % 12 in named and 0 <= pitch <= 127]
    axes.set_yticks(ticks, [pitch_name(pitch) for pitch in ticks], fontsize=8)
    axes.tick_params(length=0)


def _draw_time(axes: Axes, bars: Sequence[Bar] | None, end: Fraction) -> None:
    """Draw and number the bar lines, or every fourth quarter note if there are no bars."""
    if bars is None:
        step = max(4, math.ceil(float(end) / MOST_BAR_LABELS / 4) * 4)
        places = [(float(quarter), str(quarter)) for quarter in range(0, math.ceil(end) + 1, step)]
        axes.set_xlabel("quarter notes", fontsize=9)
    else:
        step = math.ceil(len(bars) / MOST_BAR_LABELS)
        places = [
            (float(bar.start), str(bar.number)) for bar in bars if bar.number and not (bar.number - 1) % step
        ]
        for bar in bars:
            axes.axvline(float(bar.start), color="#c3c6cf", linewidth=0.7, zorder=1)
        axes.set_xlabel("bars", fontsize=9)
    axes.set_xticks([place for place, _ in places], [label for _, label in places], fontsize=8)


def _draw_notes(axes: Axes, piece: Piece, primer_quarters: Fraction | float | None) -> None:
    """Draw a rectangle for each note, darker if louder, in another colour for the primer."""
    from matplotlib.collections import PolyCollection

    onset, duration = piece.onset / piece.division, piece.duration / piece.division
    gap = np.minimum(0.06, duration * 0.12)  # between repeated notes
    left, right = onset, onset + duration - gap
    bottom, top = piece.pitch - 0.42, piece.pitch + 0.42
    corners = np.stack(
        [np.stack([x, y], axis=-1) for x, y in ((left, bottom), (left, top), (right, top), (right, bottom))],
        axis=1,
    )  # (n, 4, 2)
    is_primer = onset < float(primer_quarters or 0)
    colours = np.where(is_primer[:, None], PRIMER_COLOUR, NOTE_COLOUR)  # (n, 3)
    strength = 0.3 + 0.7 * np.clip(piece.velocity, 1, 127)[:, None] / 127
    shades = 1 - strength * (1 - colours)
    axes.add_collection(PolyCollection(list(corners), facecolors=shades, linewidths=0, zorder=3))


def roll_svg(piece: Piece, *, primer_quarters: Fraction | float = 0) -> str:
    """Return the piece as a piano roll over seconds; classes name the parts, the page's style colours them.

    Each note has its onset and end in seconds as ``data-on`` and ``data-off``. The page stretches the picture
    to its own size.
    """
    low, high = pitch_range(piece)
    width, height = page_seconds(piece) * SECOND, (high - low + 1) * ROW
    parts = [f'<svg class="roll" viewBox="0 0 {width:.1f} {height}" preserveAspectRatio="none">']
    parts += [
        f'<rect class="black" y="{(high - pitch) * ROW}" width="{width:.1f}" height="{ROW}"/>'
        for pitch in range(low, high + 1)
        if pitch % 12 in BLACK_KEYS
    ]
    primer_end = float(seconds_at(piece, float(primer_quarters) * piece.division))
    if primer_end:
        parts.append(f'<rect class="primed" width="{primer_end * SECOND:.1f}" height="{height}"/>')
    for bar in bars_of(piece) if piece.metres else ():
        x = float(seconds_at(piece, float(bar.start) * piece.division)) * SECOND
        parts.append(f'<path class="bar" d="M{x:.1f} 0V{height}"/>')
    for onset, end, pitch, velocity in played_notes(piece):
        primer = " primer" if onset < primer_end - 1e-6 else ""
        parts.append(
            f'<rect class="key{primer}" data-on="{onset:.3f}" data-off="{end:.3f}" x="{onset * SECOND:.1f}" '
            f'y="{(high - pitch) * ROW + 0.4:.1f}" width="{max((end - onset) * SECOND - 0.8, 1):.1f}" '
            f'height="{ROW - 0.8:.1f}" opacity="{0.45 + 0.55 * velocity / 127:.2f}"/>'
        )
    parts.append(f'<path class="cursor" d="M0 0V{height}"/></svg>')
    return "".join(parts)


def page_seconds(piece: Piece) -> float:
    """Return the length of the piece in seconds, a second at least."""
    return max(float(seconds_at(piece, piece.length)), 1.0)


def played_notes(piece: Piece) -> list[tuple[float, float, int, int]]:
    """Return (onset, end, pitch, velocity) of each note; times in seconds."""
    onsets = seconds_at(piece, piece.onset).tolist()
    ends = seconds_at(piece, piece.onset + piece.duration).tolist()
    return list(zip(onsets, ends, piece.pitch.tolist(), piece.velocity.tolist(), strict=True))
