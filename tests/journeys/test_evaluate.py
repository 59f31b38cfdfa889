"""A run is evaluated from the terminal and from Python, on its own corpus and on another."""

import json
import shutil
from pathlib import Path

import pytest

from etude import load_run
from etude.evaluation.copying import NGRAM
from journey import TOY, Etude

QUICK = ("sampling.num_samples=6", "sampling.max_tokens=60", "resamples=100")


def test_a_training_stores_the_likelihood_that_its_results_state(toy_run: Path) -> None:
    results = json.loads((toy_run / "results.json").read_text())
    found = json.loads((toy_run / "evaluation.json").read_text())
    model, *others = found["likelihood"]["rows"]
    for row, stated in zip((model, *others), (results["test"], *results["baselines"]), strict=True):
        for key, figures in (("nats", stated), ("accuracy", stated), ("note_nats", stated["onsets"])):
            expected = figures[key.removeprefix("note_")]
            assert (row[key] and row[key]["value"]) == (expected and pytest.approx(expected, rel=1e-12))
    assert found["corpus"]["set"] == "test"
    assert "music" not in found


def test_the_tables_fit_the_terminal_and_the_file_has_all(
    toy_run: Path, etude: Etude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = etude("evaluate", f"run={toy_run}", *QUICK)
    assert said.code == 0, said.err
    assert [line for line in said.out.splitlines() if len(line) > 80 and "outputs" not in line] == []
    found = json.loads((toy_run / "evaluation.json").read_text())
    assert (found["format"], found["model"], found["checkpoint"]) == (1, "lstm_copy", "best")
    assert found["music"]["samples"] <= 6
    assert found["validity"]["well_formed"] == 1  # by the grammar
    assert [row["sample"] for row in found["novelty"]["rows"]] == [1, 2, 3, 4, 5, 6]
    assert found["novelty"]["ngram"] == NGRAM
    assert found["likelihood"]["by_bar_position"]["rows"]
    assert etude("verify", str(toy_run)).code == 0  # a finished run may be evaluated again


def test_python_gives_the_same_figures(toy_run: Path, etude: Etude) -> None:
    assert etude("evaluate", f"run={toy_run}", "sampling.num_samples=0").code == 0
    stored = json.loads((toy_run / "evaluation.json").read_text())
    found = load_run(toy_run).evaluate(num_samples=0)
    assert json.loads(json.dumps(found))["likelihood"] == stored["likelihood"]


def test_another_corpus_in_the_tokens_of_the_run(toy_run: Path, etude: Etude) -> None:
    words = (f"run={toy_run}", "data=cobb", "data.max_pieces=30", "set=all", "sampling.num_samples=0")
    said = etude("evaluate", *words, "data.max_rejected=1")
    assert said.code == 0, said.err
    found = json.loads((toy_run / "evaluation_cobb_all.json").read_text())
    assert (found["corpus"]["name"], found["corpus"]["trained_on"]) == ("cobb", "erk")
    assert found["likelihood"]["pieces"] + found["likelihood"]["left_out"] == 30
    again = load_run(toy_run).evaluate("val", num_samples=0)
    assert again["corpus"]["set"] == "val"


def test_evaluation_can_be_switched_off_or_made_full(etude: Etude, tmp_path: Path) -> None:
    for word, sections in (
        ("off", None),
        ("full", {"likelihood", "sampling", "music", "validity", "novelty"}),
    ):
        said = etude(
            "train", *TOY, f"evaluate={word}", f"label={word}", "trainer.max_epochs=1", "sampling.forms=[]"
        )
        assert said.code == 0, said.err
        [run] = (tmp_path / "outputs" / "erk_lstm_copy").glob(f"{word}_*")
        path = run / "evaluation.json"
        assert path.exists() == (sections is not None)
        if sections:
            assert sections <= json.loads(path.read_text()).keys()
        written = json.loads((run / "samples" / "after" / "samples.json").read_text())
        assert written["command"]
        assert all(bool(one["copied"]) == (sections is not None) for one in written["samples"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set=tset",), "set=tset"),
        (("run=nowhere",), "nowhere"),
        (("resamples=3",), "resamples=3"),
    ],
)
def test_mistakes_are_one_sentence(toy_run: Path, etude: Etude, words: tuple[str, ...], says: str) -> None:
    said = etude("evaluate", *([] if words[0].startswith("run=") else [f"run={toy_run}"]), *words)
    assert said.code == 2
    assert says in said.err
    assert "Traceback" not in said.err


def test_runs_are_compared_with_the_held_out_pieces_of_their_corpus(
    toy_run: Path, etude: Etude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    other = toy_run.with_name("other")
    shutil.copytree(toy_run, other)
    said = etude("compare", str(toy_run), str(other))
    assert said.code == 2
    assert f"has the likelihood alone; type etude evaluate run={toy_run}" in said.err
    for run, temperature in ((toy_run, 0.5), (other, 1.0)):
        assert etude("evaluate", f"run={run}", *QUICK, f"sampling.temperature={temperature}").code == 0
    said = etude("compare", str(toy_run), str(other / "evaluation.json"))
    assert said.code == 0, said.err
    assert "erk_lstm_c… 1 is closer than erk_lstm_c… 2 in " in said.out
    assert [line for line in said.out.splitlines() if len(line) > 80 and "outputs" not in line] == []
    page = Path("compare.html").read_text(encoding="utf-8")
    assert page.count('<article class="card"') == 12
    assert "(temperature=0.5, max_tokens=60)" in page
    assert "Held out: the first 4 pieces of erk (test) in the order of the corpus, not chosen." in page
    stored = json.loads((other / "evaluation.json").read_text())
    tokens, pieces = json.loads(json.dumps([stored, stored]))
    tokens["corpus"]["fingerprint"] = "of other tokens"
    pieces["music"]["features"][0]["held_out"]["value"] += 1
    for name, changed in (("tokens", tokens), ("pieces", pieces)):
        paths = [run / f"evaluation_{name}.json" for run in (toy_run, other)]
        for path in paths:
            path.write_text(json.dumps(changed))
        assert etude("compare", *map(str, paths), "-o", f"{name}.html").code == 0
        assert "Held-out pieces are not shown" in Path(f"{name}.html").read_text(encoding="utf-8")
