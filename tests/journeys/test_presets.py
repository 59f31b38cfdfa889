"""Two presets keep their promises beyond training and sampling, which tests/test_docs.py tries for all."""

import json
from pathlib import Path

import pytest

from corpora import published
from journey import Etude, run_folder

SMALL = ("trainer.max_epochs=1", "sampling.num_samples=0", "logger=csv")


def test_the_markov_chain_is_the_n_gram_of_its_order(
    etude: Etude, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    mirror = published("erk.zip").parent
    said = etude("train", "experiment=markov", "data.max_pieces=60", f"data.mirror={mirror}", *SMALL)
    assert said.code == 0, said.out + said.err
    results = json.loads((tmp_path / run_folder(said) / "results.json").read_text())
    [baseline] = [baseline for baseline in results["baselines"] if baseline["name"] == "5-gram"]
    assert results["test"]["nats"] == pytest.approx(baseline["nats"], abs=1e-5)
    assert results["test"]["accuracy"] == pytest.approx(baseline["accuracy"], abs=1e-6)
    assert not [str(one.message) for one in recwarn if "training_step" in str(one.message)]


def test_the_lab_keeps_the_weights_of_each_epoch(etude: Etude, tmp_path: Path) -> None:
    mirror = published("mozart_sonatas.tar.gz").parent
    size = ("model.hidden_dim=8", "model.num_layers=2", "data.sequence_len=8", "data.max_pieces=1")
    said = etude("train", "experiment=mozart_lstm_batchnorm", *size, f"data.mirror={mirror}", *SMALL)
    assert said.code == 0, said.out + said.err
    run = tmp_path / run_folder(said)
    assert [path.name for path in run.glob("checkpoints/epoch-*")] == ["epoch-00.ckpt"]
