"""The module of a training, alike in every process, and the weights that it starts from."""

from __future__ import annotations

from pathlib import Path

import torch

from etude.config.resolved import ResolvedConfig
from etude.corpora.gather import Batch
from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.initial_weights import InitialWeights, read_initial
from etude.models.module import SequenceModule, build_module
from etude.models.pretrained import PREFIX
from etude.runs.lookup import find_checkpoint
from etude.training.own_parts import add_metrics
from etude.training.settings import TrainSettings


def make_module(settings: TrainSettings, vocabulary: Vocabulary, encoding: Encoding) -> SequenceModule:
    """Return the untrained module; EtudeError for settings that its network has no use for."""
    module = build_module(settings.model, settings.optim, settings.schedule, vocabulary, encoding)
    add_metrics(module, settings.metrics, len(vocabulary))
    learns = any(weight.requires_grad for weight in module.network.parameters())
    if settings.label_smoothing and not learns:
        raise EtudeError(
            f"label_smoothing={settings.label_smoothing:g}: this model is counted, not trained by gradients; "
            "type label_smoothing=0.0"
        )
    module.label_smoothing = settings.label_smoothing
    if settings.compile:
        compile_steps(module)
    return module


def compile_steps(module: SequenceModule) -> None:
    """Compile the pass from a batch to its logits; sampling, of changing lengths, stays as it is.

    EtudeError if torch.compile does not work on this machine, which a tiny function shows before the first
    step, or later on this network.
    """
    try:
        torch.compile(_increment)(torch.zeros(2, device=module.device))
    except Exception as error:  # of the compiler, the backend or a missing tool
        raise EtudeError(
            f"compile=true: torch.compile does not work on this machine ({_in_a_line(error)}); install a C++ "
            "compiler such as g++, or type compile=false"
        ) from error
    compiled = torch.compile(module.label_logits, dynamic=True)

    def label_logits(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        try:
            return compiled(batch)
        except torch._dynamo.exc.TorchDynamoException as error:
            raise EtudeError(
                f"compile=true: this network cannot be compiled ({_in_a_line(error)}); type compile=false"
            ) from error

    module.label_logits = label_logits  # type: ignore[method-assign]


def _in_a_line(error: Exception) -> str:
    [first, *_] = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first}"


def _increment(numbers: torch.Tensor) -> torch.Tensor:
    return numbers + 1


def initial_weights(config: ResolvedConfig) -> tuple[InitialWeights | None, ResolvedConfig]:
    """Return the weights that ``init_from`` names, and the config with their file and checksum.

    EtudeError if they are not those of ``init_sha256``, which a stored training states.
    """
    typed, wanted = config["init_from"], config["init_sha256"]
    if typed is None:
        if wanted is not None:
            raise EtudeError("init_sha256 is the checksum of init_from: type init_from=… too")
        return None, config
    needed = "" if wanted is None else f"; the weights with init_sha256={wanted} are needed"
    try:
        found = read_initial(find_checkpoint(typed)[0])
    except EtudeError as error:
        raise EtudeError(f"init_from={typed}: {error}{needed}") from error
    if wanted not in (None, found.sha256):
        raise EtudeError(f"init_from={typed} holds other weights ({found.sha256}){needed}")
    # What "latest" or the beginning of a name means changes with the next training.
    place = typed if typed.startswith(PREFIX) and not Path(typed).exists() else str(found.path)
    return found, config.changed(init_from=place, init_sha256=found.sha256)
