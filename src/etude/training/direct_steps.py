"""Training steps without the layers that Lightning has for several devices, precisions and optimizers.

Those take a twentieth of a small network's step. What Étude uses of the inside of Lightning's loops is here;
tests/training/test_direct_steps.py compares hooks, counters, rows and weights with Lightning's own loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loops.optimization.automatic import Closure, ClosureResult
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.plugins import Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch import Tensor
from torch.optim import Optimizer

from etude.corpora.data_module import CorpusDataModule
from etude.training.profile import NoProfiler

# Where a module does one of these in a way of its own, Lightning takes the steps.
PARTS = (
    "backward",
    "on_after_batch_transfer",
    "on_before_batch_transfer",
    "on_train_batch_start",  # may end the epoch
    "optimizer_step",
)
HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)


def take_direct_steps(trainer: pl.Trainer) -> None:
    """Have the trainer take plain steps without Lightning's layers, to the same results."""
    before = trainer.fit_loop.epoch_loop
    trainer.fit_loop.epoch_loop = DirectSteps(trainer, before.min_steps, before.max_steps)


class DirectSteps(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, which takes plain steps by itself.

    Plain: one device, float32, one optimizer, no gathered gradients, batches of a corpus. For others, and
    for the first step after a resume, Lightning's own is called. Hooks are looked up once an epoch.
    """

    _hooks: dict[str, list[Callable[..., Any]]] | None = None  # None: no plain steps

    def on_run_start(self, data_fetcher: Any) -> None:
        """Look the hooks up at the start of an epoch."""
        super().on_run_start(data_fetcher)
        self._hooks = _hooks(self.trainer) if _is_plain(self.trainer) else None
        self._has_number = "batch_idx" in self._build_kwargs(OrderedDict(), None, 0)

    def advance(self, data_fetcher: Any) -> None:
        """Train on one batch."""
        trainer, progress = self.trainer, self.batch_progress
        restarts = self.restarting or self.val_loop.restarting
        if self._hooks is None or restarts or trainer.accumulate_grad_batches != 1:
            super().advance(data_fetcher)
            return
        batch, number = next(data_fetcher)[0], self.batch_idx + 1
        progress.is_last_batch = data_fetcher.done
        if batch.inputs.device != trainer.strategy.root_device:
            batch = trainer.strategy.batch_to_device(batch, dataloader_idx=0)
        progress.increment_ready()
        trainer._logger_connector.on_batch_start(batch)
        self._call("on_train_batch_start", batch, number)
        progress.increment_started()
        outputs = self._step(batch, number)
        progress.increment_processed()
        self.update_lr_schedulers("step", update_plateau_schedulers=False)
        if self._num_ready_batches_reached():
            self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        self._call("on_train_batch_end", outputs, batch, number)
        trainer._logger_connector.on_batch_end()
        progress.increment_completed()
        trainer._logger_connector.update_train_step_metrics()

    def _step(self, batch: Any, number: int) -> dict[str, Any]:
        """Change the weights by one step; return the outputs of the training step."""
        [optimizer], progress = self.trainer.optimizers, self.automatic_optimization.optim_progress.optimizer
        zero_grad = partial(self._zero_grad, optimizer, number)
        given = (batch, number) if self._has_number else (batch,)
        closure = Closure(partial(self._loss, *given), self._backward, zero_grad)
        progress.step.increment_ready()
        optimizer.step(closure=partial(self._gradients, closure, optimizer))
        progress.step.increment_completed()
        result = closure.consume_result()
        return {} if result.loss is None else result.asdict()

    def _gradients(self, closure: Closure, optimizer: Optimizer) -> Tensor | None:
        """Return the loss, after its gradients have been computed and clipped."""
        loss, trainer = closure(), self.trainer
        self._call("on_before_optimizer_step", optimizer)
        clip = trainer.lightning_module.configure_gradient_clipping
        limit, algorithm = trainer.gradient_clip_val, trainer.gradient_clip_algorithm
        self._within("configure_gradient_clipping", clip, optimizer, limit, algorithm)
        return loss

    def _loss(self, *given: Any) -> ClosureResult:
        output = self._within("training_step", self.trainer.lightning_module.training_step, *given)
        if isinstance(output, Tensor):
            return ClosureResult(output)  # which Lightning divides by 1
        return ClosureResult.from_training_step_output(output)

    def _zero_grad(self, optimizer: Optimizer, number: int) -> None:
        progress = self.automatic_optimization.optim_progress.optimizer.zero_grad
        progress.increment_ready()
        self._call("on_before_zero_grad", optimizer)
        progress.increment_started()
        zero_grad = self.trainer.lightning_module.optimizer_zero_grad
        self._within("optimizer_zero_grad", zero_grad, self.trainer.current_epoch, number, optimizer)
        progress.increment_completed()

    def _backward(self, loss: Tensor) -> None:
        self._call("on_before_backward", loss)
        self._within("backward", self.trainer.lightning_module.backward, loss)
        self._call("on_after_backward")

    def _call(self, name: str, *given: Any) -> None:
        """Call a hook of all callbacks, then the module's."""
        for hook in (self._hooks or {})[name]:
            self._within(name, hook, *given)

    def _within(self, name: str, function: Callable[..., Any], *given: Any) -> Any:
        """Call a function while the module knows which hook is under way, for its ``log``.

        Not by setting an attribute, which PyTorch would take ten times as long for.
        """
        state = vars(self.trainer.lightning_module)
        before, state["_current_fx_name"] = state["_current_fx_name"], name
        output = function(*given)
        state["_current_fx_name"] = before
        return output


def _is_plain(trainer: pl.Trainer) -> bool:
    module = trainer.lightning_module
    return (
        type(trainer.strategy) is SingleDeviceStrategy
        and type(trainer.precision_plugin) is Precision
        and type(trainer.profiler) is NoProfiler  # type: ignore[attr-defined]  # set without a declaration
        and type(trainer.datamodule) is CorpusDataModule  # type: ignore[attr-defined]
        and module.automatic_optimization
        and not any(_has(module, name) for name in PARTS)
    )


def _hooks(trainer: pl.Trainer) -> dict[str, list[Callable[..., Any]]]:
    """Return the functions to call for each hook of a step: callbacks in their order, then the module."""
    module, callbacks = trainer.lightning_module, trainer.callbacks  # type: ignore[attr-defined]
    found: dict[str, list[Callable[..., Any]]] = {}
    for name in HOOKS:
        of_callbacks = [
            partial(getattr(each, name), trainer, module) for each in callbacks if _has(each, name)
        ]
        found[name] = [*of_callbacks, *([getattr(module, name)] if _has(module, name) else [])]
    return found


def _has(owner: pl.Callback | pl.LightningModule, name: str) -> bool:
    """Whether the hook is not the one of Lightning's base class, nor None."""
    base = pl.Callback if isinstance(owner, pl.Callback) else pl.LightningModule
    is_own = name in vars(owner) or getattr(type(owner), name) is not getattr(base, name)
    return is_own and callable(getattr(owner, name))
