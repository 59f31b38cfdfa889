"""The loop closes: tunes in, a melody out."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import music21
import pytest
import torch

from journey import LIMIT, TOY, Etude, run_folder

Train = Callable[..., Path]


def test_a_run_folder_has_all_that_it_takes(trained: Path) -> None:
    run = trained
    for name in (
        "config.yaml",
        "manifest.json",
        "status.json",
        "results.json",
        "metrics.csv",
        "train.log",
        "loss.png",
        "accuracy.png",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "samples/before/sample-1.mid",
        "samples/after/sample-1.mid",
        "samples/after/sample-1.musicxml",
        "samples/after/sample-1.tokens.txt",
    ):
        assert (run / name).stat().st_size > 0, name
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["seed"] == 0
    assert manifest["packages"]["torch"] == torch.__version__
    assert manifest["corpus"]["counts"]["pieces"] == 60
    assert json.loads((run / "status.json").read_text())["state"] == "done"
    rows = list(csv.DictReader((run / "metrics.csv").open()))
    assert [row["epoch"] for row in rows if row["val/loss"]] == ["0", "1"]


def test_a_checkpoint_is_plain_and_enough(toy_run: Path) -> None:
    from etude.models.checkpoint import load_model

    run = toy_run
    content = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert content["etude"]["config"]["model"]["hidden_dim"] == 8
    moved = run.parent / "elsewhere.ckpt"
    (run / "checkpoints" / "best.ckpt").rename(moved)
    model = load_model(moved)
    assert model.vocabulary.tokens[0] == "<end>"
    logits, _ = model.network(torch.zeros(1, 3, dtype=torch.long))
    assert logits.shape == (1, 3, len(model.vocabulary))


def weights_and_metrics(run: Path) -> tuple[dict[str, torch.Tensor], str]:
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state, (run / "metrics.csv").read_text()


def test_the_same_seed_gives_the_same_weights_and_metrics_to_the_last_bit(train: Train) -> None:
    first, second, other = train("label=one"), train("label=two", "data.on_device=true"), train("seed=1")
    assert first != second
    weights, metrics = weights_and_metrics(first)
    weights_again, metrics_again = weights_and_metrics(second)
    assert metrics == metrics_again
    assert weights.keys() == weights_again.keys()
    assert all(torch.equal(weights[name], weights_again[name]) for name in weights)
    assert weights_and_metrics(other)[1] != metrics


def test_a_melody_is_shown_after_the_first_epoch_and_changes_no_weight(etude: Etude, tmp_path: Path) -> None:
    shown = etude("train", *TOY, "label=shown")
    silent = etude("train", *TOY, "label=silent", "sampling.num_samples=0")
    assert re.search(r"after one epoch it writes: (\d+|r|_)( (\d+|r|_))*( …)?\n", shown.out)
    assert "it writes" not in silent.out
    ours, theirs = (weights_and_metrics(tmp_path / run_folder(said)) for said in (shown, silent))
    assert ours[0].keys() == theirs[0].keys()
    assert all(torch.equal(weight, theirs[0][name]) for name, weight in ours[0].items())
    assert ours[1] == theirs[1]


def test_asking_again_shows_the_results_and_trains_nothing(toy_run: Path, etude: Etude) -> None:
    run = toy_run
    written = (run / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    said = etude("train", *TOY)
    assert said.code == 0
    assert "trained before" in said.out
    assert "nats/token" in said.out
    assert (run / "checkpoints" / "last.ckpt").stat().st_mtime_ns == written


def test_the_objective_of_the_tutorial_trains_too(train: Train) -> None:
    run = train("data.objective=last", "data.max_pieces=20", "data.sequence_len=16", "data.batch_size=64")
    results = json.loads((run / "results.json").read_text())
    assert 0 < results["test"]["nats"] < 4


def test_sampling_from_a_primer(toy_run: Path, etude: Etude) -> None:
    run = toy_run
    said = etude(
        "sample", f"run={run}", "sampling.primer='65 _ _ _ 65 _ 69'", "sampling.num_samples=2",
        "sampling.forms=[midi,musicxml,abc,wav,score,roll]", "sampling.max_tokens=48",
    )  # fmt: skip
    assert said.code == 0, said.err
    listed = said.out.split("files written:")[1].partition("\n\n")[0].split("\n")
    assert said.out.splitlines()[-1].startswith("Open ")
    files = [
        Path(stem + suffix) for stem, *suffixes in map(str.split, filter(None, listed)) for suffix in suffixes
    ]
    assert len(files) == 14
    assert all(path.stat().st_size > 0 for path in files)
    for path in files:
        if path.name.endswith(".tokens.txt"):
            assert path.read_text().startswith("65 _ _ _ 65 _ 69 ")
        if path.suffix == ".musicxml":
            score = music21.converter.parse(path)
            assert [note.pitch.midi for note in score.flatten().notes[:3]] == [65, 65, 69]
            assert score.flatten().getElementsByClass("TimeSignature")[0].ratioString == "4/4"


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(toy_run: Path, etude: Etude) -> None:
    run = toy_run

    def tokens(*arguments: str) -> list[str]:
        said = etude("sample", f"run={run}", "sampling.forms=[]", "sampling.num_samples=3", *arguments)
        assert said.code == 0, said.err
        return [line.split(": ", 1)[1] for line in said.out.splitlines() if line.startswith("sample ")]

    assert tokens() == tokens()
    assert tokens() != tokens("sampling.seed=1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run=nowhere"], "there is no run nowhere below outputs"),
        ([], "run"),
        (["run={run}", "sampling.primer='C4 60'"], "C4 is 60. Type 60 _ _ _ for a quarter note"),
        (["run={run}", "sampling.primer='60 _ _'", "sampling.max_tokens=3"], "nothing can be added"),
        (["run={run}", "sampling.metre=3/5"], "4/4, 3/4 or 6/8"),
        (["run={run}", "sampling.temprature=1"], "did you mean sampling.temperature"),
        (["run={run}", "sampling.temperature=-1"], "must be 0 (greedy) or from 0.001 up to inf"),
    ],
)
def test_what_a_user_gets_wrong_is_said_in_a_sentence(
    toy_run: Path, etude: Etude, arguments: list[str], message: str
) -> None:
    said = etude("sample", *(argument.format(run=toy_run) for argument in arguments))
    assert said.code == 2
    assert message in said.err
    assert "Traceback" not in said.err + said.out


def test_a_stranger_s_file_is_no_checkpoint(toy_run: Path, etude: Etude) -> None:
    run = toy_run
    (run / "checkpoints" / "best.ckpt").write_bytes(b"PK\x03\x04 not a checkpoint")
    said = etude("sample", f"run={run}")
    assert said.code == 2
    assert "best.ckpt is damaged" in said.err
    (run / "checksums.json").unlink()
    said = etude("sample", f"run={run}")
    assert said.code == 2
    assert "is not a checkpoint" in said.err


def test_a_split_without_a_set_is_explained(etude: Etude) -> None:
    said = etude("train", *LIMIT, "data.split_fractions=[0.9,0.1,0.0]")
    assert said.code == 2
    assert "fell into the test set" in said.err
    said = etude("train", "data.split_fractions=[0.9,0.2,0.1]")
    assert said.code == 2
    assert "sum to 1" in said.err


def test_prepare_reports_what_training_would_do(etude: Etude) -> None:
    said = etude("prepare", "data.max_pieces=60")
    assert said.code == 0
    assert "60 pieces" in said.out
    assert "store" in said.out


def test_a_split_by_window_is_called_optimistic_wherever_its_figures_are(train: Train) -> None:
    run = train("data.split=by_window", "sampling.forms=[]", "trainer.max_epochs=1")
    results = json.loads((run / "results.json").read_text())
    assert 0.7 < results["split_overlap"] < 0.9
    assert "overlapping windows" in json.loads((run / "manifest.json").read_text())["warnings"][0]
    assert "overlapping windows: validation metrics are optimistic" in (run / "train.log").read_text()


def test_no_well_formed_pieces_of_an_untrained_network_are_looked_for(etude: Etude, tmp_path: Path) -> None:
    rare = ("sampling.only_valid=true", "sampling.phrase_bars=64", "sampling.max_attempts=12")
    few = ("sampling.num_samples=2", "sampling.max_tokens=20", "sampling.forms=[]")
    said = etude("train", *TOY, *rare, *few)
    assert said.code == 0, said.err
    about = json.loads((tmp_path / run_folder(said) / "samples" / "before" / "samples.json").read_text())
    assert (about["generated"], about["well_formed"]) == (2, 0)
