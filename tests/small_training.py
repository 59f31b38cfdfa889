"""Trainings of a second in this process: the fit of `etude train`, without its samples, tables and test."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console

from composed import composed
from etude.config.build import build
from etude.config.fields import from_plain
from etude.config.resolved import ResolvedConfig
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.prepared import PreparedCorpus
from etude.models.checkpoint import metadata
from etude.models.module import SequenceModule
from etude.runs.folder import RunFolder
from etude.training.checkpoints import resume_point
from etude.training.metrics_csv import MetricsCsv
from etude.training.module_setup import make_module
from etude.training.resume import Resume
from etude.training.settings import TrainSettings
from etude.training.signals import StopSignals
from etude.training.trainer import fit, make_callbacks, make_trainer

SMALL = ("data=abc_file", "model.hidden_dim=8", "model.dropout=0.3", "data.sequence_len=16",
         "data.batch_size=12", "trainer.max_epochs=3", "trainer.log_every_n_steps=1",
         "callbacks.checkpoint_minutes=0")  # fmt: skip


def small_config(folder: Path, *overrides: str) -> dict[str, Any]:
    """Return the config of a training on twenty tunes in ``folder``, of five steps an epoch."""
    book, draw = folder / "tunes.abc", random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    bars = ["".join(draw.choices("CDEFGABc", k=4)) for _ in range(60)]
    heads = [f"X:{number}\nL:1/4\nM:4/4\nK:C\n" for number in range(20)]
    tunes = zip(heads, bars[::3], bars[1::3], bars[2::3], strict=True)
    book.write_text("\n".join(f"{head}{'|'.join(tune)}|\n" for head, *tune in tunes))
    config = composed("train", *SMALL, f"data.path={book}", *overrides)
    config["data"]["data_dir"] = str(folder / "data")
    return config


def small_corpus(config: dict[str, Any]) -> PreparedCorpus:
    return build(config["data"], PreparedCorpus)  # type: ignore[no-any-return]


class KilledError(Exception):
    """The end of a training that is killed."""


class KillAt(pl.Callback):
    """Ends a training after a step, as a kill would: nothing more is saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise KilledError


def train_small(
    config: dict[str, Any], run: RunFolder, *, kill_after: int | None = None
) -> tuple[pl.Trainer, SequenceModule]:
    """Train in a folder, from its last checkpoint if there is one."""
    settings = from_plain(TrainSettings, config)
    pl.seed_everything(settings.seed, verbose=False)
    data = small_corpus(config)
    module = make_module(settings, data.vocabulary, data.encoding)
    module.metadata = metadata(ResolvedConfig(config), data.vocabulary, data.store.fingerprint)
    run.checkpoints.mkdir(parents=True, exist_ok=True)
    start = resume_point(run)
    resume = Resume(run, StopSignals(), settings.callbacks.checkpoint_minutes, start)
    callbacks = make_callbacks(settings.callbacks, run.checkpoints, Console(quiet=True), resume)
    callbacks += [] if kill_after is None else [KillAt(kill_after)]
    loggers: list[Any] = [MetricsCsv(run.metrics, before=start.step if start else 0)]
    trainer = make_trainer(settings.trainer, callbacks, loggers, run.path)
    try:
        fit(trainer, module, CorpusDataModule(data, settings.seed), resume)
    except KilledError:
        pass
    finally:
        torch.use_deterministic_algorithms(False)
    return trainer, module


def killed_and_resumed(config: dict[str, Any], run: RunFolder, *steps: int) -> RunFolder:
    """Train in a folder, killed after each of ``steps``, and to the end."""
    for step in steps:
        train_small(config, run, kill_after=step)
    train_small(config, run)
    return run


def left_by(run: RunFolder) -> dict[str, Any]:
    """Return what two trainings must share: rows, and the tensors of all checkpoints, bit for bit."""
    found: dict[str, Any] = {"metrics.csv": run.metrics.read_text()}
    for path in sorted(run.checkpoints.glob("*.ckpt")):
        if path.name != "previous.ckpt":  # of the moment before the last
            _flatten(torch.load(path, weights_only=True), path.name, found)
    return found


LEFT_OUT = ("resume", "loops", "dirpath", "current_score")  # the last: Lightning stores, but never reads it


def _flatten(value: Any, name: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in LEFT_OUT and "path" not in str(key):
                _flatten(each, f"{name}.{Path(str(key)).name}", found)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            _flatten(each, f"{name}.{number}", found)
    else:
        found[name] = value.numpy().tobytes() if isinstance(value, torch.Tensor) else value
