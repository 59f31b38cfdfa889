"""`etude compare`: who is closer to human music, what can be compared, and the page."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from browser import Tab, Visit
from etude.cli import main
from etude.errors import EtudeError
from etude.evaluation.closeness import FeatureCloseness, closer, other_held_out
from etude.models.pretrained import FOLDER
from etude.music import Piece
from etude.reports.compare_page import ShownRun, compare_page
from etude.reports.compare_tables import (
    LONGEST,
    ComparedRun,
    Comparison,
    comparison_tables,
    likelihood_table,
    short_names,
)
from etude.runs.evaluations import evaluation_path, read_evaluation
from etude.sampling.samples import Sample
from made_up_reports import EVIL, OVERLAPS, evaluation_content
from run_folders import made_up
from wrong_values import WRONG, places, put

Content = dict[str, Any]


def comparison(*contents: Content, names: tuple[str, ...] = ("one", "two", "three", "four")) -> Comparison:
    runs = [ComparedRun(name, f"outputs/{name}", each) for name, each in zip(names, contents, strict=False)]
    return Comparison.of(runs)


def printed(found: Comparison) -> str:
    console = Console(width=80, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    for each in comparison_tables(found):
        console.print(each)
    return console.export_text()


@given(st.lists(st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=3, max_size=3), max_size=12))
def test_closer_counts_are_antisymmetric(overlaps: list[list[float]]) -> None:
    rows = [FeatureCloseness("x", 1.0, each, each) for each in overlaps]
    for first, second in ((0, 1), (1, 2), (0, 2)):
        (more, alike), (less, alike_too) = closer(rows, first, second), closer(rows, second, first)
        assert alike == alike_too
        assert more + less + alike == len(rows)
    assert closer(rows, 1, 1) == (0, len(rows))
    for row in rows:
        assert all(row.overlaps[each] == max(row.overlaps) for each in row.closest)
        assert (not row.closest) == (len(set(row.overlaps)) == 1)


def test_the_first_run_is_counted_against_each_other_and_form_stands_apart() -> None:
    better = {**OVERLAPS, "pitch range": (11.0, 0.9), "whole phrases": (0.3, 0.8), "note length": (0.8, 0.6)}
    close = {**OVERLAPS, "in key": (1.0, 0.90049)}  # alike in three digits
    found = comparison(*map(evaluation_content, (better, OVERLAPS, close)))
    assert found.verdicts == [
        "one is closer than two in 2 of 6 features, alike in 3.",
        "one is closer than three in 2 of 6 features, alike in 3.",
    ]
    names = {group.title: [row.name for row in group.rows] for group in found.groups}
    assert names == {
        "pitch and rhythm": ["pitch range", "in key", "note length"],
        "endings and form": ["ends on the tonic", "whole phrases", "repeated bars"],
    }
    text = printed(found)
    assert "polyphony" not in text
    assert "11.00 ★0.900" in text
    assert text.count("★") == 1 + 5  # the legend; the range, the phrases, the length in two, the mean


@pytest.mark.parametrize("number", [2, 3, 4])
def test_tables_with_long_names_have_eighty_columns(number: int) -> None:
    names = short_names([f"[/b]{'long_name_' * 3}{place}" for place in range(number)])
    assert len(set(names)) == number
    assert all(len(name) <= LONGEST for name in names)
    wide = {**OVERLAPS, "pitch range": (99.0, 0.5)}
    contents = [evaluation_content(wide) for _ in range(number)]
    contents[-1]["corpus"]["trained_on"] = "[/b]a_corpus_with_a_long_name"
    for content in contents:
        content["corpus"]["name"] = "[/b]"  # no markup
    lines = printed(comparison(*contents, names=tuple(names))).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    for name in names:
        assert sum(name in line for line in lines) >= 3
    assert not any("…" in line.replace(names[0][:10], "") for line in lines if "pitch range" in line)


def test_likelihood_is_in_nats_for_the_same_tokens_else_in_bits_per_note() -> None:
    first = evaluation_content()

    def columns(second: Content) -> list[str]:
        table = likelihood_table(comparison(first, second))
        return [str(table)] if not hasattr(table, "columns") else [str(each.header) for each in table.columns]

    assert columns(evaluation_content()) == ["", "nats/token", "accuracy"]
    assert columns(evaluation_content(fingerprint="e" * 64, labels=4000)) == ["", "bits/note"]
    other = evaluation_content(labels=4000)
    other["likelihood"]["rows"][0]["bits_per_note"] = None
    assert "not all know the number of notes" in columns(other)[0]
    other = evaluation_content(labels=4000)
    other["likelihood"]["pieces"] = 29
    assert "do not know the tokens of the same pieces" in columns(other)[0]


def test_the_yardstick_of_copies_is_that_of_each_training_set() -> None:
    same = printed(comparison(evaluation_content(), evaluation_content(known=0.01)))
    assert same.count("held out against erk") == 1
    other = evaluation_content()
    other["corpus"]["trained_on"] = "essen"
    both = printed(comparison(evaluation_content(), other))
    assert both.count("held out against erk") == both.count("held out against essen") == 1


def changed(key: str, value: Any) -> Content:
    content = evaluation_content()
    *way, last = key.split("/")
    inside = content
    for each in way:
        inside = inside[int(each) if each.isdigit() else each]
    inside[last] = value
    return content


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("corpus/name", "cobb", "corpus erk and cobb"),
        ("corpus/set", "val", "set test and val"),
        ("corpus/split", "by_window", "split by_piece and by_window"),
        ("music/held_out", 29, "30 and 29 pieces"),
        ("music/features/0/held_out", {"value": 2.0, "low": None, "high": None}, "pitch range 1 and 2"),
        ("model", "ffn", ""),
    ],
)
def test_other_held_out_pieces_are_named(key: str, value: Any, says: str) -> None:
    found = other_held_out(evaluation_content(), changed(key, value))
    assert found.startswith(says)
    assert bool(found) == bool(says)


@pytest.mark.parametrize(
    ("file", "corpus", "set_name", "name"),
    [
        ("checkpoints/best.ckpt", "", "test", "evaluation"),
        ("checkpoints/last.ckpt", "cobb", "all", "evaluation_cobb_all_last"),
        ("mine.safetensors", "", "test", "evaluation_mine"),
        (FOLDER / "erk.safetensors", "", "test", "evaluation"),
    ],
)
def test_the_file_of_an_evaluation_names_what_is_unusual(
    tmp_path: Path, file: Path | str, corpus: str, set_name: str, name: str
) -> None:
    found = evaluation_path(tmp_path / file, tmp_path / "samples", corpus=corpus, set_name=set_name)
    assert found == tmp_path / f"{name}.json"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Path]]:
    """Write evaluations into run folders, and return their files; nothing is sampled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("etude.commands.compare._music", lambda stored: (shown_runs(len(stored)), [tune(60)]))

    def write(*contents: Content | str) -> list[Path]:
        found = []
        for place, content in enumerate(contents):
            path = made_up(tmp_path / "outputs", f"name_{place}/default_{place:08}").path / "evaluation.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            found.append(path)
        return found

    return write


def compare(paths: list[Path], *more: str) -> int:
    return main(["compare", *map(str, paths), *more])


DAMAGED = {
    "": "not JSON",
    "[]": "values under their names",
    "{}": "it lacks",
    '{"x": ' * 100_000 + "1" + "}" * 100_000: "deep|not JSON",
    json.dumps(changed("corpus/set", "__class__")): "corpus.set must be one of",
    json.dumps(changed("likelihood/rows", [])): "likelihood.rows has no row",
    json.dumps(changed("music/features", [{"name": "x"}])): "music.features lacks",
    json.dumps(changed("music/features/0/name", 3)): "name must be text",
    json.dumps(changed("music/samples", 1e999)): "samples must be a whole number",
    json.dumps(changed("novelty/samples/longest_run", "<b>")): "longest_run must be a whole number",
    json.dumps(changed("sampling/settings/primer", "${oc.env:HOME}")): "not a plain value",
}


@pytest.mark.parametrize("text", DAMAGED, ids=list(DAMAGED.values()))
def test_a_damaged_evaluation_is_one_sentence(
    runs: Callable[..., list[Path]], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert compare(runs(evaluation_content(), text)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.strip().splitlines()
    assert any(each in line for each in DAMAGED[text].split("|"))
    assert "name_1/default_00000001/evaluation.json" in line
    assert not Path("compare.html").exists()


@given(st.data(), WRONG)
@settings(max_examples=100)
def test_a_wrong_value_anywhere_is_shown_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, wrong: Any
) -> None:
    content = evaluation_content()
    place = data.draw(st.sampled_from(places(content)))
    run = made_up(tmp_path_factory.mktemp("outputs"))
    (run.path / "evaluation.json").write_text(json.dumps(put(copy.deepcopy(content), place, wrong)))
    found, said = None, ""
    try:
        found = read_evaluation(str(run.path / "evaluation.json"))
    except EtudeError as refused:
        said = str(refused)
    assert "\n" not in said
    if found and not other_held_out(content, found.content):
        both = comparison(content, found.content)
        assert printed(both)
        assert compare_page(both, [ShownRun([], {})] * 2, [])


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("sampling", "has the likelihood alone; type etude evaluate run="),
        ("music", "has no sample with a note; type etude evaluate run="),
        ("novelty", "has no sample with a note"),
    ],
)
def test_a_run_without_samples_is_told_what_to_type(
    runs: Callable[..., list[Path]], capsys: pytest.CaptureFixture[str], section: str, says: str
) -> None:
    content = evaluation_content()
    del content[section]
    assert compare(runs(evaluation_content(), content)) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "name_1/default_00000001" in said


def test_runs_are_found_by_name_and_the_page_is_written_once(
    runs: Callable[..., list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = runs(evaluation_content(), evaluation_content(OVERLAPS | {"in key": (1.0, 0.5)}))
    assert main(["compare", str(first.parent), str(second), "-o", "out.html"]) == 0
    out = capsys.readouterr().out
    assert "name_0 is closer than name_1 in 1 of 6 features, alike in 5." in out
    assert "out.html: 0" in out
    assert compare([first, second], "-o", "out.html") == 2
    assert "out.html exists; it is not overwritten" in capsys.readouterr().err
    first.unlink()
    assert main(["compare", str(first.parent), str(second)]) == 2
    assert f"type etude evaluate run={first.parent}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["one"], "name two different runs"),
        (["one", "one"], "name two different runs"),
        ([str(number) for number in range(9)], "9 runs: at most 8"),
        (["pretrained/no", "pretrained/erk"], "there is no pretrained/no"),
        (["evaluation.json", "pretrained/erk"], "evaluation.json is not in the folder of a run"),
        (["pretrained/erk", "pretrained/cobb"], "type etude evaluate run=pretrained/erk"),
        (["pretrained/erk", "pretrained/cobb", "-o", "no/x.html"], "there is no folder no"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *words]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_stored_evaluation_names_no_file_no_class_and_no_endless_work_for_its_samples() -> None:
    from etude.commands.compare import _changes

    stored = {"temperature": {"float": "inf"}, "top_k": 5, "top_p": 1.0, "primer_file": "/etc/passwd"}
    stored |= {"filters": [{"_target_": "os.system"}], "num_samples": 10**9, "unknown": 1}
    stored |= {"max_attempts": 10**9}
    assert _changes(stored) == {"temperature": float("inf"), "top_k": 5}


def tune(low: int, title: str = "") -> Piece:
    return Piece.from_notes([(n, 1, low + 2 * n) for n in range(4)], title=title)


def shown_runs(number: int) -> list[ShownRun]:
    samples = [Sample(place, [], tune(60 + place), Counter(), Fraction(0)) for place in (1, 2)]
    return [ShownRun(samples, {}) for _ in range(number)]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "compare.html"
    contents = [evaluation_content(model=EVIL, corpus=EVIL, known=known) for known in (0.1, 0.2, 0.3)]
    found = comparison(*contents, names=("one", *short_names([EVIL, EVIL])))
    path.write_text(compare_page(found, shown_runs(3), [tune(72, EVIL), tune(74)]))
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_everybody_can_use_the_page(browser: Tab, page: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, page, width=width, scheme=scheme)
    assert not visit.is_too_wide()
    assert visit.faults_of_access() == []
    assert visit.page.locator(".beside").count() == 2
    assert visit.page.locator(".beside").first.locator(".card").count() == 4
    assert visit.page.locator(".score > div > svg").count() == 8
    assert EVIL in visit.page.locator("h1").inner_text()  # the corpus
    assert visit.page.locator("main img").count() == 0
    visit.page.locator(".play").first.click()
    assert visit.page.locator(".play").first.inner_text().endswith("Pause")
    assert visit.faults == visit.requests == []
