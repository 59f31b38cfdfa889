"""All forms by name; unknown names; nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from etude import files
from etude.errors import EtudeError
from etude.files import atomic_write
from etude.music import Piece
from etude.rendering.forms import FORMS, write_forms

PIECE = Piece.from_notes([(0, 1, 60), (1, 1, 64), (2, 2, 67)], title="Three notes")
BEGINNINGS = {
    "midi": b"MThd",
    "musicxml": b"<?xml",
    "abc": b"%abc",
    "wav": b"RIFF",
    "ogg": b"OggS",
    "flac": b"fLaC",
    "mp3": (b"\xff\xfb", b"\xff\xf3", b"ID3"),
    "score": b"<svg",
    "score_png": b"\x89PNG",
    "roll": b"\x89PNG",
}
INSTALLED = [form for form in FORMS if form != "score_pdf"]  # which needs Typst


def test_every_form_is_written_beside_the_stem(tmp_path: Path) -> None:
    """The stem may have dots, and its folder need not exist."""
    paths = write_forms(PIECE, tmp_path / "new" / "erk.1-5", INSTALLED)
    suffixes = [".mid", ".musicxml", ".abc", ".wav", ".ogg", ".flac", ".mp3", ".svg", ".score.png", ".png"]
    assert [path.name for path in paths] == [f"erk.1-5{suffix}" for suffix in suffixes]
    for form, path in zip(INSTALLED, paths, strict=True):
        assert path.read_bytes().startswith(BEGINNINGS[form])
    assert sorted(tmp_path.joinpath("new").iterdir()) == sorted(paths)  # no temporary file is left


@pytest.mark.parametrize(("name", "near"), [("mid", "midi"), ("MusicXML", "musicxml"), ("scores", "score")])
def test_an_unknown_form_names_the_known_ones_and_the_nearest(tmp_path: Path, name: str, near: str) -> None:
    with pytest.raises(EtudeError) as caught:
        write_forms(PIECE, tmp_path / "a", ["midi", name])
    forms = "midi, musicxml, abc, wav, ogg, flac, mp3, score, score_png, score_pdf, roll"
    assert str(caught.value) == f"there is no form {name!r}; the forms are {forms}; did you mean {near}?"
    assert not list(tmp_path.iterdir())


def test_a_name_like_none_of_them_has_no_suggestion(tmp_path: Path) -> None:
    with pytest.raises(EtudeError, match=r"roll$"):
        write_forms(PIECE, tmp_path / "a", ["qqq"])


def test_the_primer_is_passed_to_the_piano_roll(tmp_path: Path) -> None:
    (plain,) = write_forms(PIECE, tmp_path / "a", ["roll"])
    (marked,) = write_forms(PIECE, tmp_path / "b", ["roll"], primer_quarters=2)
    assert plain.read_bytes() != marked.read_bytes()


def test_slow_libraries_are_imported_at_first_use(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from etude.music import Piece; from etude.rendering.forms import write_forms\n"
        f"write_forms(Piece.from_notes([(0, 1, 60)]), Path({str(tmp_path / 'a')!r}), ['musicxml', 'abc'])\n"
        "slow = {'music21', 'verovio', 'matplotlib', 'symusic', 'midirenderer', 'pretty_midi', 'torch'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    atomic_write(path, b"old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_replaces_the_file_and_keeps_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    mode = path.stat().st_mode
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == mode
