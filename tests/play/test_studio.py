"""Music of `etude play`: its command generates the same music, its faults are one sentence."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from etude.api import sampling_settings
from etude.cli import main
from etude.config.fields import to_plain
from etude.errors import EtudeError
from etude.formats.any_file import read_piece
from etude.models.pretrained import pretrained
from etude.play.controls import FIRST, MORE, SLIDERS, control
from etude.play.studio import TUNE, Studio

RUN = "pretrained/erk"
TUNE_IN_3 = "T:Waltz\nM:3/4\nL:1/4\nK:G\nG2 B | d2 B | G A B |"


@pytest.fixture(scope="module")
def base() -> dict[str, Any]:
    return to_plain(sampling_settings(num_samples=1, forms=["midi"], max_tokens=64))


@pytest.fixture(scope="module")
def studio(base: dict[str, Any]) -> Studio:
    return Studio(base)


def command_on(page: str) -> list[str]:
    found = re.search(r"<code>(etude sample .*?)</code>", page, re.DOTALL)
    assert found is not None
    return shlex.split(html.unescape(found[1]))


def notes_on(page: str) -> Any:
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])["notes"]


@pytest.mark.parametrize(
    ("changes", "upload"),
    [
        ({"temperature": 1.1, "top_k": 5, "seed": 3}, False),
        ({"primer": "C4 D4 E4", "metre": "3/4"}, False),
        ({"primer": TUNE_IN_3}, False),
        ({"primer_notes": 4}, True),
    ],
    ids=["filters", "notes", "tune", "file"],
)
def test_the_command_generates_the_music_that_is_shown(
    studio: Studio, changes: dict[str, Any], upload: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "own tune.abc"
    file.write_text("X:1\nM:2/4\nL:1/4\nK:C\nC E | G c | G E | C2 |\n")
    music = studio.generate(RUN, changes, file if upload else None)
    if music.tune is not None:
        (tmp_path / TUNE).write_text(music.tune)
    words = command_on(music.page)
    assert words[:3] == ["etude", "sample", f"run={RUN}"]
    assert main([*words[1:], "sampling.forms=[midi]", "samples_dir=again"]) == 0
    [folder] = (tmp_path / "again").iterdir()
    piece = read_piece(folder / "sample-1.mid")
    assert [pitch for _, _, pitch, _ in notes_on(music.page)] == piece.pitch.tolist()
    again = command_on((folder / "report.html").read_text())
    assert not any(word.startswith("sampling.primer_file=/") for word in words)
    assert set(words) - {"sampling.forms=[midi]"} <= set(again)


def test_the_command_names_a_primer_file_of_the_command_line(base: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "own.abc"
    file.write_text("X:1\nM:2/4\nL:1/4\nK:C\nC E | G c |\n")
    words = command_on(Studio({**base, "primer_file": str(file)}).generate(RUN, {}).page)
    assert f"sampling.primer_file={file}" in words


def test_a_tune_keeps_its_metre(studio: Studio) -> None:
    music = studio.generate(RUN, {"primer": TUNE_IN_3})
    assert music.tune == f"X:1\n{TUNE_IN_3}\n"
    assert "3/4" in music.page


@pytest.mark.parametrize(
    ("run", "changes", "why"),
    [
        ("pretrained/none", {}, "there is no pretrained/none"),
        (RUN, {"temperature": -1.0}, "temperature"),
        (RUN, {"primer": "H9"}, "H9"),
        (RUN, {"instrument": "kazoo"}, "kazoo"),
    ],
)
def test_what_is_not_possible_is_said(studio: Studio, run: str, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(EtudeError, match=why):
        studio.generate(run, changes)


def test_a_run_that_was_trained_on_is_opened_again(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(pretrained(RUN).read_bytes())
    first = studio._open(str(file))[1]
    assert studio._open(str(file))[1] is first
    os.utime(file, (1, 1))
    assert studio._open(str(file))[1] is not first


@pytest.mark.parametrize("name", [*FIRST, *MORE])
def test_a_control_shows_a_setting_and_gives_it_back(base: dict[str, Any], name: str) -> None:
    shown = control(name, base)
    assert shown.setting(shown.value) == base[name]
    assert "null" not in shown.meaning
    if name in SLIDERS:
        low, high, _ = shown.limits
        assert low <= shown.value <= high
        assert sampling_settings(**{name: shown.setting(low), "num_samples": 1})
        assert sampling_settings(**{name: shown.setting(high), "num_samples": 1})
