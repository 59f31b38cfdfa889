"""Attention by skewing against its definition, in one piece and in blocks; the cache and its limits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_attention import naive_relative_attention
from torch import Tensor

from etude.models.kv_cache import KeyValues, extended
from etude.models.relative_attention import attend, skewed

H, B, D = 2, 3, 4
FEW = settings(max_examples=40, deadline=None)


def drawn(*shapes: tuple[int, ...], seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


@given(time=st.integers(1, 9), before=st.integers(0, 9), table=st.integers(1, 20), block=st.integers(1, 10))
@FEW
def test_skewing_is_the_definition_forward_and_in_every_gradient(
    time: int, before: int, table: int, block: int
) -> None:
    known = (H, B, before + time, D)
    given = drawn((H, B, time, D), known, known, (H, table, D))
    [weight] = drawn((H, B, time, D), seed=1)
    results = []
    for attention in (naive_relative_attention, lambda *tensors: attend(*tensors, block)):
        tensors = [tensor.clone().requires_grad_() for tensor in given]
        read = attention(*tensors)
        results.append([read, *torch.autograd.grad((read * weight).sum(), tensors)])
    for theirs, ours in zip(*results, strict=True):
        assert torch.allclose(theirs, ours, atol=1e-12)


def test_skewing_moves_a_column_per_distance_to_a_column_per_key() -> None:
    distances = torch.tensor([2.0, 1.0, 0.0]).expand(3, 3)  # each row: what stands for distances 2, 1, 0
    assert skewed(distances, 3).tril().tolist() == [[0, 0, 0], [1, 0, 0], [2, 1, 0]]
    # the last two of five positions: distances 3 and 4 share the vector of distance 2
    assert skewed(distances[:2], 5).tril(3).tolist() == [[2, 2, 1, 0, 0], [2, 2, 2, 1, 0]]


def test_no_block_size_changes_what_is_read() -> None:
    time = 4096  # a chunk of a held-out piece
    queries, keys, values, distances = drawn(*[(1, 1, time, D)] * 3, (1, 64, D))
    whole = attend(queries, keys, values, distances, block=time)
    for block in (128, 1000):
        assert torch.allclose(attend(queries, keys, values, distances, block), whole, atol=1e-12)


def test_blocks_hold_the_logits_of_one_block_at_a_time() -> None:
    sizes: list[int] = []

    class Counting(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                sizes.append(result.numel())
            return result

    time, block = 512, 64
    tensors = drawn(*[(1, 1, time, D)] * 3, (1, 100, D))
    with Counting():
        attend(*tensors, block)
    assert max(sizes) <= block * (time + 1)


@given(parts=st.lists(st.integers(1, 7), min_size=1, max_size=12), grows=st.booleans())
@FEW
def test_the_cache_holds_what_was_put_into_it(parts: list[int], grows: bool) -> None:
    keys, values = drawn((H, B, sum(parts), D), (H, B, sum(parts), D))
    keys.requires_grad_(not grows)
    past = None
    for part in zip(keys.split(parts, dim=2), values.split(parts, dim=2), strict=True):
        past = extended(past, *part)
    assert past is not None
    assert torch.equal(past.keys, keys)
    assert torch.equal(past.values, values)


def test_two_continuations_of_one_past_do_not_disturb_each_other() -> None:
    steps = [pair for seed in range(6) for pair in [drawn((H, B, 1, D), (H, B, 1, D), seed=seed)]]
    past = None
    for step in steps[:3]:
        past = extended(past, *step)
    assert past is not None
    left, right = extended(past, *steps[3]), extended(past, *steps[4])
    longer = extended(left, *steps[5])
    expected = {"past": [0, 1, 2], "left": [0, 1, 2, 3], "right": [0, 1, 2, 4], "longer": [0, 1, 2, 3, 5]}
    for cache, numbers in zip((past, left, right, longer), expected.values(), strict=True):
        assert torch.equal(cache.keys, torch.cat([steps[number][0] for number in numbers], dim=2))
        assert torch.equal(cache.values, torch.cat([steps[number][1] for number in numbers], dim=2))


def test_single_tokens_are_copied_a_bounded_number_of_times() -> None:
    step = drawn((H, B, 1, D), (H, B, 1, D))
    past, rooms = extended(None, *step), []
    for _ in range(2000):
        past = extended(past, *step)
        if not rooms or past.keys.data_ptr() != rooms[-1]:
            rooms.append(past.keys.data_ptr())
    assert past.keys.shape[2] == 2001
    assert len(rooms) <= 11  # doublings from 1 to above 2,000


def test_a_state_of_inference_mode_can_be_continued_outside_it() -> None:
    first, second, third = (drawn((H, B, 1, D), (H, B, 1, D), seed=seed) for seed in range(3))
    with torch.inference_mode():
        past: KeyValues = extended(extended(None, *first), *second)
    with torch.no_grad():
        assert torch.equal(extended(past, *third).keys, torch.cat([first[0], second[0], third[0]], dim=2))


@pytest.mark.parametrize("before", [0, 1, 30])
def test_no_logit_is_infinite_or_missing(before: int) -> None:
    known = (H, B, before + 1, D)
    assert attend(*drawn((H, B, 1, D), known, known, (H, 8, D))).isfinite().all()
