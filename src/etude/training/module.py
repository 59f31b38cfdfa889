"""The module of a training, alike in every process: network, metrics, label smoothing, compilation."""

from __future__ import annotations

import torch

from etude.corpora.gather import Batch
from etude.encodings import Encoding
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.module import SequenceModule, build_module
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
        torch.compile(lambda numbers: numbers + 1)(torch.zeros(2, device=module.device))
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
