"""``etude rerun RUN``: train a run again and compare the two."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.commands.arguments import Words
from etude.config.problems import did_you_mean
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.catalogue import Entry, find
from etude.runs.checksums import check_whole
from etude.runs.comparison import (
    Change,
    changes,
    circumstances,
    count_steps,
    metrics_difference,
    one_sided_columns,
    weights_difference,
)
from etude.runs.folder import RunFolder
from etude.runs.identity import flatten, identity
from etude.runs.query import as_text
from etude.terminal import say

if TYPE_CHECKING:
    from etude.corpora.prepared import PreparedCorpus

_ABOUT = """\
Train a finished run again from its stored config, in a new folder, and compare: metrics.csv row by row, the
weights bit by bit, the metrics. Lists first what has changed since: code, packages, machine.

KEY=VALUE changes what does not decide the weights, such as data.path, threads or trainer.accelerator.
Exit code 0: identical. 1: different. The comparison is kept in rerun.json of the new folder."""

_FIXED = ("name", "outputs_dir")


def rerun(words: Sequence[str]) -> int:
    """Repeat a run and compare; return the exit code."""
    flags = _words().read(words)
    original = find(flags.outputs, flags.run)
    original.check_readable()
    check_whole(original.path)
    if original.state != "done":
        raise EtudeError(f"{original.path} is {original.state}: only a run that is done can be repeated")
    config, filled = _config(original, flags)
    data = _corpus(config["data"], original, flags.other_corpus)
    differing = _differing(config, data, original)
    _announce(original, differing, filled)

    from omegaconf import OmegaConf

    from etude.commands.train import train

    config = config.changed(label=_free_label(config, data.store.fingerprint))
    results = train(OmegaConf.create(config.as_dict()))
    copy = RunFolder(Path(results["folder"]))
    found = compared(original.path, copy.path)
    about = {"original": str(original.path), "signature": original.value("signature"), "filled": filled}
    then_and_now = [{"key": key, "then": then, "now": now} for key, then, now in differing]
    copy.write_json("rerun.json", {**found, **about, "circumstances": then_and_now})
    say(f"\n{verdict(found)}\n(kept in {copy.path / 'rerun.json'})")
    return 0 if found["identical"] else 1


def _words() -> Words:
    words = Words("rerun", _ABOUT)
    words.add_argument("run", metavar="RUN", help="its folder, latest, or the beginning of its name or hash")
    words.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    words.add_argument(
        "--other-corpus", action="store_true", help="continue although the corpus has changed since"
    )
    return words


def _config(original: Entry, flags: Namespace) -> tuple[ResolvedConfig, list[str]]:
    """Return the stored config, checked for today, and the settings added since, set to their defaults."""
    from omegaconf import OmegaConf

    from etude.config.compose import compose, plain
    from etude.config.stored import check_stored
    from etude.config.today import for_today

    defaults = plain(compose("train"))
    config = OmegaConf.create(for_today(original.config, defaults))
    for key, value in _typed(flags.overrides, original).items():
        OmegaConf.update(config, key, value)
    config.outputs_dir = str(flags.outputs)
    stored: Any = OmegaConf.to_container(config)
    checked, filled, problems = check_stored(stored, defaults)
    if problems:
        commit = original.value("commit")
        lines = [f"this version of Étude cannot repeat {original.path}:"]
        lines += [f"  {problem.what}: {problem.why}" for problem in problems]
        lines.append(f"It was made at commit {commit}." if commit else "The manifest names no commit.")
        raise EtudeError("\n".join(lines))
    return ResolvedConfig(checked), filled


def _typed(overrides: Sequence[str], original: Entry) -> dict[str, Any]:
    """Return the overrides as values; EtudeError for any that would change the training."""
    from omegaconf import OmegaConf

    free = original.settings.keys() - identity(original.config).keys() - set(_FIXED)
    problems = []
    values: dict[str, Any] = {}
    for override in overrides:
        key, equals, _ = override.partition("=")
        if not equals:
            problems.append(f"{override}: KEY=VALUE is wanted")
        elif key in original.settings and key not in free:
            problems.append(f"{override}: would be another training; etude train does that")
        elif key not in free:
            problems.append(f"{override}: no such key{did_you_mean(key, free)}")
        else:
            values[key] = OmegaConf.select(OmegaConf.from_dotlist([override]), key)
    if problems:
        raise EtudeError("\n".join(problems))
    return values


def _corpus(node: Mapping[str, Any], original: Entry, other: bool) -> PreparedCorpus:
    """Return today's corpus; EtudeError if it has changed since the run, unless ``--other-corpus``."""
    from etude.config.build import build_as
    from etude.corpora.prepared import PreparedCorpus
    from etude.corpora.settings import CorpusConfig

    data: PreparedCorpus = build_as(PreparedCorpus, node, CorpusConfig)
    then = original.manifest.get("corpus") or {}
    if data.store.fingerprint == then.get("fingerprint") or other:
        return data
    now = {key: data.store.description[key] for key in ("corpus", "encoding", "counts")}
    differing = [each for each in changes(flatten(then), flatten(now)) if each.key != "fingerprint"]
    lines = [f"the corpus is not the one that {original.path} was trained on:"]
    lines += [f"  {key}: {was} then, {is_now} now" for key, was, is_now in differing]
    lines += [
        "Where raw_sha256 differs, the files do: data.path=… or data.mirror=… names others. Where a",
        "version does, the code does: take the manifest's commit. --other-corpus continues anyway.",
    ]
    raise EtudeError("\n".join(lines))


def _differing(config: ResolvedConfig, data: PreparedCorpus, original: Entry) -> list[Change]:
    """Return the differences between the manifests of the run and of today."""
    import torch

    from etude.runs.manifest import manifest

    torch.set_num_threads(config["threads"])
    now = json.loads(json.dumps(manifest(config, data.store.description)))
    return changes(circumstances(original.manifest), circumstances(now))


def _announce(original: Entry, differing: Sequence[Change], filled: Sequence[str]) -> None:
    say(f"rerun   of {original.path}")
    for key, then, now in differing:
        say(f"differs {key}: {_shown(then)} then, {_shown(now)} now")
    if not differing:
        say("differs nothing: code, packages, machine and corpus are those of then")
    for key in filled:
        say(f"differs {key}: a newer setting; its default is used")


def _shown(value: Any) -> str:
    return as_text(value) if value not in ("", None) else "nothing"


def _free_label(config: ResolvedConfig, fingerprint: str) -> str:
    """Return a label that no finished and compared rerun has."""
    from etude.config.frozen import chosen_defaults
    from etude.runs.lookup import find_run

    parent, defaults = Path(config["outputs_dir"]) / config["name"], chosen_defaults(config)
    stem = f"{config['label']}-rerun" if config["label"] is not None else "rerun"
    label, number = stem, 1
    while (run := find_run(parent, config.changed(label=label), defaults, fingerprint)).is_done:
        if not (run.path / "rerun.json").is_file():
            break
        number += 1
        label = f"{stem}-{number}"
    return label


def compared(original: Path, copy: Path) -> dict[str, Any]:
    """Compare two runs: logged metrics, weights of both checkpoints, test metrics; as plain values."""
    ours, theirs = Entry(original, original.name), Entry(copy, copy.name)
    step = metrics_difference(original / "metrics.csv", copy / "metrics.csv")
    first = None if step is None else {**step._asdict(), "size": None if math.isnan(step.size) else step.size}
    weights = {
        name: weights_difference(original / "checkpoints" / name, copy / "checkpoints" / name)
        for name in ("best.ckpt", "last.ckpt")
        if (original / "checkpoints" / name).is_file() and (copy / "checkpoints" / name).is_file()
    }
    metrics = [each for each in changes(ours.metrics, theirs.metrics) if each.key != "minutes"]
    return {
        "identical": step is None and not metrics and all(each["identical"] for each in weights.values()),
        "rows": count_steps(original / "metrics.csv"),
        "first_difference": first,
        "columns_of_one": one_sided_columns(original / "metrics.csv", copy / "metrics.csv"),
        "weights": weights,
        "metrics": [each._asdict() for each in metrics],
    }


def verdict(found: dict[str, Any]) -> str:
    """Return the result of a comparison in words, the first difference first."""
    tensors = next((each["tensors"] for each in found["weights"].values()), 0)
    if found["identical"]:
        return f"identical: {found['rows']} rows of metrics.csv, {tensors} tensors of weights, every metric"
    lines = []
    if step := found["first_difference"]:
        size = "one of them has none" if step["size"] is None else f"apart by {step['size']:.3g}"
        lines.append(
            f"different from step {step['step']} on: {step['column']} was {step['first']}, "
            f"is {step['second']} ({size})"
        )
    else:
        lines.append(f"different, though the {found['rows']} rows of metrics.csv are the same")
    for name, each in found["weights"].items():
        if each["identical"]:
            lines.append(f"  {name}: the same weights")
        else:
            unlike = f"; not to be compared: {', '.join(each['unlike'])}" if each["unlike"] else ""
            lines.append(f"  {name}: weights apart by up to {each['largest']:.3g} ({each['where']}){unlike}")
    lines += [f"  {each['key']}: was {each['first']}, is {each['second']}" for each in found["metrics"]]
    return "\n".join(lines)
