"""Checkpoints that a run keeps, and weights that it averages: the same after a kill as without."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch

from composed import composed
from etude.config.compose import compose
from etude.config.fields import from_plain
from etude.errors import EtudeError
from etude.evaluation.metrics import validation_metrics
from etude.models.checkpoint import load_model
from etude.reports.curves import read_metrics
from etude.runs.folder import RunFolder
from etude.training.callbacks import kept_checkpoints
from etude.training.own_parts import check_monitors
from etude.training.settings import CallbackSettings
from networks import module_of
from small_training import killed_and_resumed, left_by, small_config, train_small


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        (
            ["callbacks.save_top_k=2", "callbacks.every_n_train_steps=4", "callbacks.monitor=val/perplexity",
             "trainer.val_check_interval=2"],
            {"step-000004", "step-000008", "step-000012", "best", "last"},
        ),
        (["callbacks=ema", "callbacks.ema.decay=0.7", "label_smoothing=0.1"], {"best", "last"}),
    ],
    ids=["top and steps", "moving average"],
)  # fmt: skip
def test_a_killed_training_keeps_what_an_undisturbed_one_keeps(
    choices: list[str], kept: set[str], tmp_path: Path
) -> None:
    config = small_config(tmp_path, *choices)
    calm, killed = RunFolder(tmp_path / "calm"), RunFolder(tmp_path / "killed")
    train_small(config, calm)
    killed_and_resumed(config, killed, 4, 9)
    assert left_by(killed) == left_by(calm)
    names = {path.stem for path in calm.checkpoints.glob("*.ckpt")} - {"previous"}
    top = {name for name in names if name.startswith("top-")}
    assert names - top == kept
    assert len(top) == 2 * ("callbacks.save_top_k=2" in choices)


@pytest.mark.parametrize(("mode", "interval"), [("min", 2), ("max", 2), ("max", 1)])  # 1: a step, not 1.0
def test_the_top_checkpoints_are_those_with_the_best_monitor(
    mode: str, interval: int, tmp_path: Path
) -> None:
    config = small_config(tmp_path, "callbacks.save_top_k=2", f"callbacks.mode={mode}",
                          f"trainer.val_check_interval={interval}", "trainer.max_epochs=2")  # fmt: skip
    run = RunFolder(tmp_path / "run")
    train_small(config, run)
    with run.metrics.open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/loss"]]
    losses = {int(row["step"]) + 1: float(row["val/loss"]) for row in rows}
    assert len(set(losses.values())) == len(losses) > 2
    best_first = sorted(losses, key=lambda step: losses[step], reverse=mode == "max")
    assert {int(path.stem[4:]) for path in run.checkpoints.glob("top-*.ckpt")} == set(best_first[:2])
    best = torch.load(run.checkpoints / "best.ckpt", weights_only=True)
    assert best["global_step"] == best_first[0]


def test_patience_counts_validations_and_not_epochs(tmp_path: Path) -> None:
    config = small_config(tmp_path, "callbacks.patience=2", "callbacks.min_delta=100",
                          "trainer.val_check_interval=1")  # fmt: skip
    trainer, _ = train_small(config, RunFolder(tmp_path / "run"))
    assert trainer.global_step == 3  # the first validation is the best, and the next two do not improve


def test_the_figures_of_the_validation_are_those_of_the_best_monitor() -> None:
    metrics = {"val/loss": [(0, 3.0), (1, 1.0), (2, 2.0)], "val/accuracy": [(0, 0.1), (1, 0.2), (2, 0.3)]}
    assert validation_metrics(metrics)["nats"] == 1.0
    found = validation_metrics(metrics, "val/accuracy", "max")
    assert found == {"nats": 2.0, "accuracy": 0.3, "best_epoch": 3, "epochs": 3}


def test_the_average_is_what_is_validated_saved_and_loaded(tmp_path: Path) -> None:
    """With decay 0.7 the best weights of an epoch are not those that trained on."""
    config = small_config(tmp_path, "callbacks=ema", "callbacks.ema.decay=0.7", "trainer.max_epochs=1")
    run = RunFolder(tmp_path / "run")
    trainer, module = train_small(config, run)
    content = torch.load(run.checkpoints / "best.ckpt", weights_only=True)
    name = "network.linear.weight"
    assert not torch.equal(content["state_dict"][name], content["current_model_state"][name])
    averaged = load_model(run.checkpoints / "best.ckpt")
    assert torch.equal(averaged.network.linear.weight, content["state_dict"][name])
    module.load_state_dict(content["state_dict"])
    [(_, validated)] = read_metrics(run.metrics)["val/loss"]
    [again] = trainer.validate(module, trainer.datamodule, verbose=False)  # type: ignore[attr-defined]
    assert again["val/loss"] == pytest.approx(validated, abs=1e-6)


def callbacks(**changed: Any) -> CallbackSettings:
    return from_plain(CallbackSettings, composed("train")["callbacks"] | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"monitor": "val/acuracy"}, "did you mean val/accuracy"),
        ({"monitor": "val/accuracy"}, "type callbacks.mode=max"),
        ({"mode": "max"}, "type callbacks.mode=min"),
    ],
)
def test_a_monitor_that_is_not_logged_or_its_wrong_end_is_refused(
    changed: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(EtudeError, match=said):
        check_monitors(kept_checkpoints(callbacks(**changed), tmp_path), module_of("lstm"))
    check_monitors(kept_checkpoints(callbacks(), tmp_path), module_of("lstm"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("callbacks.monitor=train/loss", "a metric of the validation"),
        ("callbacks.save_top_k=0", "at least 1, or -1 for all"),
        ("callbacks.mode=minimum", "one of min, max"),
        ("callbacks.every_n_train_steps=0", "at least 1"),
        ("label_smoothing=1", "below 1"),
    ],
)
def test_values_that_cannot_be_are_refused(line: str, said: str) -> None:
    with pytest.raises(EtudeError, match=said):
        compose("train", [line])
