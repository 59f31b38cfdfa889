"""Engraving: a piece as a printed score, one SVG page as tall as the music."""

from __future__ import annotations

from pathlib import Path

from etude.errors import EtudeError
from etude.files import atomic_write
from etude.scores.musicxml import musicxml_bytes
from etude.scores.piece import Piece

OPTIONS = {
    "pageWidth": 2000,  # tenths of a millimetre, as are the other lengths
    "pageHeight": 60000,  # the most there is; cut to the music by adjustPageHeight
    "adjustPageHeight": True,
    "pageMarginTop": 60,
    "pageMarginBottom": 60,
    "pageMarginLeft": 60,
    "pageMarginRight": 60,
    "scale": 50,  # percent
    "footer": "none",
    "breaks": "auto",
    "svgViewBox": True,
    "smuflTextFont": "embedded",
    "xmlIdSeed": 1,
}


def score_svg(piece: Piece) -> str:
    """Return the piece engraved by Verovio as one SVG page; EtudeError if Verovio cannot load it."""
    import verovio

    toolkit = verovio.toolkit()
    toolkit.setOptions(OPTIONS)
    toolkit.resetXmlIdSeed(1)
    if not toolkit.loadData(musicxml_bytes(piece).decode()):
        raise EtudeError(f"{piece!r} could not be engraved: {toolkit.getLog().strip()}")
    return str(toolkit.renderToSVG(1))


def write_score(piece: Piece, path: Path) -> None:
    """Write the piece as an engraved score, an SVG page as tall as the music (see ``score_svg``)."""
    atomic_write(path, score_svg(piece).encode())
