"""Identity: the settings that make two trainings the same, and the folder name made of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from etude.config.resolved import ResolvedConfig

FORMAT = 2  # raise it when this version cannot read the runs of earlier ones

# Where and how a training is run, called and watched, not what is trained: these do not count. What a corpus
# holds is in its fingerprint, wherever it is.
NOT_IDENTITY = (
    "name",
    "outputs_dir",
    "init_from",  # init_sha256 says which weights, wherever they are
    "threads",
    "logger",
    "sampling",
    "data.name",
    "data.published",
    "data.path",
    "data.data_dir",
    "data.encoding.trained",  # its checksum is in the fingerprint
    "data.mirror",
    "data.max_rejected",
    "data.on_device",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.strategy",
    "trainer.detect_anomaly",
    "trainer.log_every_n_steps",
    "trainer.profiler",
    "model.name",
    "callbacks.save_top_k",
    "callbacks.every_n_train_steps",
    "callbacks.keep_every_epoch",
    "callbacks.sample_every_n_epochs",
    "callbacks.progress_bar",
    "callbacks.checkpoint_minutes",
    "on_running",
    "on_mismatch",
    "retry",
    "evaluate",
)

# Settings that change nothing at these values: a training has the same signature with and without the key.
NEUTRAL: dict[str, Any] = {
    "label_smoothing": 0.0,
    "compile": False,
    "model.tie_weights": False,
    "callbacks.monitor": "val/loss",
    "callbacks.mode": "min",
    "trainer.min_epochs": None,
    "trainer.max_steps": -1,
    "trainer.min_steps": None,
    "trainer.max_time": None,
    "trainer.limit_train_batches": None,
    "trainer.limit_val_batches": None,
    "trainer.overfit_batches": 0,
    "trainer.fast_dev_run": False,
    "trainer.val_check_interval": None,
    "trainer.check_val_every_n_epoch": 1,
    "trainer.accumulate_grad_batches": 1,
    "trainer.gradient_clip_algorithm": None,
    "optim.betas": [0.9, 0.999],
    "optim.eps": 1e-8,
    "optim.amsgrad": False,
    "optim.alpha": 0.99,
    "optim.momentum": 0.0,
    "optim.dampening": 0.0,
    "optim.centered": False,
    "optim.nesterov": False,
    "optim.decay_biases_and_norms": True,
    "schedule.warmup": 0,
    "schedule.interval": "step",
}

LONGEST_VALUE = 20  # characters of a sampling setting in a folder name
LONGEST_NAME = 80  # characters; folder names travel through file systems and shells


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested settings under dotted keys, lists as they are."""
    leaves: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            leaves |= flatten(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def leaf(config: Mapping[str, Any], key: str) -> Any:
    """Return what :func:`flatten` has under a key, without the others; None if it has nothing there."""
    first, *parts = key.split(".")
    value = config.get(first)
    for part in parts:
        value = value.get(part) if isinstance(value, dict) else None
    return None if isinstance(value, dict) and value else value


def identity(config: ResolvedConfig) -> dict[str, Any]:
    """Return the settings that decide the weights, under dotted keys."""
    excluded = re.compile("|".join(f"{re.escape(key)}(\\.|$)" for key in NOT_IDENTITY))
    leaves = {key: value for key, value in flatten(config).items() if not excluded.match(key)}
    return {
        key: value
        for key, value in leaves.items()
        if value != {} and not (key in NEUTRAL and value == NEUTRAL[key])
    }


def signature(config: ResolvedConfig, fingerprint: str) -> str:
    """Return the hash of a training: its resolved settings and its corpus (fingerprint)."""
    content = {"format": FORMAT, "corpus": fingerprint, "config": identity(config)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def folder_name(config: ResolvedConfig, defaults: ResolvedConfig, sign: str) -> str:
    """Return a readable folder name: settings that differ from ``defaults``, then part of the signature.

    Classes come first: another class brings settings that nobody typed, and a long name is cut.
    """
    ours, theirs = identity(config), identity(defaults)
    classes_first = sorted(ours.items(), key=lambda item: not item[0].endswith("_target_"))
    changed = [
        _changed(key, value) for key, value in classes_first if value != theirs.get(key) and key != "label"
    ]
    label = [str(config["label"])] if config.get("label") is not None else []
    # Only characters that neither shells nor Hydra's override grammar take for something else.
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", "_".join([*label, *changed])).strip("-_.")[:LONGEST_NAME]
    return f"{readable or 'default'}_{sign[:8]}"


def _changed(key: str, value: Any) -> str:
    """Return a changed setting in words: `hidden_dim-256`, or `optim-AdamW` for a class."""
    group, _, last = key.rpartition(".")
    if key == "init_sha256":
        return f"init-{str(value)[:8]}"
    if last == "_target_":
        return f"{group.rpartition('.')[2]}-{str(value).rpartition('.')[2]}"
    return f"{last}-{_short(value)}"


def _short(value: Any) -> str:
    """Return a long number rounded to four significant digits; the signature keeps names distinct."""
    text = str(value)
    text = f"{value:.4g}" if isinstance(value, float) and len(text) > 8 else text
    return text.replace("e+", "e")  # a + has no place in a folder name, and a - would be another number


def settings_name(settings: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """Return a readable name for sampling settings: temperature, seed, and what is not as ``usual``.

    The same settings have the same name.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    words = [f"temperature-{settings['temperature']}", f"seed-{settings['seed']}"]
    words += [
        f"{key}-{(Path(value).name if key == 'primer_file' else str(value))[:LONGEST_VALUE]}"
        for key, value in settings.items()
        if key not in ("temperature", "seed") and value != usual.get(key)
    ]
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", "_".join(words))[:LONGEST_NAME].strip("-_.")
    return f"{readable}_{digest[:8]}"
