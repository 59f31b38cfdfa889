"""Every preset of conf/experiment/, at toy size: it trains, is scored, and draws music."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from corpora import published
from etude.config.compose import compose
from etude.config.folder import conf_dir
from journey import Etude, run_folder

PRESETS = [path.stem for path in sorted((conf_dir() / "experiment").glob("*.yaml"))]
SMALL = {
    "model.hidden_dim": 8,
    "model.embedding_dim": 8,
    "model.num_layers": 2,
    "data.sequence_len": 16,
    "data.section_tokens": 100,
    "data.split_fractions": "[0.4,0.3,0.3]",  # so that a few pieces fill each set
    "trainer.max_epochs": 1,
    "sampling.num_samples": 1,
    "sampling.max_tokens": 40,
    "sampling.forms": "[midi]",
}
PIECES = {"erk": 40, "cobb": 20, "mozart": 1}  # files, but of Mozart's works, which are long


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_trains_and_draws(preset: str, etude: Etude, tmp_path: Path) -> None:
    config = compose("train", [f"experiment={preset}"])
    mirror = published(config.data.published.name).parent
    small = [f"{key}={value}" for key, value in SMALL.items() if OmegaConf.select(config, key) is not None]
    pieces = f"data.max_pieces={PIECES[config.data.name]}"
    said = etude("train", f"experiment={preset}", *small, pieces, f"data.mirror={mirror}", "logger=csv")
    assert said.code == 0, said.out + said.err
    run = tmp_path / run_folder(said)
    results = json.loads((run / "results.json").read_text())
    assert 0 < results["test"]["nats"] < 10
    assert list((run / "samples" / "after").iterdir())
    if config.callbacks.keep_every_epoch:
        assert [path.name for path in run.glob("checkpoints/epoch-*")] == ["epoch-00.ckpt"]
    if preset == "markov":  # it is the n-gram of its order
        [floor] = [floor for floor in results["floors"] if floor["name"] == f"{config.model.ngram}-gram"]
        assert results["test"]["nats"] == pytest.approx(floor["nats"], abs=1e-5)
        assert results["test"]["accuracy"] == pytest.approx(floor["accuracy"], abs=1e-6)
