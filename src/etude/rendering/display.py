"""Display of a piece in a notebook, or as files for a terminal."""

from __future__ import annotations

import base64
import html
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etude.music.piece import Piece

SHOWN_FORMS = ("score", "wav", "midi")  # written beside the page in a terminal
MOST_NOTES = 4000  # a longer piece is shown without its score
MOST_SECONDS = 300  # a longer piece is shown without its sound


def piece_html(piece: Piece) -> str:
    """Return the piece as self-contained HTML: its score and an audio player.

    A very long piece has only title and size (see MOST_NOTES and MOST_SECONDS).
    """
    from etude.music.timing import seconds_at
    from etude.rendering.audio import wav_bytes
    from etude.rendering.engraving import score_svg

    parts = [f'<p style="margin:0 0 4px">{html.escape(repr(piece))}</p>']
    if len(piece) <= MOST_NOTES:
        parts.append(f'<div style="background:white;max-width:900px">{score_svg(piece)}</div>')
    if float(seconds_at(piece, piece.length)) <= MOST_SECONDS:
        sound = base64.b64encode(wav_bytes(piece)).decode()
        parts.append(f'<audio controls src="data:audio/wav;base64,{sound}"></audio>')
    return f"<div>{''.join(parts)}</div>"


def show(piece: Piece) -> Path | None:
    """Display the piece in a notebook; elsewhere write its score and sound to a new folder.

    Prints and returns the folder; returns None in a notebook.
    """
    if _is_notebook():
        from IPython.display import HTML, display

        display(HTML(piece_html(piece)))
        return None
    from etude.rendering.forms import write_forms

    folder = Path(tempfile.mkdtemp(prefix="etude-"))
    write_forms(piece, folder / "piece", SHOWN_FORMS)
    page = folder / "piece.html"
    page.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(piece.title or 'Piece')}</title>{piece_html(piece)}",
        encoding="utf-8",
    )
    print(f"{piece!r}: open {page}")
    return folder


def _is_notebook() -> bool:
    """Return whether a kernel that can display HTML runs this code; IPython in a terminal cannot."""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"
