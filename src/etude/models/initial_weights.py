"""Initial weights: tensors of another training, matched by name, shape and token."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from etude.config.resolved import ResolvedConfig
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.checkpoint import empty_weights, is_whole
from etude.models.network import Network
from etude.models.pretrained import SUFFIX
from etude.stored_files import parse_json

PREFIXES = ("_orig_mod.", "module.", "model.", "network.")  # of wrappers around a network
SHOWN = 8  # names or tokens in a sentence


@dataclass(frozen=True)
class InitialWeights:
    """Tensors of a file by name, and the tokens of its ids; None if the file names none."""

    path: Path
    weights: dict[str, Tensor]
    vocabulary: Vocabulary | None

    @property
    def sha256(self) -> str:
        """Checksum of names, shapes, values and tokens; a checkpoint and its export have the same."""
        digest = hashlib.sha256(json.dumps(self.vocabulary and self.vocabulary.tokens).encode())
        for name, tensor in sorted(self.weights.items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            flat = tensor.reshape(-1).contiguous()  # a single number has no dimension
            digest.update(flat.view(torch.uint8).numpy().data if len(flat) else b"")
        return digest.hexdigest()


@dataclass(frozen=True)
class Match:
    """Tensors copied into a network, and those left out."""

    copied: list[str]
    random: list[str]  # tensors of the network that keep their initial values
    unused: list[str]  # tensors of the file
    tokens: int  # tokens of the corpus that the file knows
    new_tokens: list[str]

    def __str__(self) -> str:
        tensors, tokens = len(self.copied) + len(self.random), self.tokens + len(self.new_tokens)
        parts = [
            f"{len(self.copied)} of {tensors} tensors and {self.tokens} of {tokens} tokens are taken over"
        ]
        lists = {"random": self.random, "not used": self.unused, "new tokens": self.new_tokens}
        parts += [f"{what}: {_listed(names)}" for what, names in lists.items() if names]
        return "; ".join(parts)


def read_initial(path: Path) -> InitialWeights:
    """Read a checkpoint, an export or a plain state dict; EtudeError if it is none, or has no finite weights.

    Only tensors and plain values are read, so a stranger's file runs no code.
    """
    content, tokens = _safetensors(path) if path.suffix == SUFFIX else _saved_by_torch(path)
    if not content or not all(
        isinstance(name, str) and isinstance(each, Tensor) for name, each in content.items()
    ):
        raise EtudeError(f"{path} is no state dict: tensors under their names are expected")
    if tokens is not None and not (
        isinstance(tokens, list) and all(isinstance(each, str) for each in tokens)
    ):
        raise EtudeError(f"{path} is damaged: its vocabulary is no list of tokens")
    weights = {name: each.detach() for name, each in content.items()}
    if wrong := [name for name, each in weights.items() if not _is_finite(each)]:
        raise EtudeError(f"{path}: the weights are not all finite numbers ({_listed(wrong)})")
    try:
        vocabulary = None if tokens is None else Vocabulary(tokens)
    except ValueError as error:
        raise EtudeError(f"{path} is damaged: {error}") from error
    return InitialWeights(path, _without_prefix(weights), vocabulary)


def _safetensors(path: Path) -> tuple[dict[str, Any], Any]:
    try:
        with safe_open(path, framework="pt") as file:
            about = parse_json((file.metadata() or {}).get("etude", "{}"), dict[str, Any], str(path))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise EtudeError(f"{path} is no safetensors file, or is damaged") from error
    return weights, about.get("vocabulary")


def _saved_by_torch(path: Path) -> tuple[dict[str, Any], Any]:
    try:
        if zipfile.is_zipfile(path) and not is_whole(path):
            raise EtudeError(f"{path} is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except EtudeError:
        raise
    except pickle.UnpicklingError as error:
        raise EtudeError(
            f"{path} holds more than weights, or is damaged. Save only the state dict: "
            "torch.save(model.state_dict(), 'weights.pt')"
        ) from error
    except Exception as error:  # a stranger's pickle may make the reader raise anything
        raise EtudeError(f"{path} is no file of torch.save's ({type(error).__name__})") from error
    if not isinstance(content, Mapping):
        return {}, None
    about = content.get("etude")
    weights = content.get("state_dict", content)
    tokens = about.get("vocabulary") if isinstance(about, Mapping) else None
    return (dict(weights) if isinstance(weights, Mapping) else {}), tokens


def _is_finite(tensor: Tensor) -> bool:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex():
        return False
    return bool(torch.isfinite(tensor).all())


def _without_prefix(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): each for name, each in weights.items()}
    return weights


@torch.no_grad()
def start_from(
    initial: InitialWeights, network: Network, config: ResolvedConfig, vocabulary: Vocabulary
) -> Match:
    """Copy into a network the tensors that fit by name and shape, token by token where an axis has tokens.

    Without a vocabulary in the file, its ids are those of ``vocabulary``. EtudeError if nothing fits.
    """
    if not any(weight.requires_grad for weight in network.parameters()):
        raise EtudeError("init_from: this model counts its corpus; there is nothing to start from")
    given = {network.own_name(name): each for name, each in initial.weights.items()}
    theirs = vocabulary if initial.vocabulary is None else initial.vocabulary
    common = [token for token in vocabulary.tokens if token in theirs.id_of]
    ids = [torch.tensor([each.id_of[token] for token in common], dtype=torch.long)
           for each in (theirs, vocabulary)]  # fmt: skip
    axes = {} if theirs == vocabulary else _token_axes(config, vocabulary)
    copied, unlike = [], {}
    for name, ours in network.state_dict().items():
        counted = axes.get(name, ())
        if why := _misfit(given.get(name), ours, counted, len(theirs), len(vocabulary)):
            unlike[name] = f"{name} {tuple(ours.shape)}{why}"
            continue
        _copy(given[name], ours, counted, *ids)
        copied.append(name)
    if not copied:
        raise EtudeError(
            f"init_from={initial.path}: no weights fit this model. It has {_listed(list(unlike.values()))}; "
            f"the file has {_listed([f'{name} {tuple(each.shape)}' for name, each in given.items()])}"
        )
    unused = [name for name in given if name not in network.state_dict()]
    new = [token for token in vocabulary.tokens if token not in theirs.id_of]
    return Match(copied, list(unlike.values()), unused, len(common), new)


def _token_axes(config: ResolvedConfig, vocabulary: Vocabulary) -> dict[str, tuple[int, ...]]:
    """Return the axes of each tensor that have one place for each token: a token more makes them longer."""
    one_more = Vocabulary([*vocabulary.tokens, "\0"])
    longer = empty_weights(config, one_more)
    found = {}
    for name, each in empty_weights(config, vocabulary).items():
        sizes = enumerate(zip(each.shape, longer[name].shape, strict=True))
        found[name.removeprefix("network.")] = tuple(axis for axis, (size, more) in sizes if more == size + 1)
    return found


def _misfit(given: Tensor | None, ours: Tensor, counted: tuple[int, ...], theirs: int, tokens: int) -> str:
    """Return why a tensor of the file cannot be copied, to go after the name of ours; "" if it can."""
    if given is None:
        return ", not in the file"
    if any(ours.shape[axis] != tokens for axis in counted):
        return ", which mixes tokens with other inputs"
    shape = tuple(theirs if axis in counted else size for axis, size in enumerate(ours.shape))
    return "" if given.shape == shape else f", in the file {tuple(given.shape)}"


def _copy(given: Tensor, ours: Tensor, counted: tuple[int, ...], their_ids: Tensor, our_ids: Tensor) -> None:
    """Copy ``given`` into ``ours``, on the ``counted`` axes from their ids to ours."""
    places = [torch.arange(size) for size in ours.shape]
    for axis in counted:
        given = given.index_select(axis, their_ids)
        places[axis] = our_ids
    ours[torch.meshgrid(*places, indexing="ij") if places else ()] = given.to(ours.dtype)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
