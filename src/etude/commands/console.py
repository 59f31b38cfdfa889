"""Console: the lines and tables that `etude train` prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.terminal import output_console

if TYPE_CHECKING:  # `etude prepare` prints with this module, and waits for nothing slow
    from torch import nn

    from etude.corpora.prepared import PreparedCorpus
    from etude.corpora.store import Store
    from etude.runs.folder import RunFolder
    from etude.training.checkpoints import ResumePoint

console = output_console()


def corpus(data: PreparedCorpus) -> None:
    """Print the corpus: pieces, tokens, vocabulary, split, rejected pieces; warn if the split overlaps."""
    store = data.store
    by_window = data.split.train.labels is not None
    sizes = " / ".join(
        f"{len(subset.pieces) if subset.labels is None else subset.labels.sum():,}" for subset in data.split
    )
    _line(
        "corpus",
        f"{data.name}: {len(store):,} pieces, {store.num_tokens:,} tokens, {len(store.vocabulary)} symbols; "
        f"train / val / test {sizes} {'windows' if by_window else 'pieces'}; {rejections(store)}",
    )
    if store.moved.notes:
        note(moved_notes(store))
    if by_window:
        note(overlap_warning(data.overlap))


def overlap_warning(overlap: float) -> str:
    """Return a warning with the measured overlap of a split by window; "" for a split by piece."""
    if not overlap:
        return ""
    return (
        f"overlapping windows: validation figures are optimistic ({overlap:.0%} of the tokens of a "
        "validation window are training labels)"
    )


def moved_notes(store: Store) -> str:
    """How many notes were moved to the grid, and the largest move."""
    pieces, notes, farthest = store.moved
    return f"{notes:,} notes of {pieces:,} pieces moved to the grid, by {farthest:.3g} quarter notes at most"


def rejections(store: Store) -> str:
    """Return the number of rejected pieces for each reason."""
    if not store.num_rejected:
        return "none rejected"
    common = store.reasons.most_common(5)
    reasons = ", ".join(f"{count} × {reason}" for reason, count in common)
    others = len(store.reasons) - len(common)
    more = f", and {others} other reason{'s' * (others != 1)}" if others else ""
    return f"{store.num_rejected} rejected ({reasons}{more})"


def rejected_examples(store: Store) -> None:
    """Print three rejected pieces, the file that lists all, and a setting that would take many of them."""
    for name, place, reason in store.rejected[:3]:
        note(f"  rejected {name}{f' ({place})' if place else ''}: {reason}")
    if store.num_rejected > 3:
        note(f"  and {store.num_rejected - 3} more: {store.folder / 'rejected.json'}")


def cure(store: Store) -> str:
    """Return what to type if one reason rejects most pieces and a setting cures it; "" otherwise."""
    [(reason, count)] = store.reasons.most_common(1) or [("", 0)]
    if 2 * count <= store.num_rejected:
        return ""
    if step := re.search(r"a step of (\S+) takes it", reason):
        return f"data.encoding.step={step[1]} takes {count} of the rejected pieces"
    if "quantise=nearest" in reason:
        return f"data.quantise=nearest takes {count} of the rejected pieces"
    if reason == "notes sound at once":
        return (
            f"{count} pieces have several notes at once; choose a part: data.track=… or data.melody=highest"
        )
    return ""


def model(name: str, network: nn.Module) -> None:
    """Print the architecture and its size."""
    count = sum(parameter.numel() for parameter in network.parameters())
    _line("model", f"{name}: {count:,} parameters")


def device(accelerator: Any, threads: int) -> None:
    """Print the device."""
    name = type(accelerator).__name__.removesuffix("Accelerator")
    details = f"{threads} thread{'s' * (threads != 1)}" if name == "CPU" else ""
    if name == "CUDA":
        from torch.cuda import get_device_name

        details = get_device_name(0)
    _line("device", f"{name}, {details}" if details else name)


def start(run: RunFolder, point: ResumePoint | None) -> None:
    """Print the step to resume from, if there was an earlier attempt."""
    state = run.state
    if point:
        note(f"{state} before: resuming after step {point.step} (epoch {point.epoch + 1})")
    elif state not in ("new", "queued"):
        note(f"{state} before: restarting from the beginning")


def run(folder: Path) -> None:
    """Print the run's folder."""
    _line("run", str(folder))


def results(figures: dict[str, Any], folder: Path) -> None:
    """Print the test metrics beside the baselines, then the files."""
    from etude.evaluation.likelihood import LabelMetrics
    from etude.evaluation.metrics import baselines_from
    from etude.reports.tables import run_summary

    test, val = figures["test"], figures["validation"]
    console.print()
    console.print(
        run_summary(
            figures["model"],
            LabelMetrics(test["nats"], test["accuracy"]),
            baselines_from(figures["baselines"]),
            onsets=LabelMetrics(**test["onsets"]) if test["onsets"] else None,
            title="test figures",
        )
    )
    console.print(
        f"test: {test['nats']:.3f} nats/token, {test['bits']:.3f} bits/token, "
        f"accuracy {test['accuracy']:.1%} (validation: {val['nats']:.3f} nats/token, {val['accuracy']:.1%}); "
        f"best of {val['epochs']} epochs: {val['best_epoch']}; {figures['minutes']:.1f} minutes"
    )
    if warning := overlap_warning(figures["split_overlap"]):
        note(warning)
    files([folder / name for name in figures["files"]])


def files(paths: Sequence[Path]) -> None:
    """Print the written files; files that differ only in their suffix share a line."""
    console.print(f"\n{len(paths)} files written:")
    stems: dict[Path, list[str]] = {}
    for path in paths:
        stem, dot, suffix = path.name.partition(".")
        stems.setdefault(path.with_name(stem), []).append(dot + suffix)
    for path, suffixes in stems.items():
        gap = "  " if len(suffixes) > 1 else ""
        console.print(f"  {path}{gap}{' '.join(suffixes)}", markup=False)


def note(text: str) -> None:
    """Print a note."""
    console.print(text, markup=False)


def _line(label: str, text: str) -> None:
    console.print(f"[bold]{label:<7}[/bold]", end=" ")
    console.print(text, markup=False)
