"""Base LightningModule of next-token networks: loss, metrics, optimizer, metadata; and how one is built."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import Metric

from etude.config.build import build, settings_as
from etude.config.targets import load_target
from etude.corpora.gather import IGNORE, Batch, as_batch
from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import load_holder
from etude.models.clipping import clip_by_norm
from etude.models.label_means import BEST_MODES, StageMetrics
from etude.models.network import Network
from etude.models.optimizers import make_optimizer
from etude.models.schedules import Schedule, check_schedule, schedulers
from etude.models.settings import ModelConfig, OptimizerConfig, ScheduleConfig
from etude.models.step_log import log_step, logs_this_step
from etude.models.token_tables import supplied_tables

OptimizerFactory = Callable[..., torch.optim.Optimizer]  # called with params=…
SchedulersFactory = Callable[[torch.optim.Optimizer, Any], list[dict[str, Any]]]


class SequenceModule(pl.LightningModule):
    """Cross-entropy on the labelled positions of a batch, in nats per token.

    Logs ``{stage}/loss``, ``{stage}/accuracy`` and ``{stage}/perplexity``, each a mean over labels, not
    over batches. A batch may also be a pair of inputs (B, T) and targets. ``metadata`` travels in every
    checkpoint: the plain values from which the network, the encoding and the vocabulary can be made again.
    """

    def __init__(
        self, name: str, network: Network, vocabulary_size: int, optimizer: OptimizerFactory
    ) -> None:
        super().__init__()
        self.name = name
        self.network = network
        self.metadata: dict[str, Any] = {}
        self.label_smoothing = 0.0  # share of each label that is spread over all tokens
        self.schedulers: SchedulersFactory = lambda optimizer, trainer: []
        self.optimizer_factory = optimizer
        self._step_loss: Tensor | None = None  # of the last batch, in nats; a model that counts has none
        self._train, self._val, self._test = StageMetrics(), StageMetrics(), StageMetrics()

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]  # all settings are in the file
        cls, checkpoint_path: Path | str, map_location: torch.device | str = "cpu"
    ) -> Self:
        """Return the module of a checkpoint or an export, with its optimizer, schedule and metadata.

        The file is read, and errors are raised, as by :func:`etude.models.checkpoint.load_model`. EtudeError
        also if the module is of another class.
        """
        holder, stored = load_holder(Path(checkpoint_path))
        config = stored["config"]
        try:
            optim = settings_as(torch.optim.Optimizer, config["optim"], OptimizerConfig)
            schedule = settings_as((Schedule, LRScheduler), config["schedule"], ScheduleConfig)
            smoothing = float(config.get("label_smoothing", 0.0))
        except (KeyError, TypeError, ValueError) as error:
            raise EtudeError(
                f"{checkpoint_path} is damaged: its settings lack an optimizer or a schedule"
            ) from error
        module, network, optimizer = holder, holder.network, partial(make_optimizer, optim)
        if not isinstance(holder, SequenceModule):
            size = len(stored["vocabulary"])
            module = network.training_module()(str(config["model"]["name"]), network, size, optimizer)
        module.optimizer_factory, module.schedulers = optimizer, partial(schedulers, schedule)
        module.label_smoothing, module.metadata = smoothing, stored
        if not isinstance(module, cls):
            raise EtudeError(f"{checkpoint_path} holds a {type(module).__name__}, not a {cls.__name__}")
        return module.to(map_location)

    def add_metric(self, name: str, metric: Metric) -> None:
        """Measure the validation with one metric more, logged as ``val/{name}``.

        It is updated with the logits (N, V) and targets (N,) of the labels that count.
        """
        self._val.own[name] = metric

    @property
    def logged(self) -> list[str]:
        """Names of the logged metrics; none where a subclass may log others."""
        if type(self).validation_step is not SequenceModule.validation_step:
            return []
        names = [f"{stage}/{name}" for stage in ("val", "train") for name in BEST_MODES]
        return [*names, "train/loss_step", *(f"val/{name}" for name in self._val.own)]

    @property
    def best_modes(self) -> dict[str, str]:
        """Min or max, whichever is best, of each logged metric that has a better end."""
        modes = dict(BEST_MODES)
        for name, metric in self._val.added.items():
            if metric.higher_is_better is not None:
                modes[name] = "max" if metric.higher_is_better else "min"
        return {f"{stage}/{name}": mode for stage in ("val", "train") for name, mode in modes.items()}

    @property
    def summary(self) -> str:
        """Name and number of parameters."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return f"{self.name}: {count:,} parameters"

    def forward(self, ids: Tensor, state: Any = None) -> Any:
        """Return the network's logits (B, T, V) and state."""
        return self.network(ids, state)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Return the mean loss over the labels of the batch, weighted if other processes share the batch."""
        batch = as_batch(batch)
        loss, smoothed = self._losses(batch, self._train)
        if batch.weight != 1:
            loss, smoothed = loss * batch.weight, smoothed * batch.weight
        self._step_loss = loss.detach()
        # The metric of a step that no logger writes would cost a small network a tenth of its time.
        if self._trainer is None or logs_this_step(self._trainer):
            self._log_step(self._step_loss)
        return smoothed

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Log the training metrics at the last batch; logging each batch would slow a small network."""
        if self.trainer.is_last_batch or self.trainer.should_stop:
            self._log("train", self._train)
        if self.trainer.should_stop and self._step_loss is not None:  # then loggers write this step too
            self._log_step(self._step_loss)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the batch to the validation metrics."""
        self._losses(batch, self._val)
        self._log("val", self._val)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the batch to the test metrics of a Trainer of one's own; `etude train` tests by itself."""
        self._losses(batch, self._test)
        self._log("test", self._test)

    def settle_metrics(self) -> None:
        """Add all batches so far to the metrics, whose states can then be saved."""
        for metrics in (self._train, self._val, self._test):
            metrics.settle()

    def configure_optimizers(self) -> Any:
        """Return the optimizer and the learning rate schedulers, if any."""
        optimizer = self.optimizer_factory(params=self.network.parameters())
        found = self.schedulers(optimizer, self._trainer)
        return ([optimizer], found) if found else optimizer

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Set the gradients to None, in a tenth of the time of PyTorch's ``zero_grad``."""
        if type(optimizer).zero_grad is not torch.optim.Optimizer.zero_grad:
            optimizer.zero_grad()
            return
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad = None

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradients, by their norm on the CPU in half of Lightning's time."""
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        by_norm = gradient_clip_algorithm in (None, "norm")
        if gradient_clip_val and by_norm and all(weight.device.type == "cpu" for weight in weights):
            clip_by_norm(weights, gradient_clip_val)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the metadata to the checkpoint."""
        checkpoint["etude"] = self.metadata

    def label_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the logits (B, L, V) of the labelled positions and their targets (B, L)."""
        batch = as_batch(batch)
        features, _ = self.network.features(batch.inputs)
        labelled = features[:, -batch.targets.shape[1] :]  # (B, L, H)
        return self.network.head(labelled), batch.targets

    def _losses(self, batch: Batch, metrics: StageMetrics) -> tuple[Tensor, Tensor]:
        """Return the mean loss over the labels, without and with label smoothing; update the metrics."""
        batch = as_batch(batch)
        logits, targets = self.label_logits(batch)
        entropy = partial(
            F.cross_entropy, logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="sum"
        )
        count = max(batch.num_labels, 1)  # a batch of a split by window may have no label
        loss = entropy() / count
        share = self.label_smoothing if self.training else 0.0
        smoothed = entropy(label_smoothing=share) / count if share else loss
        metrics.update(loss.detach(), logits.detach(), targets, batch.num_labels)
        return loss, smoothed

    def _log_step(self, loss: Tensor) -> None:
        log_step(self, "train/loss_step", loss, prog_bar=True, sync_dist=True)

    def _log(self, stage: str, metrics: StageMetrics) -> None:
        metrics.settle()
        shared: dict[str, Metric] = {name: getattr(metrics, name) for name in BEST_MODES}
        for name, metric in {**shared, **metrics.added}.items():
            self.log(f"{stage}/{name}", metric, on_step=False, on_epoch=True)


def build_module(
    model: ModelConfig,
    optim: OptimizerConfig,
    schedule: ScheduleConfig,
    vocabulary: Vocabulary,
    encoding: Encoding,
) -> SequenceModule:
    """Build the untrained module of a training: a network in its module, or a module as it is."""
    size, optimizer = len(vocabulary), partial(make_optimizer, optim)
    target = load_target(model.builds)
    module: SequenceModule
    if inspect.isclass(target) and issubclass(target, SequenceModule):
        module = build(model, SequenceModule, vocabulary_size=size, optimizer=optimizer)
    else:
        _check_network(target, model.builds)
        tables = supplied_tables(model, lambda: encoding, vocabulary)
        network: Network = build(model, Network, vocabulary_size=size, **tables)
        module = network.training_module()(model.name, network, size, optimizer)
    check_schedule(schedule)
    module.schedulers = partial(schedulers, schedule)
    return module


def _check_network(found: Any, target: str) -> None:
    """Raise EtudeError, with what to do, for a plain nn.Module in place of a network."""
    is_module = inspect.isclass(found) and issubclass(found, nn.Module)
    if is_module and not issubclass(found, (Network, pl.LightningModule)):
        raise EtudeError(
            f"model._target_={target}: a plain nn.Module; inherit from etude.models.network.Network, and "
            "write its forward as features(ids, state), up to the last layer, and head(features), which "
            "makes logits"
        )
