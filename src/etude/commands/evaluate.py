"""``etude evaluate``: measure a trained run on held-out music, and its samples beside that music."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig

from etude.api import evaluate_run
from etude.commands import console
from etude.commands.report_pages import open_run_page
from etude.config.compose import plain
from etude.config.fields import from_plain
from etude.files import write_json
from etude.models.checkpoint import load_model
from etude.reports.evaluation_tables import evaluation_tables
from etude.runs.catalogue import is_run
from etude.runs.evaluations import evaluation_path
from etude.runs.folder import RunFolder
from etude.runs.lookup import find_checkpoint
from etude.sampling.settings import SamplingSettings


def evaluate(cfg: DictConfig) -> dict[str, Any]:
    """Evaluate as configured: print the tables, store evaluation.json, and return the model's row."""
    values = plain(cfg)
    sampling = from_plain(SamplingSettings, values["sampling"])
    torch.set_num_threads(cfg.threads)
    checkpoint, samples = find_checkpoint(cfg.run, cfg.checkpoint)
    content = evaluate_run(
        load_model(checkpoint),
        sampling,
        corpus=values["data"],
        set_name=cfg.set,
        checkpoint=checkpoint.stem,
        resamples=cfg.resamples,
    )
    for each in evaluation_tables(content):
        console.console.print(each)
    corpus = "" if values["data"] is None else content["corpus"]["name"]
    path = evaluation_path(checkpoint, samples, corpus=corpus, set_name=cfg.set)
    write_json(path, content)
    console.files([path])
    if is_run(samples.parent):
        open_run_page(RunFolder(samples.parent))
    return {"file": str(path), **content["likelihood"]["rows"][0]}
