"""The page of samples: statistics, links to existing files, and no text that becomes markup."""

import re
from pathlib import Path

from etude.evaluation.statistics import SampleStatistics
from etude.reports.samples_page import Setting, write_page

EVIL = "<script>alert('&\"1\"')</script>"


def written(tmp_path: Path, *settings: Setting) -> str:
    write_page(settings, tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def test_a_page_links_to_the_files_that_are_there_by_relative_quoted_paths(tmp_path: Path) -> None:
    folder = tmp_path / "a #1 & 100%"
    folder.mkdir()
    for name in ("sample-1.svg", "sample-1.wav"):
        (folder / name).touch()
    row = SampleStatistics(1, 16, 4, 60, 66, 0.25, 2.0, 0.5, False, 6)
    page = written(tmp_path, Setting({"sampling.temperature": "0.4"}, folder, [row], 2, 1))
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    score, sound = "a%20%231%20%26%20100%25/sample-1.svg", "a%20%231%20%26%20100%25/sample-1.wav"
    assert links == [score, score, sound]
    assert "4 notes, C4–F#4, 25% repeats, 0.50 nats/token" in page
    assert "not well formed, degenerate from token 7" in page
    assert "<td>temperature 0.4</td><td>4</td><td>C4–F#4</td><td>25%</td><td>0.50</td><td>1 of 2</td>" in page
    assert '<meta name="viewport"' in page


def test_no_text_of_a_job_is_markup_on_the_page(tmp_path: Path) -> None:
    folder = tmp_path / EVIL.replace("/", "")
    row = SampleStatistics(1, 1, 0, None, None, 0.0, 0.0, None, True, None)
    failed = Setting({EVIL: EVIL}, None, [], 0, 0, EVIL)
    page = written(tmp_path, Setting({EVIL: "2"}, folder, [row], 1, 1), failed)
    assert "<script" not in page
    # a name in the table, over its samples and as their label; another, and the error
    assert page.count("&lt;script&gt;") == 6
