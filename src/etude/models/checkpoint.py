"""Checkpoints that can be used without their run: metadata and loading."""

from __future__ import annotations

import inspect
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from etude.config.build import build, build_as, settings_as
from etude.config.resolved import ResolvedConfig
from etude.config.targets import load_target
from etude.encodings import Encoding
from etude.encodings.base import encoding_complaint
from etude.encodings.settings import EncodingConfig
from etude.encodings.vocabulary import Vocabulary
from etude.errors import EtudeError
from etude.models.network import Network
from etude.models.pretrained import SUFFIX
from etude.models.settings import ModelConfig, OptimizerConfig
from etude.models.token_tables import supplied_tables
from etude.models.weights_file import read_weights
from etude.stored_files import check_bounded, check_types, check_values

FORMAT = 2  # of the metadata


@dataclass(frozen=True)
class TrainedModel:
    """A network with its encoding and vocabulary; ``config`` is the resolved training config."""

    network: Network
    encoding: Encoding
    vocabulary: Vocabulary
    config: ResolvedConfig

    @property
    def name(self) -> str:
        """Short name of the architecture."""
        return str(self.config["model"]["name"])


def metadata(config: ResolvedConfig, vocabulary: Vocabulary, fingerprint: str) -> dict[str, Any]:
    """Return the metadata of a checkpoint as plain values."""
    return {
        "format": FORMAT,
        "config": config.as_dict(),
        "vocabulary": list(vocabulary.tokens),
        "corpus_fingerprint": fingerprint,
    }


class _Metadata(TypedDict):
    format: int
    config: dict[str, Any]
    vocabulary: list[str]
    corpus_fingerprint: str


class _Checkpoint(TypedDict):
    etude: _Metadata
    state_dict: dict[str, Any]


def _untrained(config: ResolvedConfig, vocabulary: Vocabulary) -> Any:
    """Build what holds the weights in its ``network``, from settings that a stranger may have made.

    It is a ModuleDict, or the module that the config names. Only the latter needs Lightning, so sampling
    from a network does without.
    """
    model = config["model"]
    found = load_target(model["_target_"], stored=True)
    if inspect.isclass(found) and issubclass(found, Network):
        settings = settings_as(Network, model, ModelConfig)
        tables = supplied_tables(settings, partial(_encoding, config), vocabulary)
        return nn.ModuleDict({"network": build(settings, vocabulary_size=len(vocabulary), **tables)})
    from etude.models.module import SequenceModule

    optimizer = partial(build_as, torch.optim.Optimizer, config["optim"], OptimizerConfig)
    return build_as(SequenceModule, model, ModelConfig, vocabulary_size=len(vocabulary), optimizer=optimizer)


class _Uninitialised(TorchFunctionMode):
    """Leave out random initialisation: on the meta device it imports PyTorch's compiler, a second of work."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Return the tensor that a function of ``torch.nn.init`` would fill; call any other function."""
        if getattr(func, "__module__", "") == "torch.nn.init" or func in (Tensor.normal_, Tensor.uniform_):
            return {**dict(zip(("tensor",), args, strict=False)), **(kwargs or {})}["tensor"]
        return func(*args, **(kwargs or {}))


def empty_weights(config: ResolvedConfig, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint with these settings, with shapes but without values."""
    with torch.device("meta"), _Uninitialised():
        weights: dict[str, Tensor] = _untrained(config, vocabulary).state_dict()
    return weights


def _check_sizes(config: ResolvedConfig, vocabulary: Vocabulary, weights: Mapping[str, Any]) -> None:
    """Raise EtudeError if the settings do not match the shapes of the weights, before allocating memory."""
    with _few_parameters(4 * len(weights) + 100):
        wanted = empty_weights(config, vocabulary)
    unlike = [name for name, each in wanted.items() if not _fits(weights.get(name), each)]
    if unlike or wanted.keys() != weights.keys():
        raise EtudeError(f"the settings of the checkpoint do not fit its weights ({', '.join(unlike[:3])})")


@contextmanager
def _few_parameters(most: int) -> Iterator[None]:
    """Raise EtudeError as soon as more than ``most`` parameters are made, as by a billion layers."""
    made = count(1)

    def counted(module: nn.Module, name: str, parameter: object) -> None:
        if next(made) > most:
            raise EtudeError("the settings of the checkpoint do not fit its weights (it has fewer)")

    hook = register_module_parameter_registration_hook(counted)
    try:
        yield
    finally:
        hook.remove()


def _fits(stored: object, wanted: torch.Tensor) -> bool:
    """Return whether a stored tensor has the expected shape; an empty dimension accepts any length.

    Tables of counts are empty until a training fills them.
    """
    if not isinstance(stored, torch.Tensor) or stored.dim() != wanted.dim():
        return False
    return stored.shape == wanted.shape or wanted.numel() == 0


def is_whole(path: Path) -> bool:
    """Return whether a file is an undamaged checkpoint, by the CRCs that torch.save stores.

    torch.save compresses nothing, so it did not write a file that unpacks to more than its own size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            return unpacked <= path.stat().st_size and archive.testzip() is None
    except Exception:  # damage may make zipfile raise anything
        return False


def load_model(path: Path) -> TrainedModel:
    """Load a checkpoint or an exported safetensors file on the CPU; EtudeError if Étude did not write it.

    Only tensors and plain values are read (``weights_only=True``), and nothing is built from them but a
    model, an optimizer and an encoding: opening a stranger's file runs no code of theirs.
    """
    holder, stored = load_holder(path)
    config, vocabulary = ResolvedConfig(stored["config"]), Vocabulary(stored["vocabulary"])
    with _damage_in(path):
        return TrainedModel(holder.network.eval(), _encoding(config), vocabulary, config)


def load_holder(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return what holds the trained weights of a file in its ``network``, and the metadata of the file.

    It is the module that the settings name, or a ModuleDict. Errors as :func:`load_model`.
    """
    if not path.exists():
        raise EtudeError(f"there is no checkpoint {path}")
    content = read_weights(path) if path.suffix == SUFFIX else read_checkpoint(path)
    try:
        stored = content["etude"]
        version = stored["format"]
    except (KeyError, TypeError) as error:
        raise EtudeError(f"{path} is not a checkpoint of Étude's ({type(error).__name__})") from error
    if version != FORMAT:
        raise EtudeError(
            f"{path} was made by another version of Étude (format {version}, here {FORMAT}); "
            "train it again, or open it with that version"
        )
    check_bounded(stored, str(path))
    check_types(content, _Checkpoint, str(path))
    check_values(stored["config"], str(path))
    with _damage_in(path):
        config, vocabulary = ResolvedConfig(stored["config"]), Vocabulary(stored["vocabulary"])
        _check_sizes(config, vocabulary, content["state_dict"])
        holder = _untrained(config, vocabulary)
        holder.load_state_dict(content["state_dict"])
    return holder, stored


@contextmanager
def _damage_in(path: Path) -> Iterator[None]:
    """Raise EtudeError for whatever a constructor raises at the values of a file, a stranger's perhaps."""
    try:
        yield
    except EtudeError:
        raise
    except Exception as error:
        raise EtudeError(
            f"{path} is damaged, or of another version: no model can be built from its settings "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint that torch.save wrote; EtudeError unless its weights are tensors."""
    if not is_whole(path):
        raise EtudeError(f"{path} is not a checkpoint of Étude's, or is damaged")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a stranger's pickle may make the reader raise anything
        raise EtudeError(f"{path} is not a checkpoint of Étude's ({type(error).__name__})") from error
    weights = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(each, Tensor) for each in weights.values()):
        raise EtudeError(f"{path} is not a checkpoint of Étude's (its weights are no tensors)")
    return content


def _encoding(config: ResolvedConfig) -> Encoding:
    """Return the encoding of a checkpoint: one of Étude's, or of an enabled package."""
    node = dict(config["data"]["encoding"])
    if "trained" in node:  # a path; a stranger's checkpoint must not name one, and decoding needs no file
        node["trained"] = None
    own = load_target(node["_target_"], stored=True)
    if complaint := encoding_complaint(own):
        raise EtudeError(f"data.encoding._target_={node['_target_']}: {complaint}")
    encoding: Encoding = build_as(own, node, EncodingConfig)
    return encoding


def check_reload(config: ResolvedConfig, vocabulary: Vocabulary, module: nn.Module) -> None:
    """Raise EtudeError if a checkpoint of this training could not be opened later, before training starts."""
    from pytorch_lightning.utilities.seed import isolate_rng

    try:
        with isolate_rng():
            _check_sizes(config, vocabulary, module.state_dict())
        _encoding(config)
    except EtudeError as error:
        raise EtudeError(f"a checkpoint of this training could not be opened again: {error}") from error
