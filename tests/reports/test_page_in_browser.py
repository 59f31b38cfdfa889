"""The pages in a real browser: they show, play and sort, are accessible, and load nothing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from browser import Tab, Visit
from etude.evaluation.statistics import SampleStatistics
from etude.music import Piece
from etude.rendering.forms import write_forms
from etude.reports.run_page import run_page
from etude.reports.samples_folder_page import samples_folder_page
from etude.reports.samples_page import Setting, write_page
from etude.reports.sweep_page import sweep_page, sweep_samples
from etude.reports.sweep_rows import SweepRow
from made_up_reports import EVIL, run_content, write_samples_folder

SIZES = [(1280, "light"), (390, "dark")]  # dark colours are others in the same places, whatever the width


@pytest.fixture(scope="module")
def run_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run, not to be written to."""
    folder = tmp_path_factory.mktemp("run")
    for name in ("before", "after"):
        write_samples_folder(folder / "samples" / name)
    page = folder / "report.html"
    page.write_text(run_page("erk_lstm", run_content(), folder / "samples"))
    return page


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_run_is_shown_on_every_screen_and_to_everybody(
    browser: Tab, run_report: Path, width: int, scheme: str
) -> None:
    visit = Visit(browser, run_report, width=width, scheme=scheme)
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []
    assert visit.page.locator(".uplot canvas").count() == 2
    assert visit.page.locator(".card").count() == 4
    visit.page.locator(".log").first.check()
    assert visit.faults == visit.requests == []


def test_score_and_roll_follow_the_sound_of_one_player_at_a_time(browser: Tab, tmp_path: Path) -> None:
    write_samples_folder(tmp_path, tempo=4.0)  # each note lasts longer than the slowest machine takes to look
    path = tmp_path / "report.html"
    path.write_text(samples_folder_page(tmp_path))
    visit = Visit(browser, path)
    first, second = visit.page.locator(".card").nth(0), visit.page.locator(".card").nth(1)
    first.locator(".play").click()
    expect = pytest.importorskip("playwright.sync_api").expect
    moved = re.compile(
        r"^translate\((?:[2-9]|\d\d)"
    )  # wait_for_function evaluates text, which the page forbids
    expect(first.locator(".cursor").first).to_have_attribute("transform", moved, timeout=120_000)
    first.locator(".roll .now").wait_for(state="attached")
    first.locator(".score .now").wait_for(state="attached")
    second.locator(".play").click()
    assert first.locator(".play").inner_text().endswith("Play")
    assert second.locator(".play").inner_text().endswith("Pause")
    second.locator(".play").click()
    assert second.locator(".play").inner_text().endswith("Play")
    assert visit.faults == []


def test_a_click_seeks_in_roll_and_score_and_the_keyboard_in_the_slider(
    browser: Tab, run_report: Path
) -> None:
    card = Visit(browser, run_report).page.locator(".card").first
    box = card.locator(".roll").bounding_box()
    assert box is not None
    card.locator(".roll").click(position={"x": box["width"] / 2, "y": 5})
    assert card.locator(".time").inner_text() == "0:03 / 0:06"
    assert card.locator(".roll .now").get_attribute("data-on") == "3.000"
    assert card.locator(".score .now").get_attribute("data-on") == "3.000"
    card.locator(".score [data-on='1.500'] .notehead").click()
    assert card.locator(".roll .now").get_attribute("data-on") == "1.500"
    card.locator(".seek").focus()
    card.locator(".seek").press("End")
    assert card.locator(".seek").get_attribute("aria-valuetext") == "0:06 of 0:06"


def test_the_primer_is_marked_and_the_files_are_in_the_page(browser: Tab, run_report: Path) -> None:
    visit = Visit(browser, run_report)
    card = visit.page.locator(".card").first
    assert card.locator(".roll .primer").count() == card.locator(".score .primer").count() == 2
    with visit.page.expect_download() as download:
        card.get_by_text("MusicXML").click()
    written = run_report.parent / "samples" / "before" / "sample-1.musicxml"
    assert Path(download.value.path()).read_bytes() == written.read_bytes()
    assert download.value.suggested_filename == "sample-1.musicxml"


def test_a_word_is_explained_where_it_stands(browser: Tab, run_report: Path) -> None:
    page = Visit(browser, run_report).page
    page.locator(".facts .term").first.press("Enter")
    assert "1 nat is 1.44 bits" in page.locator(".meaning:popover-open").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".meaning:popover-open").count() == 0


def test_a_printed_page_is_light_and_has_the_copies_but_no_players(browser: Tab, run_report: Path) -> None:
    page = Visit(browser, run_report, scheme="dark").page
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)" != before
    assert page.locator(".player:visible, nav:visible, .copy:visible, .tokens:visible").count() == 0
    heights = "[...document.querySelectorAll('.shared svg')].map(each => each.getBoundingClientRect().height)"
    assert all(height > 20 for height in page.evaluate(heights))


def test_a_command_is_copied(browser: Tab, run_report: Path) -> None:
    page = Visit(browser, run_report).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "etude train label=erk"


def test_no_text_of_a_run_is_markup(browser: Tab, tmp_path: Path) -> None:
    write_samples_folder(tmp_path / "after", title=EVIL)
    run, samples = tmp_path / "run.html", tmp_path / "samples.html"
    run.write_text(run_page(EVIL, run_content(EVIL), tmp_path))
    samples.write_text(samples_folder_page(tmp_path / "after"))
    for path in (run, samples):
        visit = Visit(browser, path)
        assert EVIL in visit.page.locator("h1").inner_text()
        assert visit.page.locator("main img").count() == 0
        assert visit.page.locator("main script:not([type='application/json'])").count() == 0
        assert visit.faults == visit.requests == []


def test_a_foreign_script_does_not_run(browser: Tab, run_report: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(run_report.read_text().replace("</main>", "<script>document.title = 1</script></main>"))
    visit = Visit(browser, path)
    assert visit.page.title() == "erk on erk"
    assert "Content Security Policy" in visit.faults[0]


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_folder_of_samples_is_shown(browser: Tab, tmp_path: Path, width: int, scheme: str) -> None:
    write_samples_folder(tmp_path, 13)
    page = tmp_path / "report.html"
    page.write_text(samples_folder_page(tmp_path))
    visit = Visit(browser, page, width=width, scheme=scheme)
    assert "12 of 13 samples" in visit.page.locator("main").inner_text()
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []
    assert visit.faults == visit.requests == []


def sweep_rows(number: int) -> list[SweepRow]:
    """Runs of an unsorted loss, the first of them failed."""
    rows = [SweepRow({"size": "8", "lr": "0.5"}, error=EVIL)]
    for run in range(1, number):
        loss = 1 + (run * 7919 % number) / number
        results = {
            "folder": f"outputs/run-{run}",
            "minutes": 1.5,
            "test": {"nats": loss, "accuracy": 1 / loss},
        }
        results["validation"] = {"nats": loss, "best_epoch": 2, "epochs": 3}
        metrics = {"val/loss": [(0.0, loss + 1), (1.0, loss)]}
        rows.append(
            SweepRow({"size": str(2 ** (run % 4)), "lr": str(run / number)}, results, metrics=metrics)
        )
    return rows


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_sweep_is_shown_on_every_screen_and_to_everybody(
    browser: Tab, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "report.html"
    path.write_text(sweep_page(sweep_rows(12), "a sweep", "etude train -m"))
    visit = Visit(browser, path, width=width, scheme=scheme)
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []
    assert visit.page.locator(".parallel polyline").count() == 11
    assert EVIL in visit.page.locator("#jobs").inner_text()
    assert visit.faults == visit.requests == []


def test_samples_of_the_runs_of_a_sweep_are_side_by_side(browser: Tab, tmp_path: Path) -> None:
    rows = [
        replace(row, results={**row.results, "folder": str(tmp_path / f"run-{number}")})
        for number, row in enumerate(sweep_rows(5))
    ]
    for number in (1, 2, 3):
        write_samples_folder(tmp_path / f"run-{number}" / "samples" / "after")
    (tmp_path / "run-3" / "samples" / "after" / "samples.json").write_text('{"samples": [{}]}')
    shown = sweep_samples(rows)
    best_first = sorted((row for row in rows[1:3]), key=lambda row: row.loss or 0)
    assert [each.loss for each in shown] == [row.loss for row in best_first]
    path = tmp_path / "report.html"
    path.write_text(sweep_page(rows, "a sweep", "", shown))
    visit = Visit(browser, path, width=390)
    heading = f"size={best_first[0].settings['size']} lr={best_first[0].settings['lr']}: Sample 1"
    assert visit.page.locator(".card h3").first.inner_text() == heading
    assert "2 of 4" in visit.page.locator("main").inner_text()
    visit.page.locator(".play").first.click()
    assert visit.page.locator(".play").first.inner_text().endswith("Pause")
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []
    assert visit.faults == visit.requests == []


def test_two_thousand_runs_are_sorted_and_filtered(browser: Tab, tmp_path: Path) -> None:
    rows, path = sweep_rows(2000), tmp_path / "report.html"
    path.write_text(sweep_page(rows, "a sweep", ""))
    visit = Visit(browser, path)
    heading = visit.page.locator("#jobs th", has_text="test accuracy")
    visit.page.evaluate("jobs.addEventListener('sort-end', () => { jobs.dataset.sorted = 'yes' })")
    heading.focus()
    heading.press("Enter")
    visit.page.locator("#jobs[data-sorted]").wait_for()  # the heading says so before the rows are sorted
    assert heading.get_attribute("aria-sort") == "ascending"
    column = visit.page.evaluate("[...jobs.tBodies[0].rows].map(row => row.cells[4].dataset.sort)")
    assert column.pop() == ""  # the failed one
    assert [float(each) for each in column] == sorted(row.test["accuracy"] for row in rows[1:])
    visit.page.locator(".filter input").fill("RUN-17 done")
    number = sum("run-17" in row.folder for row in rows)  # 17, 170 to 179, 1700 to 1799
    assert visit.page.locator("#jobs tbody tr:visible").count() == number == 111
    assert visit.page.locator(".parallel polyline:not([style*=none])").count() == number
    assert visit.page.locator(".filter output").inner_text() == "111 of 2000"
    assert path.stat().st_size < 5_000_000
    assert visit.faults == []


def test_pictures_and_sounds_of_settings_side_by_side_are_there(browser: Tab, tmp_path: Path) -> None:
    settings = []
    for number, temperature in enumerate(("0.4", "1.3")):
        folder = tmp_path / "samples" / f"a #{number}? 100% & b"  # a link has to escape these
        piece = Piece.from_notes([(n, 1, 60 + 2 * n) for n in range(4)], tempos=[(0, 120.0)])
        for sample in (1, 2):
            write_forms(piece, folder / f"sample-{sample}", ["wav", "score", "roll"])
        rows = [SampleStatistics(sample, 16, 4, 60, 66, 0.0, 2.0, 0.5, True, None) for sample in (1, 2)]
        settings.append(Setting({"sampling.temperature": temperature}, folder, rows, 2, 2))
    path = tmp_path / "samples" / "page.html"
    write_page(settings, path)
    visit = Visit(browser, path, width=1400)
    visit.page.wait_for_function(
        "[...document.querySelectorAll('audio')].every(each => each.duration > 0 || each.error)"
    )
    widths = "[...document.images].map(each => each.naturalWidth > 0 && each.clientWidth > 300)"
    assert visit.page.evaluate(widths) == [True] * 8
    seconds = visit.page.evaluate("[...document.querySelectorAll('audio')].map(each => each.duration)")
    assert all(2 <= each < 4 for each in seconds)  # four beats, and what rings on
    assert not visit.is_too_wide()  # the rows scroll, the page does not
    assert visit.faults == []
