"""A trained run, or a checkpoint file alone, opened for drawing: on the command line and in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from etude.config.compose import compose, plain
from etude.config.problems import did_you_mean
from etude.config.walk import faults
from etude.errors import EtudeError
from etude.models.checkpoint import TrainedModel, load_model
from etude.music import Piece
from etude.runs.folder import RunFolder
from etude.sampling.generation import generate


def find_checkpoint(path: Path | str, which: str = "best") -> tuple[Path, Path]:
    """Return the checkpoint of a run folder, or the file itself, and the folder for what is drawn from it."""
    path = Path(path).expanduser()
    if not path.is_file():
        run = RunFolder(path)
        return run.checkpoint(which), run.samples
    if path.parent.name == "checkpoints":
        return path, RunFolder(path.parent.parent).samples
    return path, path.with_name(f"{path.stem}-samples")


class TrainedRun:
    """A trained model: network, encoding, vocabulary, the training config, and :meth:`sample`."""

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self.network = model.module.network
        self.encoding, self.vocabulary, self.config = model.encoding, model.vocabulary, model.config

    def sample(self, n: int = 5, **settings: Any) -> list[Piece]:
        """Draw ``n`` pieces; ``settings`` are those of conf/sampling: ``temperature=1.0, primer="60 _"``.

        EtudeError for an unknown setting or a value out of range.
        """
        return [one.piece for one in generate(self.model, sampling_settings(num_samples=n, **settings))]

    def __repr__(self) -> str:
        return f"TrainedRun({self.model.module.name}, {self.encoding.name}, {len(self.vocabulary)} tokens)"


def sampling_settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of conf/sampling with these changes, checked as on the command line."""
    config = compose("sample", ["run=."])
    for key, value in changes.items():
        if key not in config.sampling:
            near = did_you_mean(key, map(str, config.sampling))
            raise EtudeError(
                f"there is no sampling setting {key!r}{near}\nKnown: {', '.join(config.sampling)}"
            )
        try:
            OmegaConf.update(config, f"sampling.{key}", value)
        except OmegaConfBaseException as error:
            raise EtudeError(f"sampling.{key}={value}: {str(error).splitlines()[0]}") from error
    if problems := [f"sampling.{key}: {why}" for key, why in _faults(config)]:
        raise EtudeError("\n".join(problems))
    settings: dict[str, Any] = plain(config.sampling)
    return settings


def _faults(config: Any) -> list[tuple[str, str]]:
    return [(fault.key.removeprefix("sampling."), fault.why) for fault in faults(config)]


def load_run(path: Path | str, checkpoint: str = "best") -> TrainedRun:
    """Open a run folder or a checkpoint file; EtudeError if there is none, or it is not one of ours."""
    return TrainedRun(load_model(find_checkpoint(path, checkpoint)[0]))
