"""PDF: a piece as a printed score on A4 pages, engraved by Verovio and set by Typst."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from etude.errors import EtudeError
from etude.music.piece import Piece
from etude.rendering.engraving import TEXT_FONT, printed_pages

PAGE = '#page(paper: "a4", margin: 0mm, image("{name}", width: 100%))'


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
            lines.append(PAGE.format(name=name))
        document.write_text("\n".join(lines), encoding="utf-8")
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        return bytes(
            typst.compile(str(document), font_paths=[str(fonts)], ignore_system_fonts=True, timestamp=0)
        )
