"""``etude export RUN FILE`` and ``etude import FILE``: move a run, or its weights, between machines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from etude.commands.arguments import Words, mebibytes
from etude.errors import EtudeError
from etude.runs.archive import pack, unpack
from etude.runs.catalogue import Entry, find
from etude.runs.checksums import check_whole
from etude.runs.folder import RunFolder
from etude.terminal import say

_EXPORT = """\
Pack a run into a zip file: config, manifest, metrics, results, checkpoints, samples, log, with their sha256.
FILE.safetensors takes the weights alone: with settings and vocabulary, what etude sample run=FILE needs.

The manifest describes the machine and holds uncommitted changes to the code: check it before publishing."""

_IMPORT = """\
Unpack a run from etude export to its place below outputs/. Every file is verified; nothing is
overwritten; an identical run is left as it is."""


def export(words: Sequence[str]) -> int:
    """Pack a run; return the exit code."""
    parser = Words("export", _EXPORT)
    parser.add_argument("run", metavar="RUN", help="its folder, latest, or the beginning of its name or hash")
    parser.add_argument("file", type=Path, metavar="FILE.zip|FILE.safetensors")
    parser.add_argument("--wandb", action="store_true", help="W&B's own files too")
    parser.add_argument("--bfloat16", action="store_true", help="weights of half the size, rounded")
    flags = parser.read(words)
    run = find(flags.outputs, flags.run)
    if flags.file.suffix == ".safetensors":
        return _export_weights(run, flags.file, bfloat16=flags.bfloat16)
    if flags.bfloat16:
        parser.error("--bfloat16 is for FILE.safetensors; a zip file keeps the checkpoints as they are")
    count = pack(run, flags.file, wandb=flags.wandb)
    say(f"{flags.file}: {count} files of {run.path}, {mebibytes(flags.file.stat().st_size)}")
    return 0


def _export_weights(run: Entry, file: Path, *, bfloat16: bool) -> int:
    """Write the best weights of a run to a safetensors file; return the exit code."""
    import torch

    from etude.models.checkpoint import load_model
    from etude.models.export import export_weights

    if file.exists():
        raise EtudeError(f"{file} exists; it is not overwritten")
    if not file.parent.is_dir():
        raise EtudeError(f"there is no folder {file.parent}")
    run.check_readable()
    check_whole(run.path, ["checkpoints/best.ckpt"])
    model = load_model(RunFolder(run.path).checkpoint("best"))
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    difference = export_weights(model, str(run.value("corpus")), file, dtype)
    same = "step by step the same" if not difference else f"within {difference:.2g} nats at each step"
    say(f"{file}: the weights of {run.path}, {mebibytes(file.stat().st_size)}; {same}")
    return 0


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
