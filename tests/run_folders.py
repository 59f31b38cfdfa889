"""Run folders made up, as training leaves them, for tests that need many or broken ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from etude.runs.catalogue import Entry
from etude.runs.folder import RunFolder
from etude.runs.identity import FORMAT

CONFIG: dict[str, Any] = {
    "seed": 0,
    "name": "erk_lstm",
    "label": None,
    "data": {
        "_target_": "etude.corpora.erk.ErkCorpus",
        "name": "erk",
        "split_fractions": [0.8, 0.1, 0.1],
    },
    "model": {"_target_": "etude.models.lstm.LSTMNetwork", "name": "lstm", "hidden_dim": 128, "dropout": 0.2},
    "optim": {"lr": 1e-3},
    "callbacks": {"progress_bar": True},
}


def made_up(
    outputs: Path,
    name: str = "erk_lstm/default_3b01b6ec",
    state: str = "done",
    *,
    nats: float | None = None,
    days: float = 0.0,
    **changed: Any,
) -> Entry:
    """A run folder of a few small files; ``changed`` has settings, ``model__hidden_dim`` for dotted keys."""
    run = RunFolder(outputs / name)
    config = {key: dict(value) if isinstance(value, dict) else value for key, value in CONFIG.items()}
    for key, value in changed.items():
        group, _, last = key.rpartition("__")
        (config[group] if group else config)[last] = value
    when = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(time.time() - days * 86400))
    status = {"state": state, "host": "elsewhere", "pid": 1, "time": when, "heartbeat": when}
    run.write_json("status.json", status)
    manifest = {"format": FORMAT, "signature": name[-8:], "corpus": {"fingerprint": "f" * 64}, "git": {}}
    run.write_json("manifest.json", manifest)
    run.config.write_text(yaml.safe_dump(config))
    run.metrics.write_text("step,epoch,train/loss_step\n9,0,1.5\n")
    if state == "done":
        run.checkpoints.mkdir(exist_ok=True)
        (run.checkpoints / "best.ckpt").write_bytes(b"weights")
        run.write_json("results.json", {"model": "lstm"})
    if nats is not None:
        figures = {"nats": nats, "accuracy": 0.5, "onsets": {"nats": 2 * nats}}
        run.write_json("results.json", {"test": figures, "validation": {"nats": nats + 1}, "minutes": 1.0})
    return Entry(run.path, name)
