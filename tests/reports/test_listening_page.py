"""`etude listen`: fair pairs, and a page that hides who wrote what until the choices are made."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from browser import Tab, Visit
from etude.cli import main
from etude.music import Piece
from etude.reports.listening_page import Pair, listening_page, plan_pairs

EVIL = '</script><img src=x onerror="document.title=1">,"ours"'


def tune(low: int) -> Piece:
    return Piece.from_notes([(n, 1, low + 2 * n) for n in range(4)], tempos=[(0, 30.0)])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "listen.html"
    pairs = [Pair(("theirs", 0), (EVIL, 0)), Pair((EVIL, 1), ("theirs", 1)), Pair(("theirs", 2), (EVIL, 2))]
    path.write_text(listening_page(pairs, {"theirs": [tune(48)] * 3, EVIL: [tune(60)] * 3}))
    return path


@pytest.mark.parametrize("count", [1, 5, 12])
@pytest.mark.parametrize("sources", ["ab", "abc", "abcd"])
def test_each_two_sources_meet_equally_often_and_no_piece_comes_twice(sources: str, count: int) -> None:
    pairs = plan_pairs(sources, count, seed=3)
    assert pairs == plan_pairs(sources, count, seed=3)
    assert len(pairs) == count
    met = Counter(frozenset(source for source, _ in pair) for pair in pairs)
    assert all(len(two) == 2 for two in met)
    assert max(met.values()) - min(met.values()) <= 1
    used = [piece for pair in pairs for piece in pair]
    assert len(set(used)) == len(used)
    for source in sources:
        mine = sorted(index for name, index in used if name == source)
        assert mine == list(range(len(mine)))


def test_the_order_within_pairs_is_left_to_the_seed() -> None:
    first = Counter(plan_pairs("ab", 200, seed=0)[number].first[0] for number in range(200))
    assert 70 < first["a"] < 130
    assert plan_pairs("ab", 20, seed=0) != plan_pairs("ab", 20, seed=1)


def test_keys_and_buttons_choose_and_the_results_are_saved(browser: Tab, page: Path) -> None:
    visit = Visit(browser, page)
    shown = visit.page.locator(".pair:visible")
    assert shown.count() == 1
    assert EVIL not in visit.page.locator("main").inner_text()
    visit.page.locator("#listener").fill('Ada "12"')
    visit.page.locator("#listener").press("1")  # a letter of the name, no choice
    assert "Pair 1 of 3" in shown.inner_text()
    visit.page.locator("h1").click()
    visit.page.keyboard.press("a")
    assert shown.locator(".play").first.inner_text().endswith("Pause")
    visit.page.keyboard.press("2")
    assert visit.page.locator(".play", has_text="Pause").count() == 0
    assert "Pair 2 of 3" in shown.inner_text()
    shown.locator(".choose").nth(0).click()
    visit.page.keyboard.press("1")
    assert shown.count() == 0
    rows = visit.page.locator("#counts tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [[EVIL, "2", "3"], ["theirs", "1", "3"]]
    with visit.page.expect_download() as download:
        visit.page.locator("#csv").click()
    assert download.value.suggested_filename == "listening.csv"
    saved = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert [row["preferred"] for row in saved] == [EVIL, EVIL, "theirs"]
    assert [row["choice"] for row in saved] == ["2", "1", "1"]
    assert [(row["first"], row["first_sample"]) for row in saved] == [
        ("theirs", "1"),
        (EVIL, "2"),
        ("theirs", "3"),
    ]
    assert {row["listener"] for row in saved} == {'Ada "12"1'}
    assert visit.page.title() == "Which do you like better?"
    assert visit.faults == visit.requests == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_everybody_can_use_the_page(browser: Tab, page: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, page, width=width, scheme=scheme)
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []
    for _ in range(3):
        visit.page.keyboard.press("1")
    assert visit.page.locator("#results").is_visible()
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []


def test_models_that_come_with_etude_are_compared_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[tuple[str, int, int]] = []

    class Run:
        def __init__(self, name: str) -> None:
            self.name = name

        def sample(self, count: int, *, seed: int) -> list[Piece]:
            asked.append((self.name, count, seed))
            return [tune(60)] * count

    monkeypatch.setattr("etude.api.load_run", Run)
    assert main(["listen", "one", "two", "--pairs", "3", "--seed", "7"]) == 0
    assert asked == [("one", 3, 7), ("two", 3, 7)]
    assert "listen.html: 3 pairs" in capsys.readouterr().out
    assert main(["listen", "one", "two"]) == 2
    assert "listen.html exists; it is not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one"], "name two different runs"),
        (["one", "one"], "name two different runs"),
        (["one", "two", "--pairs", "0"], "--pairs 0: from 1 to 100"),
        (["one", "two", "--seed", "-1"], "--seed -1: 0 or more"),
        (["one", "two", "-o", "nowhere/x.html"], "there is no folder nowhere"),
        (["pretrained/no", "pretrained/erk"], "there is no pretrained/no"),
    ],
)
def test_what_cannot_be_compared_is_said(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["listen", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
