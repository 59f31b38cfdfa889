"""Clipping of gradients on the CPU, where reading their norm waits for no device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def clip_by_norm(weights: Sequence[Tensor], longest: float) -> None:
    """Clip the gradients of ``weights`` as ``torch.nn.utils.clip_grad_norm_`` does, to the same bits.

    Gradients that are short enough are left alone, where PyTorch multiplies them by 1.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if not gradients:  # of a model that counts
        return
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(each) for each in gradients]))
    if not float(norm) + 1e-6 <= longest:  # PyTorch's own margin; a norm that is NaN makes all gradients NaN
        torch.nn.utils.clip_grads_with_norm_(weights, longest, norm)
