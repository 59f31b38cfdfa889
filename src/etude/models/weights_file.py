"""Weights as a safetensors file: tensors and one text entry of metadata, no pickle, no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from etude.errors import EtudeError
from etude.stored_files import parse_json

ENTRY = "etude"  # of the file's metadata, whose values are text


def weights_bytes(metadata: Mapping[str, Any], weights: Mapping[str, Tensor], dtype: torch.dtype) -> bytes:
    """Return the content of a file, fractions as ``dtype``; the same weights give the same bytes."""
    text = json.dumps(metadata, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    tensors = {name: _as(tensor, dtype).contiguous().clone() for name, tensor in weights.items()}
    content: bytes = save(tensors, {ENTRY: text})
    return content


def read_weights(path: Path) -> dict[str, Any]:
    """Return what a file holds as a checkpoint does, fractions as float32; EtudeError if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = parse_json((file.metadata() or {})[ENTRY], dict[str, Any], str(path))
            weights = {name: _as(file.get_tensor(name), torch.float32) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise EtudeError(f"{path} is not a model file of Étude's, or is damaged") from error
    return {"etude": metadata, "state_dict": weights}


def _as(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
