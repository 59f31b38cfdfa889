"""A score as PDF: A4 pages, the same bytes each time; without Typst a sentence."""

import re
import sys
from pathlib import Path

import pytest

from etude.errors import EtudeError
from etude.music import Piece
from etude.rendering.forms import write_forms

SHORT = Piece.from_notes([(0, 1, 60), (1, 1, 64)], title='A & B <i>"')
LONG = Piece.from_notes([(n, 1, 60 + n % 12) for n in range(400)])


def test_long_music_has_several_pages_of_a4(tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="score_pdf needs Typst: pip install typst")
    short, again, long = (
        write_forms(piece, tmp_path / str(number), ["score_pdf"])[0].read_bytes()
        for number, piece in enumerate((SHORT, SHORT, LONG))
    )
    assert short == again
    assert short.startswith(b"%PDF")
    pages = [len(re.findall(rb"/Type ?/Page\b", pdf)) for pdf in (short, long)]
    assert pages[0] == 1 < pages[1]
    assert set(re.findall(rb"/MediaBox ?\[0 0 (\d+)\.\d+ (\d+)\.\d+\]", long)) == {(b"595", b"841")}


def test_without_typst_a_sentence_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(EtudeError, match="needs Typst: type pip install typst"):
        write_forms(SHORT, tmp_path / "a", ["score_pdf"])
