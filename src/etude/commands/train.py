"""``etude train``: one model on one corpus, from raw files to music."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.utilities.seed import isolate_rng

from etude.commands import console
from etude.config.build import build
from etude.config.compose import plain
from etude.config.fields import from_plain
from etude.corpora.data_module import CorpusDataModule
from etude.errors import Pruned
from etude.evaluation.metrics import baseline_metrics, baselines_from, test_metrics, validation_metrics
from etude.models.checkpoint import TrainedModel, build_module, load_model, metadata
from etude.reports.curves import draw_curves, read_metrics
from etude.runs.folder import RunFolder
from etude.runs.identity import settings_name
from etude.runs.lookup import check_name, find_run
from etude.runs.manifest import write_manifest
from etude.runs.request import ignored, resolve_request
from etude.sampling.context import TrainingContext
from etude.sampling.generation import check_sampling, generate
from etude.sampling.output import write_samples
from etude.sampling.settings import SamplingSettings
from etude.training.checkpoints import ResumePoint, resume_point
from etude.training.logs import logged_to
from etude.training.resume import Resume
from etude.training.signals import stop_signals
from etude.training.trackers import Trackers, check_account, open_trackers
from etude.training.trainer import check_accelerator, check_devices, fit_and_test, make_trainer
from etude.training.workers import helpers


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train as the config says; return the results, which also lie in the run folder."""
    config = plain(cfg)
    check_accelerator(config["trainer"]["accelerator"])
    check_name(config["name"])
    torch.set_num_threads(config["threads"])
    pl.seed_everything(config["seed"], verbose=False)

    data: CorpusDataModule = build(config["data"], seed=config["seed"])
    console.corpus(data)
    context = TrainingContext.of(data.encoding, data.vocabulary, config)
    check_sampling(from_plain(SamplingSettings, config["sampling"]), context)
    run = find_run(config, data.store.fingerprint)
    with resolve_request(run, config) as answer:
        if answer == "show":
            return _shown_again(config, run)
        if answer == "skip":
            return _left_alone(run)
        start = resume_point(run) if answer == "continue" else None
        return train_into(run, config, data, start)


def train_into(
    run: RunFolder, config: dict[str, Any], data: CorpusDataModule, start: ResumePoint | None = None
) -> dict[str, Any]:
    """Train in a folder that this process holds, from ``start`` or the beginning; return the results.

    What cannot be done is said before the run's state changes, so that typing it right goes on.
    """
    console.start(run, start)
    try:
        with stop_signals() as stop, logged_to(run.log):
            check_account(config)
            module = build_module(config, data.vocabulary)
            module.metadata = metadata(config, data.vocabulary, data.store.fingerprint)
            check_devices(config, module.network, start)
            model = TrainedModel(module, data.encoding, data.vocabulary, config)
            if not start:
                run.clear()
            with run.training() as attempt:
                write_manifest(
                    run, config, data, [console.overlap_warning(data.overlap)], start.step if start else None
                )
                with open_trackers(config, run, attempt, start) as trackers:
                    resume = Resume(run, stop, config["callbacks"]["checkpoint_minutes"], start)
                    results = _trained(run, model, data, trackers, resume)
    except Pruned as stopped:
        console.note(str(stopped))
        return {"folder": str(run.path), "state": "pruned"}
    console.results(results, run.path)
    return results


def _trained(
    run: RunFolder,
    model: TrainedModel,
    data: CorpusDataModule,
    trackers: Trackers,
    resume: Resume,
) -> dict[str, Any]:
    """Fit → test → samples → baselines → results."""
    module, config = model.module, model.config
    with helpers(run, config):
        trainer = make_trainer(config, run, trackers.loggers, console.console, resume)
        console.model(module)
        console.device(trainer.accelerator, config["threads"])
        console.run(run.path)
        files = _sample(model, run, trackers, "before")
        measured = fit_and_test(trainer, module, data, run, resume)
    trained = load_model(run.checkpoint("best"))
    files += _sample(trained, run, trackers, "after")

    baselines, metrics = baseline_metrics(data), read_metrics(run.metrics)
    quoted = [baseline for baseline in baselines_from(baselines) if baseline.chosen or baseline.nats is None]
    files += draw_curves(metrics, run.path, quoted)
    results = {
        "model": module.name,
        "folder": str(run.path),
        "test": test_metrics(trained.module.network, data, measured),
        "validation": validation_metrics(metrics),
        "split_overlap": data.overlap,
        "baselines": baselines,
        "sampling": config["sampling"],
        "minutes": resume.seconds / 60,
        "files": [str(path.relative_to(run.path)) for path in files],
    }
    trackers.summarise({key: results[key] for key in ("test", "validation", "minutes")})
    run.finish(results)
    return results


def _shown_again(config: dict[str, Any], run: RunFolder) -> dict[str, Any]:
    """Show the results of a finished run; generate from it if other samples are asked for than it has."""
    console.note(f"trained before; label=WORD makes a second copy of {run.path}")
    if unused := ignored(run, config):
        console.note(f"it is not trained again for {' '.join(unused)}")
    results = {**run.results, "folder": str(run.path)}
    console.results(results, run.path)
    if config["sampling"] != results.get("sampling"):
        settings = from_plain(SamplingSettings, config["sampling"])
        model = load_model(run.checkpoint("best"))
        folder = run.samples / settings_name({"checkpoint": "best", **config["sampling"]})
        samples = generate(model, settings).samples
        console.files(write_samples(samples, model.encoding, folder, settings.forms))
    return results


def _left_alone(run: RunFolder) -> dict[str, Any]:
    """Say that another process is training the run; there are no figures yet."""
    console.note(f"another process is training {run.path}; it is left alone")
    return {"folder": str(run.path), "state": "running"}


def _sample(model: TrainedModel, run: RunFolder, trackers: Trackers, stage: str) -> list[Path]:
    """Generate music ``before`` or ``after`` training and show it where the trackers can."""
    settings = from_plain(SamplingSettings, model.config["sampling"])
    with isolate_rng():  # sampling must not change the training
        samples = generate(model, settings).samples
        files = write_samples(samples, model.encoding, run.samples / stage, settings.forms)
    trackers.show_samples(stage, files)
    return files
