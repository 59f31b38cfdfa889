"""The page of a run without a browser: self-contained, small, and true to the run's files."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest

from etude.reports.run_page import run_page
from etude.reports.sample_cards import Room
from made_up_reports import run_content, write_samples_folder

# as in the npm packages uplot 1.6.32 and sortable-tablesort 4.1.7
VENDORED = {
    "sortable.LICENSE": "88d9b4eb60579c191ec391ca04c16130572d7eedc4a86daa58bf28c6e14c9bcd",
    "sortable.a11y.min.js": "f22f8df7644643acbeb79cd3518a9dffde198d77efa17aa3eb38154bae4eaa65",
    "sortable.min.js": "a887cf42ad5b69673364c529afe8500b31dfbe3e78c2e623bee6430fc69b990f",
    "uPlot.LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


def test_the_libraries_are_those_of_the_named_packages() -> None:
    folder = files("etude.reports") / "vendor"
    found = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}
    assert found == VENDORED


def test_the_page_needs_no_other_file_and_is_small(tmp_path: Path) -> None:
    write_samples_folder(tmp_path / "after", 5)
    page = run_page("RUN", run_content(), tmp_path)
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', re.sub(r"<svg.*?</svg>", "", page))
    assert "url(" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert len(page) < 500_000


def test_a_run_without_samples_has_a_page(tmp_path: Path) -> None:
    page = run_page("RUN", run_content(), tmp_path)
    assert "The run has no samples." in page
    assert "etude train label=erk" in page
    assert "0.784" in page
    assert "commit 49e7fae8c7, without changes" in page


def test_samples_of_six_epochs_are_shown_in_their_order(tmp_path: Path) -> None:
    for epoch in range(1, 14):
        write_samples_folder(tmp_path / f"epoch-{epoch}", 2)
    write_samples_folder(tmp_path / "after", 2)
    page = run_page("RUN", run_content(), tmp_path)
    headings = re.findall(r"(Epoch \d+): Sample (\d)</h3>", page)
    assert headings == [(f"Epoch {epoch}", "1") for epoch in (1, 4, 7, 10, 13)]


def test_a_copy_is_shown_as_both_melodies_beside_what_people_share(tmp_path: Path) -> None:
    write_samples_folder(tmp_path / "after", 1)
    page = run_page("RUN", run_content(), tmp_path)
    assert "Copied? 4 of 12 notes in a row as in Ein Lied (erk1.abc X:7)" in page
    assert [each in page for each in ("Sample 1, from note 3", "(erk1.abc X:7), from note 9")] == [True] * 2
    [copy] = re.findall(r'<details class="shared">.*?</details>', page, flags=re.DOTALL)
    assert copy.count('class="notehead"') == 8
    assert "30 held-out pieces share a run of 7 notes" in page


def test_each_word_of_the_tables_is_explained_once() -> None:
    page = run_page("RUN", run_content(), Path("nowhere"))
    asked = set(re.findall(r'popovertarget="([^"]+)"', page))
    explained = re.findall(r'<div popover id="([^"]+)"', page)
    assert len(set(explained)) == len(explained)
    assert asked <= set(explained)
    assert {"term-nats-per-token", "term-accuracy", "term-n-gram", "term-onset-nats"} <= asked


def test_a_page_has_as_many_scores_as_keep_it_small_those_after_training_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("before", "epoch-1", "after"):
        write_samples_folder(tmp_path / name, 2)
    monkeypatch.setattr(Room.__init__, "__defaults__", (3 * 12,))
    page = run_page("RUN", run_content(), tmp_path)
    cards = dict(re.findall(r"""<h3 id="[^"]+">([^<]+)</h3>(.*?)</article>""", page, flags=re.DOTALL))
    scores = {name for name, card in cards.items() if 'class="score"' in card}
    assert scores == {"After training: Sample 1", "After training: Sample 2", "Before training: Sample 1"}
    assert {name for name, card in cards.items() if "its score is in the folder" not in card} == scores
    assert {name for name, card in cards.items() if ">MusicXML<" in card} == scores
    assert all(">MIDI<" in card for card in cards.values())
