"""Piano roll as SVG: the picture that follows the sound on a page."""

from __future__ import annotations

from fractions import Fraction

from etude.music.piece import Piece
from etude.music.timing import seconds_at
from etude.notation.bars import bars_of
from etude.rendering.piano_roll import BLACK_KEYS, pitch_range

SECOND, ROW = 40, 5  # units a second and a pitch


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
