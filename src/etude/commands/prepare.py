"""``etude prepare``: encode a corpus as training would, and report on it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import partial
from typing import Any

from omegaconf import DictConfig

from etude.commands import console
from etude.config.build import build
from etude.corpora.cures import cure
from etude.corpora.prepared import PreparedCorpus
from etude.corpora.ray_pool import ray_pool
from etude.reports.corpus import corpus_notes, corpus_summary, rejected_examples


def prepare(cfg: DictConfig) -> dict[str, Any]:
    """Prepare the configured corpus; return its counts and the folder of its store."""
    started = time.perf_counter()
    data: PreparedCorpus = build(cfg.data)
    data.prepared(nullcontext if cfg.ray is None else partial(ray_pool, cfg.ray))
    console.notes(rejected_examples(data.store))
    console.line("corpus", corpus_summary(data))
    console.notes(corpus_notes(data))
    console.note(f"store   {data.store.folder} ({time.perf_counter() - started:.2f} s)")
    console.notes([cure(data.store)])
    return {"folder": str(data.store.folder), **data.store.description["counts"]}
