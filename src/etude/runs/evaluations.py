"""Stored evaluations: the file of a run's evaluation, and its content if it can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from etude.config.overrides import as_typed
from etude.errors import EtudeError
from etude.models.pretrained import FOLDER, PREFIX, pretrained_names
from etude.runs.catalogue import is_run
from etude.runs.folder import RunFolder
from etude.runs.lookup import find_checkpoint
from etude.runs.stored_types import EvaluationFile
from etude.stored_files import StoredFileError, check_values, read_json

SETS = ("test", "val", "train", "all")
CHECKPOINTS = ("best", "last")


def evaluation_path(checkpoint: Path, samples: Path, *, corpus: str = "", set_name: str = "test") -> Path:
    """Return the file for an evaluation: evaluation.json beside the samples folder of the checkpoint.

    Another corpus, set or checkpoint is in its name.
    """
    usual = checkpoint.stem == "best" or checkpoint.parent == FOLDER
    changed = [corpus, set_name if set_name != "test" else "", "" if usual else checkpoint.stem]
    name = RunFolder(samples.parent).evaluation.stem
    return samples.parent / f"{'_'.join([name, *filter(None, changed)])}.json"


class StoredEvaluation(NamedTuple):
    """The content of an evaluation.json with samples, and the run to open for more of them.

    ``word`` is what the user typed.
    """

    word: str
    run: str
    checkpoint: str
    path: Path
    content: dict[str, Any]


def read_evaluation(word: str) -> StoredEvaluation:
    """Return the evaluation of a run, or of the run whose evaluation_NAME_SET.json it is.

    EtudeError with what to type if there is none, or if it has no samples.
    """
    path = Path(word).expanduser()
    if path.suffix == ".json":
        run = _run_of(path)
    else:
        run, path = word, evaluation_path(*find_checkpoint(word))
    content = read_json(path, EvaluationFile)
    if not content:
        raise EtudeError(f"there is no {path}; type etude evaluate run={run}")
    try:
        _check_comparable(content, run)
    except StoredFileError as error:
        raise StoredFileError(f"{path} is damaged: {error}") from None
    except EtudeError as error:
        raise EtudeError(f"{path} {error}") from None
    checkpoint = content["checkpoint"] if content["checkpoint"] in CHECKPOINTS else CHECKPOINTS[0]
    return StoredEvaluation(word, run, checkpoint, path, content)


def _run_of(path: Path) -> str:
    """Return what to type for the run that has the evaluation in this file."""
    folder = path.parent
    if is_run(folder):
        return str(folder)
    if (name := f"{PREFIX}{folder.resolve().name}") in pretrained_names():
        return name
    raise EtudeError(f"{path} is not in the folder of a run; name one there, as etude evaluate writes it")


def _check_comparable(content: dict[str, Any], run: str) -> None:
    """Raise EtudeError with the rest of a sentence about the file."""
    corpus = content["corpus"]
    if corpus["set"] not in SETS:
        raise StoredFileError(f"corpus.set must be one of {', '.join(SETS)}")
    if not content["likelihood"]["rows"]:
        raise StoredFileError("likelihood.rows has no row")
    again = f"etude evaluate run={run}"
    again += f" data={as_typed(corpus['name'])}" if corpus["name"] != corpus["trained_on"] else ""
    again += f" set={corpus['set']}" if corpus["set"] != "test" else ""
    if "sampling" not in content:
        raise EtudeError(f"has the likelihood alone; type {again}")
    if not (content.get("music") and content.get("novelty")):
        raise EtudeError(f"has no sample with a note; type {again} sampling.num_samples=300")
    check_values(content["sampling"]["settings"], "sampling.settings")
