"""Compare relative attention by skewing with its definition: time, memory, and the cost of a cached token.

    python benchmarks/relative_attention.py

Forward and backward of one layer of 4 heads of 32 on one row of L positions, each in its own process.
"largest" is the largest tensor of the forward pass; "peak" is the memory beyond that held before. Time is
CPU time of one thread, the best of three. By definition, the largest tensor holds the vectors of all
pairs, L × L × 32 per head. Skewed, it is the logits, L × L per head, which every attention has; the
vectors of the distances are L × 32.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import heading, print_table, status_kib
from torch import Tensor
from torch.overrides import TorchFunctionMode

from etude.models.music_transformer import MusicTransformerNetwork
from etude.models.relative_attention import attend, skewed
from etude.models.settings import MusicTransformerConfig

sys.path.append(str(Path(__file__).parent.parent / "tests" / "models"))
from naive_attention import naive_relative_attention

HEADS, WIDTH = 4, 32
LENGTHS = (256, 1024)


def with_pytorchs_own(queries: Tensor, keys: Tensor, values: Tensor, distances: Tensor) -> Tensor:
    """The relative logits as the mask of scaled_dot_product_attention; as many distances as keys."""
    products = queries @ distances[:, None].transpose(2, 3) / WIDTH**0.5
    later = torch.ones(keys.shape[2], keys.shape[2], dtype=torch.bool).triu(1)
    mask = skewed(products, keys.shape[2]).masked_fill(later, -torch.inf)
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)


WAYS: dict[str, Callable[..., Tensor]] = {
    "as defined": naive_relative_attention,
    "scaled_dot_product_attention": with_pytorchs_own,
    "skewed, in one block": lambda *tensors: attend(*tensors, block=1 << 30),
    "skewed, in blocks of 128": attend,
}


class Largest(TorchFunctionMode):
    """Record the largest tensor that any function returns, in elements."""

    numbers = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            held = result.untyped_storage().nbytes() // result.element_size()
            self.numbers = max(self.numbers, held)
        return result


def measure(case: tuple[str, int]) -> tuple[float, int, int]:
    """Measure one way at one length: CPU seconds, bytes of the largest tensor, peak bytes above the start."""
    way, length = WAYS[case[0]], case[1]
    torch.set_num_threads(1)
    shapes = [(HEADS, 1, length, WIDTH)] * 3 + [(HEADS, length, WIDTH)]
    tensors = [torch.randn(*shape, requires_grad=True) for shape in shapes]
    small = [tensor.detach()[..., :8, :].requires_grad_() for tensor in tensors]
    way(*small).sum().backward()  # what PyTorch loads at its first use is not counted
    before, best = status_kib("VmHWM"), float("inf")
    with Largest() as largest:
        way(*tensors)
    for _ in range(3):
        started = time.process_time()
        way(*tensors).sum().backward()
        best = min(best, time.process_time() - started)
    return best, 4 * largest.numbers, 1024 * (status_kib("VmHWM") - before)


def cost_of_tokens(until: int = 3072) -> list[tuple[int, float]]:
    """CPU milliseconds of one token after this many, generated one by one."""
    torch.manual_seed(0)
    config = MusicTransformerConfig(
        name="", hidden_dim=128, num_layers=4, num_heads=4, feedforward_dim=512, max_distance=128, dropout=0.0
    )
    network = MusicTransformerNetwork(414, config).eval()
    costs, state, token = [], None, torch.zeros(1, 1, dtype=torch.long)
    with torch.inference_mode():
        started = time.process_time()
        for count in range(1, until + 1):
            _, state = network(token, state)
            if count % 512 == 0:
                costs.append((count, (time.process_time() - started) / 512 * 1000))
                started = time.process_time()
    return costs


def main() -> None:
    torch.set_num_threads(1)
    print(heading("Relative attention: time and memory of one layer, forward and backward"))
    cases = [(way, length) for way in WAYS for length in LENGTHS]
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        found = dict(zip(cases, pool.map(measure, cases, chunksize=1), strict=True))
    rows = [["", *(f"L = {length}: ms, largest MiB, peak MiB" for length in LENGTHS)]]
    for way in WAYS:
        cells = [found[way, length] for length in LENGTHS]
        rows.append(
            [way, *(f"{1000 * s:,.0f}  {big / 2**20:,.1f}  {peak / 2**20:,.0f}" for s, big, peak in cells)]
        )
    print_table(rows)
    skewing = "skewed, in one block"
    ratios = [f"{found['as defined', each][1] / found[skewing, each][1]:.0f}×" for each in LENGTHS]
    print(f"\nlargest tensor, as defined / skewed: {', '.join(ratios)} (the head's width is {WIDTH})")
    print("\nmilliseconds a token with the cache, mean of the 512 before it")
    print_table([["tokens", "ms"], *([f"{count:,}", f"{ms:.2f}"] for count, ms in cost_of_tokens())])


if __name__ == "__main__":
    main()
