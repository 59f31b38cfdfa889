"""Export of a trained network's single step as an ONNX file, checked against the network step by step."""

from __future__ import annotations

import json
import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from etude.errors import EtudeError
from etude.files import atomic_write
from etude.models.checkpoint import TrainedModel
from etude.models.export import STEPS, portable_metadata
from etude.models.kv_cache import KeyValues
from etude.models.markov import MarkovNetwork
from etude.models.network import Network, State
from etude.models.relative_attention import RelativeAttention
from etude.models.weights_file import ENTRY

CLOSE = 1e-3  # nats: two libraries round their sums differently
_OPSET = 18
_BATCH = 2  # sequences in the traced and the compared steps: one alone would be taken for a constant


class OneStep(nn.Module):
    """A network as a function of tensors: ids (B,) and the state's tensors → logits (B, V) and the next ones.

    ``like`` is any state of the network. A state of zeros is the beginning of a piece; an axis that grows
    with the piece has length 0 there.
    """

    def __init__(self, network: Network, like: State) -> None:
        super().__init__()
        self.network, self.like = network, like

    def forward(self, ids: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Return the logits and the tensors of the next state."""
        logits, after = self.network(ids[:, None], state_of(self.like, iter(state)))
        return logits[:, -1], *tensors_of(after)


def tensors_of(state: State) -> list[Tensor]:
    """Return the tensors of a state in a fixed order; EtudeError for a state of something else."""
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, KeyValues):
        return [state.keys, state.values]
    if isinstance(state, tuple):
        return [tensor for part in state for tensor in tensors_of(part)]
    raise EtudeError(
        f"the network's state holds a {type(state).__name__}; ONNX takes tensors and tuples of them"
    )


def state_of(like: State, tensors: Iterator[Tensor]) -> State:
    """Return tensors in the form of the state ``like``."""
    if isinstance(like, Tensor):
        return next(tensors)
    if isinstance(like, KeyValues):
        return KeyValues(next(tensors), next(tensors))
    return tuple(state_of(part, tensors) for part in like)


def export_onnx(model: TrainedModel, fingerprint: str, path: Path) -> float:
    """Write the step of a model to an ONNX file, atomically; return the largest difference of a step in nats.

    The file holds the vocabulary and the settings as a safetensors file does. ``fingerprint``: of the corpus.
    EtudeError if the network has no ONNX form, if a package is missing, or if a step differs by over CLOSE.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401  (before the work)
    except ImportError as error:
        raise EtudeError("FILE.onnx needs two more packages: pip install onnx onnxruntime") from error
    if isinstance(model.network, MarkovNetwork):
        raise EtudeError(
            "a Markov chain is a table of counts and has no ONNX form; type FILE.safetensors instead"
        )
    scratch = path.with_name(f".{uuid.uuid4().hex}.tmp")
    with model.network.evaluating():
        try:
            _trace(model.network, scratch)
            written = onnx.load(scratch)
        finally:
            scratch.unlink(missing_ok=True)
        about = json.dumps(portable_metadata(model, fingerprint), ensure_ascii=False, sort_keys=True)
        onnx.helper.set_model_props(written, {ENTRY: about})
        content = written.SerializeToString()
        difference = onnx_difference(model.network, content, len(model.vocabulary))
    if not difference < CLOSE:
        raise EtudeError(
            f"ONNX would not give the steps of this network (they differ by {difference:g} nats)"
        )
    atomic_write(path, content)
    return difference


def _trace(network: Network, path: Path) -> None:
    """Write the graph of a step.

    The trace starts from a state longer than any window or table of distances in the network, where every
    part of the step is at work. Gradients stay on: a network then appends to its past by concatenation.
    """
    ids = torch.zeros(_BATCH, _past(network), dtype=torch.long)
    _, state = network(ids)
    _, longer = network(ids[:, :1], state)
    given, grown = tensors_of(state), tensors_of(longer)
    names = [f"state_{number}" for number in range(len(given))]
    axes: dict[str, dict[int, str]] = {"ids": {0: "batch"}, "logits": {0: "batch"}}
    for name, before, after in zip(names, given, grown, strict=True):
        sizes = zip(before.shape, after.shape, strict=True)
        axes[name] = {1: "batch"} | {axis: "past" for axis, (one, other) in enumerate(sizes) if one != other}
        axes[f"next_{name}"] = {
            axis: what if what == "batch" else "read" for axis, what in axes[name].items()
        }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, on what the comparison below checks
        torch.onnx.export(
            OneStep(network, state).eval(),  # the exporter restores the mode that it finds
            (ids[:, 0], *given),
            os.fspath(path),
            input_names=["ids", *names],
            output_names=["logits", *(f"next_{name}" for name in names)],
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )


def _past(network: Network) -> int:
    """Return a number of tokens after which no part of a step is left out."""
    tables = [part.distances for part in network.modules() if isinstance(part, RelativeAttention)]
    return 1 + max((table.shape[1] for table in tables), default=1)  # (heads, distances, width)


@torch.inference_mode()
def onnx_difference(network: Network, content: bytes, vocabulary_size: int) -> float:
    """Return the largest difference in nats of any token's log-probability, over steps from no state."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(vocabulary_size, (_BATCH, max(STEPS, 2 * _past(network))), generator=generator)
    given = start_state(session, _BATCH)
    state, worst = None, 0.0
    for column in ids.T:
        logits, state = network(column[:, None], state)
        found, *rest = session.run(None, {"ids": column.numpy(), **given})
        given = dict(zip(given, rest, strict=True))
        ours = torch.log_softmax(logits[:, -1].double(), dim=-1)
        theirs = torch.log_softmax(torch.from_numpy(found).double(), dim=-1)
        worst = max(worst, float((ours - theirs).abs().max().nan_to_num(torch.inf)))
    return worst


def start_state(session: Any, batch: int) -> dict[str, Any]:
    """Return the inputs of an ONNX session that stand for the beginning of ``batch`` pieces: zeros."""
    import numpy as np

    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    sizes = {"batch": batch, "past": 0}
    return {
        each.name: np.zeros([sizes.get(size, size) for size in each.shape], kinds[each.type])
        for each in session.get_inputs()
        if each.name != "ids"
    }
