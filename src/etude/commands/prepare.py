"""``etude prepare``: encode a corpus as training would, and report on it."""

from __future__ import annotations

import time
from typing import Any

from omegaconf import DictConfig

from etude.commands import console
from etude.config.build import build
from etude.corpora.data_module import CorpusDataModule


def prepare(cfg: DictConfig) -> dict[str, Any]:
    """Prepare the configured corpus; return its counts and the folder of its store."""
    started = time.perf_counter()
    data: CorpusDataModule = build(cfg.data)
    for name, place, reason in data.store.rejected:
        console.note(f"  rejected {name}{f' ({place})' if place else ''}: {reason}")
    console.corpus(data)
    console.note(f"store   {data.store.folder} ({time.perf_counter() - started:.2f} s)")
    return {"folder": str(data.store.folder), **data.store.description["counts"]}
