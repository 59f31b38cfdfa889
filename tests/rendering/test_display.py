"""A piece shows itself: a page that needs nothing else, in a notebook or in a folder."""

from __future__ import annotations

import base64
import io
import re
import sys
import types
import wave
import xml.etree.ElementTree as ET

import pytest

from etude.music import Piece
from etude.rendering import display

PIECE = Piece.from_notes([(0, 1, 60), (1, 1, 64)], title="<Two> notes", tempos=[(0, 240.0)])


def test_a_notebook_gets_the_score_and_the_sound_in_one() -> None:
    page = ET.fromstring(PIECE._repr_html_().replace("<audio controls ", "<audio ").replace("&nbsp;", " "))
    classes = [element.get("class") for element in page.iter()]
    assert classes.count("note") == 2
    (player,) = page.iter("audio")
    kind, _, data = (player.get("src") or "").partition(",")
    assert kind == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(data))) as sound:
        assert sound.getnframes() > 0.5 * sound.getframerate()


def test_a_very_long_piece_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "MOST_NOTES", 1)
    monkeypatch.setattr(display, "MOST_SECONDS", 0.1)
    text = PIECE._repr_html_()
    assert "&lt;Two&gt; notes" in text
    assert "<svg" not in text
    assert "<audio" not in text


def test_elsewhere_files_are_written_and_their_folder_is_printed(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(display.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    assert PIECE.show() == tmp_path
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["piece.html", "piece.mid", "piece.svg", "piece.wav"]
    assert str(tmp_path / "piece.html") in capsys.readouterr().out
    assert re.search(r"<title>&lt;Two&gt; notes</title>", (tmp_path / "piece.html").read_text("utf-8"))


@pytest.mark.parametrize(
    ("shell", "expected"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False)]
)
def test_a_notebook_is_distinguished_from_a_terminal(
    monkeypatch: pytest.MonkeyPatch, shell: str, expected: bool
) -> None:
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = type(shell, (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert display._is_notebook() is expected
