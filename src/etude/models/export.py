"""Export of a trained model as one small file, checked against the network step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from etude.errors import EtudeError
from etude.files import atomic_write
from etude.models.checkpoint import TrainedModel, load_model, metadata
from etude.models.network import Network
from etude.models.weights_file import weights_bytes

STEPS = 256  # tokens on which two networks are compared


def export_weights(model: TrainedModel, fingerprint: str, path: Path, dtype: torch.dtype) -> float:
    """Write a model to a safetensors file, atomically; return :func:`step_difference` of what is read back.

    ``fingerprint``: of the corpus. EtudeError if float32 weights do not give the same steps.
    """
    about = portable_metadata(model, fingerprint)
    weights = {f"network.{name}": each for name, each in model.network.state_dict().items()}
    atomic_write(path, weights_bytes(about, weights, dtype))
    difference = step_difference(model.network, load_model(path).network, len(model.vocabulary))
    if dtype == torch.float32 and difference:
        path.unlink()
        raise EtudeError(f"{path} would not give the steps of the model (they differ by {difference:g} nats)")
    return difference


@torch.inference_mode()
def step_difference(one: Network, other: Network, vocabulary_size: int) -> float:
    """Return the largest difference in nats of any token's log-probability, over steps from the same ids."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(vocabulary_size, (1, STEPS), generator=generator)
    with one.evaluating(), other.evaluating():
        return float((_log_chances(one, ids) - _log_chances(other, ids)).abs().max())


def _log_chances(network: Network, ids: Tensor) -> Tensor:
    """Return the log-probabilities (T, V) of each step after the first, which makes the state."""
    _, state = network(ids[:, :1])
    step, rows = network.stepper(), []
    for number in range(1, ids.shape[1]):
        logits, state = step(ids[:, number], state)
        rows.append(torch.log_softmax(logits.double(), dim=-1))
    return torch.cat(rows)


def portable_metadata(model: TrainedModel, fingerprint: str) -> dict[str, Any]:
    """Return the metadata of a model without this machine's folders and mirrors, which are no part of it."""
    data: dict[str, Any] = dict(model.config["data"])
    data |= {key: value for key, value in (("data_dir", "data"), ("mirror", None)) if key in data}
    config = model.config.changed(data=data, outputs_dir="outputs", init_from=None)
    return metadata(config, model.vocabulary, fingerprint)
