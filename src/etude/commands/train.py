"""``etude train``: train one model on one corpus, from raw files to samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import LambdaCallback
from pytorch_lightning.utilities.seed import isolate_rng

from etude.commands import console
from etude.commands.report_pages import open_run_page
from etude.config.build import build
from etude.config.compose import plain
from etude.config.fields import for_json, from_plain
from etude.config.frozen import chosen_defaults
from etude.config.resolved import ResolvedConfig
from etude.corpora.data_module import CorpusDataModule
from etude.corpora.prepared import PreparedCorpus
from etude.errors import Pruned
from etude.evaluation.evaluation_file import (
    Likelihood,
    evaluate,
    evaluation_file,
    likelihood_section,
    measure_likelihood,
)
from etude.evaluation.held_out import held_out_set
from etude.evaluation.metrics import (
    baseline_metrics,
    baselines_from,
    part_metrics,
    test_metrics,
    validation_metrics,
)
from etude.evaluation.samples_file import generate_into, usual_sampling, write_into
from etude.models.checkpoint import TrainedModel, check_reload, load_model, metadata
from etude.models.freezing import freeze
from etude.models.initial_weights import InitialWeights, start_from
from etude.models.module import SequenceModule
from etude.reports.corpus import corpus_notes, corpus_summary, overlap_warning
from etude.reports.curves import draw_curves, read_metrics
from etude.reports.tables import part_lines, results_line, results_table
from etude.runs.checksums import check_whole
from etude.runs.folder import RunFolder
from etude.runs.identity import settings_name
from etude.runs.lookup import check_name, find_run
from etude.runs.manifest import write_manifest
from etude.runs.request import ignored, resolve_request
from etude.sampling.context import TrainingContext
from etude.sampling.generation import SampleBatch, check_sampling, generate
from etude.sampling.settings import SamplingSettings
from etude.training.checkpoints import ResumePoint, resume_point
from etude.training.first_melody import FirstMelody
from etude.training.logs import logged_to
from etude.training.metrics_csv import check_rows
from etude.training.module_setup import initial_weights, make_module
from etude.training.nodes import Team, launcher
from etude.training.own_parts import check_monitors, test_own
from etude.training.profile import profile_report
from etude.training.resume import Resume
from etude.training.settings import TrainSettings
from etude.training.signals import stop_signals
from etude.training.tracker import FinalMetrics, ShownSamples, Tracker, as_logged
from etude.training.trackers import open_trackers
from etude.training.trainer import (
    check_devices,
    check_trainer,
    device_name,
    fit,
    make_callbacks,
    make_trainer,
)
from etude.training.wandb_account import check_account
from etude.training.worker import follow

EVALUATED_SAMPLES = 100  # that evaluate=full generates, as conf/evaluate.yaml has it


def train(cfg: DictConfig) -> dict[str, Any]:
    """Train as configured in the run's folder; return the results, which are also stored there."""
    # as the signature, config.yaml and the checkpoints hold it
    initial, config = initial_weights(ResolvedConfig(plain(cfg)))
    settings = from_plain(TrainSettings, config)
    check_trainer(settings.trainer)
    check_name(settings.name)
    team = Team(launcher(settings.trainer))
    team.join(on_gpu=settings.trainer.accelerator != "cpu" and torch.cuda.is_available())
    with team.led():
        return _train(settings, config, initial, team) if team.is_first else follow(team)


def _train(
    settings: TrainSettings, config: ResolvedConfig, initial: InitialWeights | None, team: Team
) -> dict[str, Any]:
    """Train, or show what was trained before; return the results."""
    torch.set_num_threads(settings.threads)
    pl.seed_everything(settings.seed, verbose=False)
    data: PreparedCorpus = build(settings.data, PreparedCorpus)
    console.line("corpus", corpus_summary(data))
    console.notes(corpus_notes(data))
    context = TrainingContext.of(data.encoding, data.vocabulary, config["data"])
    check_sampling(settings.sampling, context)
    parent = Path(settings.outputs_dir) / settings.name
    run = find_run(parent, config, chosen_defaults(config), data.store.fingerprint)
    with resolve_request(
        run,
        config,
        on_running=settings.on_running,
        on_mismatch=settings.on_mismatch,
        retry=settings.retry,
    ) as action:
        if action in ("show", "skip"):
            team.tell({"folder": str(run.path.resolve()), "config": None})
        if action == "show":
            results = _show(run, config, settings.sampling)
            open_run_page(run)
            return results
        if action == "skip":
            console.note(f"another process is training {run.path}; it is left alone")
            return {"folder": str(run.path), "state": "running"}
        start = resume_point(run) if action == "continue" else None
        console.notes([_earlier_attempt(run.state, start)])
        try:
            results = _train_in(run, settings, config, data, team=team, initial=initial, start=start)
        except Pruned as stopped:
            console.note(str(stopped))
            return {"folder": str(run.path), "state": "pruned"}
        _print_results(results, run.path)
        if settings.evaluate != "full":
            console.note(f"etude evaluate run={run.path}: musical statistics of samples, copies, intervals")
        open_run_page(run)
        return results


def _train_in(
    run: RunFolder,
    settings: TrainSettings,
    config: ResolvedConfig,
    data: PreparedCorpus,
    *,
    team: Team,
    initial: InitialWeights | None,
    start: ResumePoint | None,
) -> dict[str, Any]:
    """Train in a locked folder, from ``start``, ``initial`` weights or random ones; return the results.

    Errors in the request are raised before the run's state changes, so that a corrected one resumes.
    """
    with stop_signals() as stop, logged_to(run.log):
        check_account(settings.logger)
        module = make_module(settings, data.vocabulary, data.encoding)
        module.metadata = metadata(config, data.vocabulary, data.store.fingerprint)
        check_reload(config, data.vocabulary, module)
        check_devices(settings.trainer, module.network, start)
        match = start_from(initial, module.network, config, data.vocabulary) if initial else None
        if match:
            console.line("init", f"{config['init_from']}: {match}")
        freeze(module.network, settings.freeze)
        if start:
            check_rows(run.metrics, start.step, start.rows)
        else:
            run.clear()
        warnings = [overlap_warning(data.overlap)]
        write_manifest(run, config, data, warnings, start.step if start else None, match=match)
        with open_trackers(settings.logger, run, config, start) as trackers, run.training():
            resume = Resume(run, stop, settings.callbacks.checkpoint_minutes, start)
            return _fit(run, settings, config, module, data, team=team, trackers=trackers, resume=resume)


def _fit(
    run: RunFolder,
    settings: TrainSettings,
    config: ResolvedConfig,
    module: SequenceModule,
    data: PreparedCorpus,
    *,
    team: Team,
    trackers: Sequence[Tracker],
    resume: Resume,
) -> dict[str, Any]:
    """Generate, fit, test, generate again, and compare with the baselines; return the results."""
    with team.training(
        run, config, settings.trainer.devices, step=resume.step, fingerprint=data.store.fingerprint
    ):
        callbacks = make_callbacks(settings.callbacks, run.checkpoints, console.console, resume)
        untrained = TrainedModel(module.network, data.encoding, data.vocabulary, config)

        # Of an untrained network's pieces few are well formed: to look for these would delay the first step.
        as_they_come = dataclasses.replace(settings.sampling, only_valid=False)
        with isolate_rng():  # sampling must not change the training
            first = generate(untrained, as_they_come)

        @cache
        def first_files() -> list[Path]:
            return _sample(untrained, as_they_come, run.samples / "before", trackers, batch=first)

        def sample_epoch(trainer: pl.Trainer, _: pl.LightningModule) -> None:
            first_files()  # here, since they would delay the first step
            epoch, every = trainer.current_epoch, settings.callbacks.sample_every_n_epochs
            if every and (epoch + 1) % every == 0:
                folder, step = run.samples / f"epoch-{epoch + 1:02d}", trainer.global_step
                _sample(untrained, settings.sampling, folder, trackers, step=step, epoch=epoch)

        callbacks += [
            FirstMelody(console.console, untrained, settings.sampling),
            LambdaCallback(on_train_epoch_end=sample_epoch),
        ]
        check_monitors(callbacks, module)
        trainer = make_trainer(
            settings.trainer, callbacks, [each.logger for each in trackers], run.path, team.place
        )
        console.line("model", module.summary)
        console.line("device", device_name(trainer, settings.threads))
        console.line("run", str(run.path))
        fit(trainer, module, CorpusDataModule(data, settings.seed), resume)
        files = [*first_files()]  # written now where no epoch was left to train
        if settings.trainer.profiler:
            console.console.print(profile_report(trainer))
    trained = load_model(run.checkpoint("best"))
    network = trained.network.to(trainer.strategy.root_device)
    held_out = held_out_set(data, "test", trained.vocabulary)
    found = measure_likelihood(network, data, trained.vocabulary, held_out)
    own = test_own(settings.metrics, network, data)
    test = {**test_metrics(found.scores, held_out), **own}
    logged, step = as_logged(test, own), trainer.fit_loop.epoch_loop._batches_that_stepped
    for each in trackers:
        each.log_test(logged, step, trainer.current_epoch)
    network.cpu()
    compared = data if settings.evaluate != "off" else None
    files += _sample(trained, settings.sampling, run.samples / "after", trackers, step=step, learnt=compared)

    baselines = baseline_metrics(found.baselines, found.scores, held_out)
    metrics = read_metrics(run.metrics)
    quoted = [baseline for baseline in baselines_from(baselines) if baseline.chosen or baseline.nats is None]
    files += draw_curves(metrics, run.path, quoted)
    results = {
        "model": trained.name,
        "folder": str(run.path),
        "test": test,
        "parts": part_metrics(found.scores, held_out),
        "validation": validation_metrics(metrics, settings.callbacks.monitor, settings.callbacks.mode),
        "split_overlap": data.overlap,
        "baselines": baselines,
        "sampling": for_json(config["sampling"]),
        "minutes": resume.seconds / 60,
        "files": [str(path.relative_to(run.path)) for path in files],
    }
    shown = {key: results[key] for key in ("test", "validation", "minutes")}
    outcome = FinalMetrics(logged, shown, quoted, run.checkpoint("best"), step, trainer.current_epoch)
    for each in trackers:
        each.finish(outcome)
    if settings.evaluate != "off":
        run.write_json(run.evaluation.name, _evaluation(trained, settings, data, found))
    run.finish(results)
    return results


def _evaluation(
    model: TrainedModel, settings: TrainSettings, data: PreparedCorpus, found: Likelihood
) -> dict[str, Any]:
    """Return the content of evaluation.json, with samples if that is configured."""
    if settings.evaluate == "full":
        sampling = dataclasses.replace(settings.sampling, num_samples=EVALUATED_SAMPLES)
        return evaluate(model, data, found.held_out, sampling, found=found)
    name = model.name
    return evaluation_file(name, "best", data, found.held_out, likelihood=likelihood_section(name, found))


def _earlier_attempt(state: str, start: ResumePoint | None) -> str:
    """Return where an earlier attempt, if any, is continued."""
    if start:
        return f"{state} before: resuming after step {start.step} (epoch {start.epoch + 1})"
    return "" if state in ("new", "queued") else f"{state} before: restarting from the beginning"


def _print_results(results: dict[str, Any], folder: Path) -> None:
    """Print the test metrics beside the baselines, then the files."""
    console.console.print()
    console.console.print(results_table(results))
    console.console.print(results_line(results))
    console.notes([*part_lines(results), overlap_warning(results["split_overlap"])])
    console.files([folder / name for name in results["files"]])


def _show(run: RunFolder, config: ResolvedConfig, settings: SamplingSettings) -> dict[str, Any]:
    """Print the results of a finished run; generate samples that are requested and missing."""
    check_whole(run.path)
    console.note(f"trained before; label=WORD makes a second copy of {run.path}")
    if unused := ignored(run, config):
        console.note(f"it is not trained again for {' '.join(unused)}")
    results = {**run.results, "folder": str(run.path)}
    _print_results(results, run.path)
    if for_json(config["sampling"]) != results.get("sampling"):
        model = load_model(run.checkpoint("best"))
        folder = run.samples / settings_name(
            {"checkpoint": "best", **config["sampling"]}, {"checkpoint": "best", **usual_sampling()}
        )
        _, files = generate_into(folder, model, settings, source=(run.path, "best"))
        console.files(files)
    return results


def _sample(
    model: TrainedModel,
    settings: SamplingSettings,
    folder: Path,
    trackers: Sequence[Tracker],
    *,
    batch: SampleBatch | None = None,
    step: int = 0,
    epoch: int | None = None,
    learnt: PreparedCorpus | None = None,
) -> list[Path]:
    """Write samples into a folder (``before``, ``epoch-N`` or ``after``) and show them in the trackers.

    ``batch``: the samples; None: generate them. ``learnt``: the corpus with whose training pieces they are
    compared; None: no comparison.
    """
    source = (folder.parents[1], "best") if folder.name == "after" else None
    with isolate_rng():  # sampling must not change the training
        batch = batch or generate(model, settings)
        files = write_into(folder, batch, model, settings, source=source, learnt=learnt)
    stage = folder.name if epoch is None else "epochs"
    texts = [model.encoding.join(one.tokens) for one in batch.samples]
    for each in trackers:
        each.show_samples(ShownSamples(stage, batch.samples, texts, files, step, epoch))
    return files
