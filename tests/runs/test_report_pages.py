"""report.html at the end of a verb: written beside the files, named last, and never a failure."""

from pathlib import Path

import pytest

from etude.commands.report_pages import open_run_page, open_samples_page
from etude.runs.checksums import damage, write_checksums
from etude.runs.folder import RunFolder
from made_up_reports import write_samples_folder
from run_folders import made_up


def test_the_page_of_samples_is_beside_them_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_samples_folder(tmp_path)
    open_samples_page(tmp_path)
    assert (tmp_path / "report.html").read_text().count('class="card"') == 2
    assert "Open " in capsys.readouterr().out


def test_a_page_that_cannot_be_made_is_a_remark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made_up(tmp_path)  # its results are incomplete
    open_run_page(RunFolder(run.path))
    assert not (run.path / "report.html").exists()
    assert "report.html could not be written" in " ".join(capsys.readouterr().out.split())


def test_a_page_made_anew_is_no_damage_and_a_new_attempt_removes_it(tmp_path: Path) -> None:
    run = RunFolder(made_up(tmp_path).path)
    run.report.write_text("one")
    write_checksums(run.path)
    run.report.write_text("another")
    assert damage(run.path) == []
    run.clear()
    assert not run.report.exists()
