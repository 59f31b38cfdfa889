"""A preset is a published recipe: a faster default of `etude train` changes none of its settings."""

from pathlib import Path

import pytest
import yaml

from composed import composed
from etude.config.conf_files import conf_dir, values_in
from etude.runs.identity import flatten

PRESETS = sorted((conf_dir() / "experiment").glob("*.yaml"))

# The settings that make the default training fast.
RECIPE = (
    "data.batch_size", "data.bucket", "model.dropout", "optim.lr", "trainer.max_epochs", "callbacks.patience",
)  # fmt: skip

CONSTANT = "etude.models.schedules.Constant"
ROWS = {
    "cobb_char_rnn": (64, False, 0.0, 1e-4, 313, 5, CONSTANT),
    "erk_flat_lstm": (64, False, 0.0, 1e-3, 10, None, CONSTANT),
    "erk_lstm": (64, False, 0.2, 1e-3, 10, None, CONSTANT),
    "ffn": (64, False, 0.2, 1e-3, 60, 5, CONSTANT),
    "lstm_cell": (64, False, 0.2, 1e-3, 30, 5, CONSTANT),
    "markov": (64, False, None, 1e-3, 1, 5, CONSTANT),
    "mozart_lstm_batchnorm": (128, False, 0.0, 1e-3, 30, None, CONSTANT),
    "music_transformer": (8, False, 0.1, 1e-3, 30, 5, CONSTANT),
    "performance_rnn": (64, False, 0.0, 1e-3, 60, 5, CONSTANT),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_preset_resolves_to_the_published_values(name: str) -> None:
    config = flatten(composed("train", f"experiment={name}"))
    assert tuple(config.get(key) for key in (*RECIPE, "schedule._target_")) == ROWS[name]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_states_what_the_default_may_change(preset: Path) -> None:
    """In its own file, or in the model that it chooses by name: not in the files of the default training."""
    stated = set(values_in(preset))
    defaults = yaml.safe_load(preset.read_text())["defaults"]
    chosen = {group: choice for entry in defaults for group, choice in entry.items()}
    config = flatten(composed("train", f"experiment={preset.stem}"))
    if chosen["override /model"] not in ("lstm", "lstm_cell"):
        stated.add("model.dropout")
    assert [key for key in RECIPE if key in config and key not in stated] == []
    assert "override /schedule" in chosen
