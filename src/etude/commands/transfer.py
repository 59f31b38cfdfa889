"""``etude export RUN FILE`` and ``etude import FILE``: move a run, or its weights, between machines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from etude.commands.arguments import Words, mebibytes
from etude.errors import EtudeError
from etude.models.pretrained import PREFIX, pretrained
from etude.runs.archive import pack, unpack
from etude.runs.catalogue import Entry, find
from etude.runs.checksums import check_whole
from etude.runs.folder import RunFolder
from etude.terminal import say

if TYPE_CHECKING:
    from etude.models.checkpoint import TrainedModel

_EXPORT = """\
Pack a run into a zip file: config, manifest, metrics, results, checkpoints, samples, log, with their sha256.
FILE.safetensors takes the weights alone: with settings and vocabulary, what etude sample run=FILE needs.
FILE.onnx takes one step of the network, for other programs (pip install onnx onnxruntime).

The manifest describes the machine and holds uncommitted changes to the code: check it before publishing."""

_IMPORT = """\
Unpack a run from etude export to its place below outputs/. Every file is verified; nothing is
overwritten; an identical run is left as it is."""


def export(words: Sequence[str]) -> int:
    """Pack a run; return the exit code."""
    parser = Words("export", _EXPORT)
    help_ = "its folder, latest, the beginning of its name or hash, or pretrained/NAME for the weights alone"
    parser.add_argument("run", metavar="RUN", help=help_)
    parser.add_argument("file", type=Path, metavar="FILE.zip|FILE.safetensors|FILE.onnx")
    parser.add_argument("--wandb", action="store_true", help="W&B's own files too")
    parser.add_argument("--bfloat16", action="store_true", help="weights of half the size, rounded")
    flags = parser.read(words)
    comes_with_etude = flags.run.startswith(PREFIX) and not Path(flags.run).exists()
    run = None if comes_with_etude else find(flags.outputs, flags.run)
    if flags.file.suffix == ".safetensors":
        return _export_weights(_weights(run, flags.run), flags.file, bfloat16=flags.bfloat16)
    if flags.bfloat16:
        parser.error("--bfloat16 is for FILE.safetensors; a zip or ONNX file keeps the weights as they are")
    if flags.file.suffix == ".onnx":
        return _export_onnx(_weights(run, flags.run), flags.file)
    if run is None:
        parser.error(f"{flags.run} has weights and no run; type a FILE.safetensors or FILE.onnx")
    count = pack(run, flags.file, wandb=flags.wandb)
    say(f"{flags.file}: {count} files of {run.path}, {mebibytes(flags.file.stat().st_size)}")
    return 0


class _Weights(NamedTuple):
    """Weights to export: what they are called, their file, and the fingerprint of their corpus."""

    name: str
    path: Path
    corpus: str


def _weights(run: Entry | None, word: str) -> _Weights:
    """Return the best weights of a run, or of the model of that name that comes with Étude."""
    from etude.models.checkpoint import load_holder

    if run is None:
        path = pretrained(word)
        return _Weights(word, path, load_holder(path)[1]["corpus_fingerprint"])
    run.check_readable()
    check_whole(run.path, ["checkpoints/best.ckpt"])
    return _Weights(str(run.path), RunFolder(run.path).checkpoint("best"), str(run.value("corpus")))


def _export_weights(weights: _Weights, file: Path, *, bfloat16: bool) -> int:
    """Write weights to a safetensors file; return the exit code."""
    import torch

    from etude.models.export import export_weights

    dtype = torch.bfloat16 if bfloat16 else torch.float32
    difference = export_weights(_model(weights, file), weights.corpus, file, dtype)
    same = "step by step the same" if not difference else f"within {difference:.2g} nats at each step"
    say(f"{file}: the weights of {weights.name}, {mebibytes(file.stat().st_size)}; {same}")
    return 0


def _export_onnx(weights: _Weights, file: Path) -> int:
    """Write a network to an ONNX file; return the exit code."""
    from etude.models.onnx_file import export_onnx

    difference = export_onnx(_model(weights, file), weights.corpus, file)
    size = mebibytes(file.stat().st_size)
    say(f"{file}: the network of {weights.name}, {size}; within {difference:.2g} nats at each step")
    return 0


def _model(weights: _Weights, file: Path) -> TrainedModel:
    """Return the model that ``file`` shall hold; EtudeError if it cannot be written or read."""
    from etude.models.checkpoint import load_model

    if file.exists():
        raise EtudeError(f"{file} exists; it is not overwritten")
    if not file.parent.is_dir():
        raise EtudeError(f"there is no folder {file.parent}")
    return load_model(weights.path)


def import_(words: Sequence[str]) -> int:
    """Unpack a run; return the exit code."""
    parser = Words("import", _IMPORT)
    parser.add_argument("file", type=Path, metavar="FILE.zip")
    flags = parser.read(words)
    run, is_new = unpack(flags.file, flags.outputs)
    say(f"{run.path}: {'imported' if is_new else 'is there already, with the same files'} ({run.state})")
    say(f"etude sample run={run.path} needs nothing else.")
    say(f"etude rerun {run.path} needs the corpus {_corpus(run)}.")
    return 0


def _corpus(run: Entry) -> str:
    """Return which corpus a run was trained on, and how to get it."""
    fingerprint = str(run.value("corpus"))[:12]
    store = Path(os.environ.get("ETUDE_DATA_DIR", "data")) / "store"
    what = f"{run.value('data')} with the fingerprint {fingerprint}"
    if list(store.glob(f"*-{fingerprint}")):
        return f"{what}, which is prepared here"
    if path := run.value("data.path"):
        return f"{what}, from the files that were in {path}: set data.path=... to their folder here"
    return f"{what}, which is prepared at the first use"
