"""Engraving: a piece as a printed score, on one tall page as SVG or PNG, on A4 pages as PDF."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from etude.errors import EtudeError
from etude.formats.musicxml.writer import musicxml_bytes
from etude.music.excerpt import first_quarters
from etude.music.piece import Piece
from etude.notation.bars import bars_of

if TYPE_CHECKING:
    import verovio

OPTIONS = {
    "pageWidth": 2000,  # tenths of a millimetre, as the other lengths
    "pageHeight": 60000,  # the maximum; adjustPageHeight cuts it to the music
    "adjustPageHeight": True,
    "pageMarginTop": 60,
    "pageMarginBottom": 60,
    "pageMarginLeft": 60,
    "pageMarginRight": 60,
    "scale": 50,  # percent
    "footer": "none",
    "svgViewBox": True,
    "svgFormatRaw": True,
}
A4 = {"pageWidth": 2100, "pageHeight": 2970, "adjustPageHeight": False, "scale": 40, "svgViewBox": True}
PLAYED_WIDTH = 1300  # of a score on a page, as pageWidth: two columns, or a phone
MUSIC_FONT = "Leipzig"
TEXT_FONT = "DejaVu Serif"
PICTURE_WIDTH = 1600  # pixels
PICTURE_BARS = 96  # about ten screens of piano music
UNITS_PER_EM = 1000
TYPST_PAGE = '#page(paper: "a4", margin: 0mm, image("{name}", width: 100%))'

_CHOIR = "<part-symbol>bracket</part-symbol>"
_VIEW_BOX = re.compile(r'viewBox="0 0 (\d+) (\d+)"')
# Every group has an identifier for scripts. Only those with a hyphen, of the symbols, are referred to.
_UNUSED_ID = re.compile(r'(<(?:g|tspan|text)) id="([a-z0-9]+)"')
_SYMBOL_ID = re.compile(r'(<g id="|xlink:href="#)(?=\w+-\w+")')
_TEXT = re.compile(r'<text x="(\d+)" y="(\d+)"([^>]*)>(.*?)</text>', re.DOTALL)
_MUSIC_IN_TEXT = re.compile(rf'<tspan font-family="{MUSIC_FONT}" font-size="(\d+)px">(.*?)</tspan>')
_FONT_FACE = re.compile(r'<style type="text/css">@font-face.*?</style>', re.DOTALL)


def score_svg(piece: Piece) -> str:
    """Return the piece engraved by Verovio as one SVG page; EtudeError if Verovio cannot load it.

    Music symbols are paths, so the page needs no font and looks the same everywhere.
    """
    toolkit = _loaded(musicxml_bytes(piece).decode(), repr(piece))
    return _stacked([_UNUSED_ID.sub(r"\1", page) for page in _pages(toolkit)])


def timed_score_svg(musicxml: str, prefix: str) -> str:
    """Return MusicXML engraved as by ``score_svg``, for a page that plays it.

    The group of each note has its onset in seconds as ``data-on``. ``prefix`` begins the identifiers, so that
    several scores can share a page. EtudeError if Verovio cannot load it.
    """
    toolkit = _loaded(musicxml, "the score", pageWidth=PLAYED_WIDTH)
    onsets = {
        note: event["tstamp"] / 1000 for event in toolkit.renderToTimemap() for note in event.get("on", ())
    }

    def timed(group: re.Match[str]) -> str:
        onset = onsets.get(group[2])
        return group[1] if onset is None else f'{group[1]} data-on="{onset:.3f}"'

    return _stacked([_SYMBOL_ID.sub(rf"\1{prefix}", _UNUSED_ID.sub(timed, page)) for page in _pages(toolkit)])


def inline_score_svg(piece: Piece, prefix: str) -> str:
    """Return the piece engraved without a title, for a page of several scores; ``prefix`` as above."""
    options = {"pageWidth": PLAYED_WIDTH, "header": "none", "pageMarginTop": 20, "pageMarginBottom": 20}
    toolkit = _loaded(musicxml_bytes(piece).decode(), repr(piece), **options)
    return _stacked([_SYMBOL_ID.sub(rf"\1{prefix}", _UNUSED_ID.sub(r"\1", page)) for page in _pages(toolkit)])


def printed_pages(piece: Piece) -> list[str]:
    """Return the piece engraved on A4 pages, each an SVG picture; EtudeError if Verovio cannot load it."""
    margins = dict.fromkeys(("pageMarginTop", "pageMarginBottom", "pageMarginLeft", "pageMarginRight"), 150)
    toolkit = _loaded(musicxml_bytes(piece).decode(), repr(piece), **A4, **margins)
    fonts = 'font-family="Times, serif"', f'font-family="{TEXT_FONT}"'
    return [page.replace(*fonts) for page in _pages(toolkit)]


def _loaded(musicxml: str, name: str, **options: Any) -> verovio.toolkit:
    import verovio

    toolkit = verovio.toolkit(False)
    # Only the thread that imported Verovio knows where its fonts are.
    toolkit.setResourcePath(str(_resources()))
    toolkit.setOptions({**OPTIONS, **options})
    toolkit.resetXmlIdSeed(1)  # the same piece gives the same bytes
    if not toolkit.loadData(musicxml):
        raise EtudeError(f"{name} could not be engraved: {toolkit.getLog().strip()}")
    if _CHOIR in musicxml:  # Verovio joins the staves of any part by a brace
        toolkit.loadData(toolkit.getMEI().replace('symbol="brace"', 'symbol="bracket"'))
    return toolkit


def _pages(toolkit: verovio.toolkit) -> list[str]:
    return [_without_font(toolkit.renderToSVG(number)) for number in range(1, toolkit.getPageCount() + 1)]


def score_png(piece: Piece) -> bytes:
    """Return the piece engraved as one PNG picture, cut after PICTURE_BARS bars.

    The title of a picture that is cut says so. Text is set in a font of matplotlib's, so the picture is the
    same on every machine.
    """
    import matplotlib
    import resvg_py

    svg = score_svg(_beginning(piece))
    picture: bytes = resvg_py.svg_to_bytes(
        svg_string=svg,
        background="white",
        width=PICTURE_WIDTH,
        skip_system_fonts=True,
        font_dirs=[str(Path(matplotlib.get_data_path()) / "fonts" / "ttf")],
        font_family=TEXT_FONT,
        serif_family=TEXT_FONT,
    )
    return bytes(picture)


def score_pdf(piece: Piece) -> bytes:
    """Return the piece engraved on A4 pages as a PDF file, the same bytes for the same piece.

    Symbols and staves are paths, and text is text. EtudeError if Typst is not installed.
    """
    try:
        import matplotlib
        import typst
    except ImportError as error:
        raise EtudeError("sampling.forms=[score_pdf] needs Typst: type pip install typst") from error
    with TemporaryDirectory() as folder:
        document = Path(folder) / "score.typ"
        lines = [f'#set text(font: "{TEXT_FONT}")']
        for number, page in enumerate(printed_pages(piece), start=1):
            name = f"page-{number}.svg"
            (document.parent / name).write_text(page, encoding="utf-8")
            lines.append(TYPST_PAGE.format(name=name))
        document.write_text("\n".join(lines), encoding="utf-8")
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        return bytes(
            typst.compile(str(document), font_paths=[str(fonts)], ignore_system_fonts=True, timestamp=0)
        )


def _beginning(piece: Piece) -> Piece:
    bars = bars_of(piece)
    if len(bars) <= PICTURE_BARS:
        return piece
    title = f"{piece.title or piece.name} (bars 1 to {bars[PICTURE_BARS - 1].number} of {bars[-1].number})"
    return dataclasses.replace(first_quarters(piece, bars[PICTURE_BARS].start), title=title.strip())


def _stacked(pages: list[str]) -> str:
    """Return the pages of very long music, one below the other, as one picture."""
    if len(pages) == 1:
        return pages[0]
    placed: list[str] = []
    width = top = 0
    for page in pages:
        match = _VIEW_BOX.search(page)
        if match is None:
            raise EtudeError("Verovio's page has no viewBox; this version of Verovio is not supported")
        width, height = int(match[1]), int(match[2])
        placed.append(page.replace("<svg", f'<svg y="{top}" width="{width}" height="{height}"', 1))
        top += height
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}">'
    return opening + "".join(placed) + "</svg>"


def _without_font(page: str) -> str:
    """Draw the notes of tempo marks as paths and remove the embedded font if nothing else needs it.

    The font has 58 kB, several times the size of a melody's score.
    """
    page = _TEXT.sub(_with_drawn_notes, page)
    return page if f'font-family="{MUSIC_FONT}"' in page else _FONT_FACE.sub("", page)


def _with_drawn_notes(text: re.Match[str]) -> str:
    x, y = int(text[1]), int(text[2])
    drawn: list[str] = []
    for run in _MUSIC_IN_TEXT.finditer(text[4]):
        scale = int(run[1]) / UNITS_PER_EM
        for sign in run[2]:
            path, advance = _glyph(f"{ord(sign):04X}")
            if path:  # the sign may be a space
                drawn.append(f'<g transform="translate({x},{y}) scale({scale:g})">{path}</g>')
            x += round(advance * scale)
    if not drawn:
        return text[0]
    return f'{"".join(drawn)}<text x="{x}" y="{y}"{text[3]}>{_MUSIC_IN_TEXT.sub("", text[4])}</text>'


def _resources() -> Path:
    """Return the folder of Verovio's fonts."""
    import verovio

    return Path(verovio.__file__).parent / "data"


@cache
def _glyph(code: str) -> tuple[str, float]:
    """Return a glyph of the music font as an SVG path, and its advance width in font units."""
    data = _resources()
    outline = re.search(r"<path.*?/>", (data / MUSIC_FONT / f"{code}.xml").read_text())
    metrics = re.search(rf'c="{code}"[^>]*h-a-x="([\d.]+)"', (data / f"{MUSIC_FONT}.xml").read_text())
    return (outline[0] if outline else ""), (float(metrics[1]) if metrics else 0.0)
