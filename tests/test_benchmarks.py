"""The benchmarks: each can be imported, and runs at its smallest size."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
OPTIONAL = {"hugging_face": "transformers"}  # a script, and the package without which it cannot be imported
SLOW = {"prepare", "sweep_overhead", "start", "growth"}  # start processes, or wait for music21


@pytest.fixture(autouse=True)
def from_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)


def benchmarks() -> tuple[str, ...]:
    source = (FOLDER / "bench.py").read_text()
    [line] = [line for line in source.splitlines() if line.startswith("BENCHMARKS = ")]
    return tuple(eval(line.partition("=")[2]))


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_it_can_be_imported(name: str) -> None:
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])
    module = importlib.import_module(name)
    assert module.__doc__
    assert hasattr(module, "rows") or name not in benchmarks()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (name in SLOW)) for name in benchmarks()]
)
def test_it_runs_at_its_smallest_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ETUDE_DATA_MIRROR", raising=False)
    rows = importlib.import_module(name).rows("smallest")
    assert rows
    for row in rows:
        assert row.value > 0
        assert row.other is None or row.other > 0


def test_a_ratio_above_one_is_better() -> None:
    row = importlib.import_module("rows").Row
    assert row("", 10, "files/s", "", 5, True).ratio == 2
    assert row("", 10, "s", "", 5, False).ratio == 0.5
    assert row("", 10, "s", "", None, False).ratio is None


def test_a_benchmark_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, row = importlib.import_module("bench"), importlib.import_module("rows").Row
    monkeypatch.setattr(bench, "BENCHMARKS", ("missing", "sampling"))
    run = {"sampling": [row("notes", 10, "/s", "others", 5, True)]}
    alone = bench.alone
    monkeypatch.setattr(bench, "alone", lambda name, scale: run.get(name) or alone(name, scale))
    output = tmp_path / "build" / "bench.json"
    assert bench.main("smallest", "", output, None) == 1
    content = json.loads(output.read_text())
    assert content["failed"] == ["missing"]
    assert [each["ratio"] for each in content["rows"]["sampling"]] == [2]
    assert "failed: missing" in capsys.readouterr().err


def test_the_table_goes_between_the_marks(tmp_path: Path) -> None:
    bench, row = importlib.import_module("bench"), importlib.import_module("rows").Row
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- make bench -->\nold\n<!-- end -->\nafter\n")
    rows = [
        row("steps", 1234.5, "/s", "a loop", 1000, True, 2.0),
        row("steps", 3, "/s", "another", None, True),
    ]
    bench.write_into(page, rows, "a machine")
    before, _, machine, _, _, _, *table, _, after = page.read_text().splitlines()
    assert (before, machine, after) == ("before", "a machine", "after")
    assert table == [
        "| steps | 1,234 /s | a loop | 1,000 /s | 1.23 | ≥ 2 ✗ |",
        "| steps | 3 /s | another | not installed |  |  |",
    ]


def test_models_of_melodies_give_probabilities_from_the_notes_before() -> None:
    anchors = importlib.import_module("melody_anchors")
    notes, alphabet = [60, 62, 60, 62, 60], np.array([60, 62, 64])
    songs = [np.array([*notes, last]) for last in alphabet]
    train = [np.array([60, 62, 64, 62]), np.array([64, 62, 60])]
    counts = anchors.ngram_chances(train, songs, alphabet)
    memory = [anchors.remember(song, np.full(6, 1 / 3)) for song in songs]
    network = anchors.chances(anchors.copy_lstm(), songs, alphabet)
    for found in (counts, memory, network):
        assert all(np.allclose(each[:-1], found[0][:-1]) for each in found)
    assert sum(each[-1] for each in memory) == pytest.approx(1)
    assert sum(each[-1] for each in network) == pytest.approx(1)
    assert 0.9 < sum(each[-1] for each in counts) <= 1
