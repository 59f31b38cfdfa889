"""Direct steps: hooks, counters, rows and weights are those of Lightning's own loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loops.optimization.automatic import _AutomaticOptimization
from torch import Tensor

import etude.training.trainer
import small_training
from etude.corpora.gather import Batch
from etude.models.module import SequenceModule
from etude.runs.folder import RunFolder
from etude.training.direct_steps import HOOKS, PARTS
from small_training import killed_and_resumed, left_by, small_config, train_small

OF_MODULE = (*HOOKS[1:], "optimizer_zero_grad", "configure_gradient_clipping", "lr_scheduler_step")
Events = list[tuple[Any, ...]]


def plain(value: Any) -> Any:
    """What two trainings must share of an argument of a hook."""
    if isinstance(value, Batch):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if not key.startswith("time/")}
    if isinstance(value, Tensor):
        return (tuple(value.shape), float(value.detach().double().sum()), value.requires_grad)
    return value if isinstance(value, int | float | None) else type(value).__name__


class Witness(pl.Callback):
    """Callback that notes each hook, and of the module's hooks those that it puts itself before."""

    def __init__(self) -> None:
        self.events: Events = []

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for name in OF_MODULE:
            setattr(pl_module, name, self._before(getattr(pl_module, name), trainer, pl_module, name))
        for name in HOOKS:
            setattr(
                self,
                name,
                lambda trainer, module, *given, name=name: self._note(name, trainer, module, given),
            )

    def _before(self, hook: Any, trainer: pl.Trainer, module: pl.LightningModule, name: str) -> Any:
        def noted(*given: Any, **named: Any) -> Any:
            self._note(f"module.{name}", trainer, module, (*given, *named.values()))
            return hook(*given, **named)

        return noted

    def _note(
        self, name: str, trainer: pl.Trainer, module: pl.LightningModule, given: tuple[Any, ...]
    ) -> None:
        loop = trainer.fit_loop.epoch_loop
        counters = [loop.batch_progress, loop.automatic_optimization.optim_progress, loop.scheduler_progress]
        gradients = [plain(weight.grad) for weight in module.parameters()]
        states = [each.state_dict() for each in counters]
        here = (
            module._current_fx_name,
            trainer.global_step,
            torch.is_grad_enabled(),
            plain(trainer.callback_metrics),
        )
        self.events.append((name, *map(plain, given), here, gradients, states))
        if name in ("on_before_backward", "module.on_train_batch_end"):
            module.log(f"own/{name}", float(trainer.global_step), on_step=True, on_epoch=True)


def trained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str, direct: bool = True
) -> tuple[Events, dict[str, Any], int]:
    """Hooks of a training, what it leaves, and the number of steps that Lightning took by itself."""
    witness, taken = Witness(), []
    make_callbacks, run = small_training.make_callbacks, _AutomaticOptimization.run
    with monkeypatch.context() as patch:
        patch.setattr(small_training, "make_callbacks", lambda *given: [*make_callbacks(*given), witness])
        patch.setattr(_AutomaticOptimization, "run", lambda *given: (taken.append(1), run(*given))[1])
        if not direct:
            patch.setattr(etude.training.trainer, "take_direct_steps", lambda trainer: None)
        made = RunFolder(folder / ("direct" if direct else "lightning"))
        train_small(small_config(folder, "trainer.max_epochs=2", *overrides), made)
    return witness.events, left_by(made), len(taken)


@pytest.mark.parametrize(
    "overrides",
    [
        ("schedule.warmup=3", "trainer.val_check_interval=2", "trainer.gradient_clip_val=0.1"),
        ("trainer.max_steps=7", "trainer.log_every_n_steps=3", "schedule.interval=epoch"),
    ],
)
def test_each_hook_meets_what_it_meets_in_lightnings_own_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...]
) -> None:
    (ours, our_run, left_to_lightning), (theirs, their_run, _) = (
        trained(tmp_path, monkeypatch, *overrides, direct=direct) for direct in (True, False)
    )
    assert not left_to_lightning
    assert len(ours) > 50
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other
    assert our_run == their_run


@pytest.mark.parametrize(
    "overrides",
    [("trainer.accumulate_grad_batches=2",), ("trainer.precision=bf16-mixed",), ("trainer.profiler=simple",)],
)
def test_other_steps_are_left_to_lightning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: tuple[str, ...]
) -> None:
    events, _, left_to_lightning = trained(tmp_path, monkeypatch, *overrides)
    assert left_to_lightning == 10  # five steps an epoch
    assert [event[0] for event in events].count("on_train_batch_end") == 10


@pytest.mark.parametrize("name", PARTS)
def test_a_module_of_the_users_own_may_do_each_part_of_a_step_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    called = []

    def own(self: SequenceModule, *given: Any, **named: Any) -> Any:
        called.append(name)
        return getattr(super(SequenceModule, self), name)(*given, **named)

    monkeypatch.setattr(SequenceModule, name, own, raising=False)
    assert trained(tmp_path, monkeypatch, "trainer.limit_train_batches=2")[2] == 4
    assert len(called) >= 4


def test_a_training_step_may_take_the_batch_alone_and_return_more_than_the_loss_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SequenceModule.training_step

    def some(self: SequenceModule, batch: Batch) -> Any:
        loss = step(self, batch, 0)
        return {"loss": loss, "more": 1} if batch.num_labels % 2 else None

    monkeypatch.setattr(SequenceModule, "training_step", some)
    ours, theirs = (trained(tmp_path, monkeypatch, direct=direct) for direct in (True, False))
    assert ours[:2] == theirs[:2]
    assert {str(event[1]) for event in ours[0] if event[0] == "on_train_batch_end"} >= {"{}"}
    assert any("more" in str(event) for event in ours[0])


def test_the_first_step_after_a_kill_is_lightnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small_config(tmp_path)
    whole = RunFolder(tmp_path / "whole")
    train_small(config, whole)
    taken, run = [], _AutomaticOptimization.run
    monkeypatch.setattr(_AutomaticOptimization, "run", lambda *given: (taken.append(1), run(*given))[1])
    assert left_by(killed_and_resumed(config, RunFolder(tmp_path / "killed"), 3, 5)) == left_by(whole)
    assert len(taken) == 2
