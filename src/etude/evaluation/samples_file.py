"""samples.json: how the samples of a folder came about, and how to generate them again."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from etude.config.conf_files import conf_dir
from etude.config.fields import for_json, to_plain
from etude.config.overrides import as_typed
from etude.corpora.prepared import PreparedCorpus
from etude.evaluation.novelty import copy_check
from etude.evaluation.statistics import sample_statistics
from etude.evaluation.stored_samples import NAME
from etude.files import write_json
from etude.models.checkpoint import TrainedModel
from etude.sampling.generation import SampleBatch, generate
from etude.sampling.output import write_samples
from etude.sampling.primers import SOURCES
from etude.sampling.samples import Sample
from etude.sampling.settings import SamplingSettings

FORMAT = 1


def generate_into(
    folder: Path,
    model: TrainedModel,
    settings: SamplingSettings,
    *,
    source: tuple[Path, str] | None,
    learnt: PreparedCorpus | None = None,
) -> tuple[SampleBatch, list[Path]]:
    """Generate music, and write it into a folder with samples.json; return it and the files.

    Arguments as for :func:`write_into`.
    """
    batch = generate(model, settings)
    return batch, write_into(folder, batch, model, settings, source=source, learnt=learnt)


def write_into(
    folder: Path,
    batch: SampleBatch,
    model: TrainedModel,
    settings: SamplingSettings,
    *,
    source: tuple[Path, str] | None,
    learnt: PreparedCorpus | None = None,
) -> list[Path]:
    """Write samples into a folder with samples.json; return the files.

    ``source``: see :func:`write_samples_file`. ``learnt``: the corpus whose training pieces the samples are
    compared with; None: no comparison. Without samples there is no samples.json.
    """
    files = write_samples(batch.samples, model.encoding, folder, settings.forms)
    if batch.samples:
        novelty = copy_check(batch.samples, learnt, model.vocabulary) if learnt else None
        files.append(
            write_samples_file(batch, model, settings, files, folder, source=source, novelty=novelty)
        )
    return files


def write_samples_file(
    batch: SampleBatch,
    model: TrainedModel,
    settings: SamplingSettings,
    files: Sequence[Path],
    folder: Path,
    *,
    source: tuple[Path, str] | None,
    novelty: Mapping[str, Any] | None = None,
) -> Path:
    """Write samples.json beside the ``files`` of the samples in ``folder``; return its path.

    ``source``: the run or checkpoint file, and which checkpoint, that generate them again; None for samples
    of a network that is not stored, such as that before training. ``novelty``: the copy check of the samples,
    None if there was none.
    """
    given = {name: getattr(settings, name) for name in SOURCES if getattr(settings, name) not in ("", None)}
    path = folder / NAME
    shared = {row["sample"]: row for row in novelty["rows"]} if novelty else {}
    content = {
        "format": FORMAT,
        "model": model.name,
        "corpus": model.config["data"]["name"],
        "encoding": model.encoding.name,
        "run": None if source is None else str(source[0]),
        "checkpoint": None if source is None else source[1],
        "command": None if source is None else sample_command(*source, settings),
        "seed": settings.seed,
        "primer": given,
        "settings": for_json(to_plain(settings)),
        "generated": batch.generated,
        "well_formed": batch.valid,
        "held_out_copies": novelty["held_out"] if novelty else None,
        "samples": [_sample(one, files, shared.get(one.number)) for one in batch.samples],
    }
    write_json(path, content)
    return path


def usual_sampling() -> dict[str, Any]:
    """Return the sampling settings of conf/ as plain values."""
    found: dict[str, Any] = yaml.safe_load(
        (conf_dir() / "sampling" / "default.yaml").read_text(encoding="utf-8")
    )
    return found


def sample_command(run: Path, checkpoint: str, settings: SamplingSettings) -> str:
    """Return the command line that generates the samples again, with the settings that differ from conf/."""
    defaults = usual_sampling()
    words = [f"run={as_typed(str(run))}", *([f"checkpoint={checkpoint}"] if checkpoint == "last" else [])]
    words += [
        f"sampling.{key}={as_typed(value)}"
        for key, value in to_plain(settings).items()
        if value != defaults[key]
    ]
    return shlex.join(["etude", "sample", *words])


def _sample(one: Sample, files: Sequence[Path], copied: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a sample as plain values: its files, its music in words, statistics and validity."""
    piece, stem = one.piece, f"sample-{one.number}."
    return {
        **dataclasses.asdict(sample_statistics(one)),
        "files": [path.name for path in files if path.name.startswith(stem)],
        "title": piece.title,
        "key": None if piece.key is None else str(piece.key),
        "metre": None if piece.metre is None else str(piece.metre),
        "tempo": piece.tempo,
        "quarters": float(piece.quarters),
        "primer_quarters": float(one.primer_quarters),
        "repairs": dict(one.repairs),
        "copied": copied,
    }
