"""``etude prepare``: encode a corpus as training would, and report on it."""

from __future__ import annotations

import time
from typing import Any

from omegaconf import DictConfig

from etude.commands import console
from etude.config.build import build
from etude.corpora.prepared import PreparedCorpus


def prepare(cfg: DictConfig) -> dict[str, Any]:
    """Prepare the configured corpus; return its counts and the folder of its store."""
    started = time.perf_counter()
    data: PreparedCorpus = build(cfg.data)
    console.rejected_examples(data.store)
    console.corpus(data)
    console.note(f"store   {data.store.folder} ({time.perf_counter() - started:.2f} s)")
    if advice := console.cure(data.store):
        console.note(advice)
    return {"folder": str(data.store.folder), **data.store.description["counts"]}
