"""The trainer of a run: Lightning's flags, and which of them do not go together."""

from __future__ import annotations

import inspect
import math
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Timer

from composed import composed
from etude.config.compose import compose
from etude.config.fields import from_plain
from etude.errors import EtudeError
from etude.runs.identity import NEUTRAL
from etude.training.callbacks import DivergenceError, StopOnDivergence
from etude.training.settings import TrainerSettings
from etude.training.trainer import check_trainer, make_trainer

DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(pl.Trainer).parameters.items()
    if parameter.default is not inspect.Parameter.empty
}


def settings(**changed: Any) -> TrainerSettings:
    return from_plain(TrainerSettings, composed("train")["trainer"] | changed)


def test_keys_are_lightnings_and_change_nothing_where_they_do_not_count() -> None:
    assert {each.name for each in fields(TrainerSettings)} <= DEFAULTS.keys()
    for key, value in NEUTRAL.items():
        if key.startswith("trainer."):
            assert DEFAULTS[key.removeprefix("trainer.")] == value, key


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"precision": "16-mixed"}, "needs a GPU; on the CPU type trainer.precision=bf16-mixed"),
        ({"max_epochs": -1}, "type trainer.max_steps=… too"),
    ],
)
def test_what_does_not_go_together_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(EtudeError, match=said):
        check_trainer(settings(**changed))
    check_trainer(settings(max_epochs=-1, max_steps=3, precision="bf16-mixed"))


def test_a_gpu_may_train_in_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for accelerator in ("gpu", "auto"):
        check_trainer(settings(precision="16-mixed", accelerator=accelerator))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("limit_train_batches=1.5", "a number of batches"),
        ("limit_val_batches=0", "a number of batches"),
        ("overfit_batches=-1", "a number of batches"),
        ("max_steps=0", "at least 1, or -1"),
        ("max_time=00:00:00:00", "must be days"),
        ("max_time=3h", "as in 00:01:30:00"),
        ("gradient_clip_algorithm=median", "one of norm, value"),
    ],
)
def test_values_out_of_range_are_refused(line: str, why: str) -> None:
    with pytest.raises(EtudeError, match=why):
        compose("train", [f"trainer.{line}"])


class Regression(pl.LightningModule):
    """Counts batches and validations."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.validated: list[int] = []

    def training_step(self, batch: torch.Tensor, number: int) -> torch.Tensor:
        return self.layer(batch).sum()  # type: ignore[no-any-return]

    def on_validation_end(self) -> None:
        self.validated.append(self.trainer.global_step)

    def validation_step(self, batch: torch.Tensor, number: int) -> None:
        pass

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.parametrize(
    ("changed", "validated"),
    [
        ({"max_epochs": 2}, [10, 20]),
        ({"max_steps": 13}, [10, 13]),
        ({"max_steps": 4, "min_epochs": 2}, [4]),
        ({"max_epochs": 3, "check_val_every_n_epoch": 2}, [20, 30]),
        ({"max_epochs": 1, "val_check_interval": 4}, [4, 8, 10]),
        ({"max_epochs": 1, "accumulate_grad_batches": 4}, [3]),
        ({"max_epochs": -1, "max_steps": 11}, [10, 11]),
        ({"max_epochs": 2, "limit_train_batches": 0.3}, [3, 6]),
        ({"fast_dev_run": True}, [1]),
    ],
)
def test_the_last_weights_are_validated_wherever_the_training_ends(
    changed: dict[str, Any], validated: list[int], tmp_path: Path
) -> None:
    module, loader = Regression(), torch.utils.data.DataLoader([torch.ones(1)] * 10)  # type: ignore[arg-type,var-annotated]
    trainer = make_trainer(settings(**{"max_epochs": 12, **changed}), [], [], tmp_path)
    trainer.fit(module, loader, loader)
    assert module.validated == validated


def test_time_ends_a_training_with_a_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, loader = Regression(), torch.utils.data.DataLoader([torch.ones(1)] * 10)  # type: ignore[arg-type,var-annotated]
    trainer = make_trainer(settings(max_time="00:13:00:00"), [], [], tmp_path)
    monkeypatch.setattr(Timer, "time_elapsed", lambda self, stage="": 3600 * trainer.global_step)
    trainer.fit(module, loader, loader)
    assert module.validated == [10, 13]


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_validation_loss_that_is_not_finite_ends_the_training(loss: float) -> None:
    """Before it makes a checkpoint the best: nothing is lower than a loss that is no number."""
    trainer: Any = SimpleNamespace(
        callback_metrics={"val/loss": torch.tensor(1.0)},
        optimizers=[SimpleNamespace(param_groups=[{"lr": 0.5}])], global_step=3, current_epoch=0,
        gradient_clip_val=None,
    )  # fmt: skip
    module: Any = None
    StopOnDivergence().on_validation_epoch_end(trainer, module)
    trainer.callback_metrics["val/loss"] = torch.tensor(loss)
    with pytest.raises(DivergenceError, match=r"the validation loss became (inf|nan) at step 3"):
        StopOnDivergence().on_validation_epoch_end(trainer, module)
