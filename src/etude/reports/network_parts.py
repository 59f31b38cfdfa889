"""Modules of a network in the order they run, with the shapes of their inputs and outputs.

Hooks record real passes, so that any network can be described. Two passes of different sizes show which axis
is batch and which is time.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from etude.models.network import Network

Shape = tuple[int, ...]
SIZES = ((3, 89), (5, 97))  # batch and time of the two passes: sizes that no layer has
USUAL = (
    "bias=True",
    "batch_first=True",
    "inplace=False",
    "eps=1e-05",
    "elementwise_affine=True",
    "affine=True",
)


@dataclass(frozen=True)
class Part:
    """A module and its submodules. Shapes are text: (B, T, 128)."""

    name: str  # of its attribute
    kind: str  # its class
    details: str  # its settings, as PyTorch prints them
    summary: str  # the first line of its docstring; "" for PyTorch's own modules
    takes: str
    gives: str
    num_parameters: int  # of one copy
    own: tuple[str, ...]  # parameters that belong to no submodule
    parts: tuple[Part, ...]
    calls: str = ""  # calls in a row, if more than one
    copies: int = 1  # equal modules in a row, each with its own parameters


@dataclass
class _Call:
    name: str
    module: nn.Module
    takes: Shape = ()
    gives: Shape = ()
    within: list[_Call] = field(default_factory=list)
    times: int = 1


def describe(network: Network) -> tuple[Part, str]:
    """Return the network as a part, and its state as text, such as "2 × (1, B, 128)"."""
    with network.evaluating():
        (first, first_state), (second, second_state) = (_passed(network, *size) for size in SIZES)
    state = Counter(_spelt(*pair) for pair in zip(first_state, second_state, strict=True))
    spelt = ", ".join(f"{count} × {shape}" if count > 1 else shape for shape, count in state.items())
    return _part(first, second), spelt


@torch.no_grad()
def _passed(network: Network, batch: int, time: int) -> tuple[_Call, list[Shape]]:
    """Run the network once; return the calls, and the shapes of its state."""
    root = _Call("", network)
    stack = [root]
    device = next((p.device for p in network.parameters()), torch.device("cpu"))

    def begin(module: nn.Module, given: Any, kwargs: Any) -> None:
        call = _Call(names[module], module, takes=next(_shapes((given, kwargs)), ()))
        stack[-1].within.append(call)
        stack.append(call)

    def end(module: nn.Module, given: Any, result: Any) -> None:
        stack.pop().gives = next(_shapes(result), ())

    names = {module: name.rpartition(".")[2] for name, module in network.named_modules()}
    for parent_name, parent in network.named_modules():
        if isinstance(parent, (nn.ModuleList, nn.ModuleDict)):
            for name, module in parent.named_children():
                names[module] = f"{parent_name.rpartition('.')[2]}.{name}"
    modules = [module for module in network.modules() if module is not network]
    hooks = [module.register_forward_pre_hook(begin, with_kwargs=True) for module in modules]
    hooks += [module.register_forward_hook(end) for module in modules]
    try:
        ids = torch.zeros(batch, time, dtype=torch.long, device=device)
        logits, state = network(ids)
    finally:
        for hook in hooks:
            hook.remove()
    root.takes, root.gives = tuple(ids.shape), tuple(logits.shape)
    _fold_calls(root)
    return root, list(_shapes(state))


def _shapes(value: Any) -> Iterator[Shape]:
    """Yield the shape of every tensor in nested tuples, lists, dicts and dataclasses."""
    if isinstance(value, Tensor):
        yield tuple(value.shape)
    elif isinstance(value, dict):
        yield from _shapes(list(value.values()))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _shapes(item)
    elif dataclasses.is_dataclass(value):
        held = [getattr(value, entry.name) for entry in dataclasses.fields(value)]
        yield from _shapes([each for each in held if isinstance(each, Tensor)])


def _fold_calls(call: _Call) -> None:
    """Keep one round of modules that are called in turn repeatedly, as in a loop over time."""
    folded: list[_Call] = []
    calls, start = call.within, 0
    while start < len(calls):
        period, times = _repetition([each.module for each in calls[start:]])
        for each in calls[start : start + period]:
            each.times = times
            _fold_calls(each)
            folded.append(each)
        start += period * times
    call.within = folded


def _repetition(modules: Sequence[nn.Module]) -> tuple[int, int]:
    """Return the length of the sequence that repeats from the start, and how often; (1, 1) if none does."""
    for period in range(1, len(modules) // 2 + 1):
        times = 1
        while modules[times * period : (times + 1) * period] == modules[:period]:
            times += 1
        if times > 1:
            return period, times
    return 1, 1


def _part(first: _Call, second: _Call) -> Part:
    module = first.module
    parts = [_part(*pair) for pair in zip(first.within, second.within, strict=True)]
    ours = not type(module).__module__.startswith("torch.")
    own = dict(module.named_parameters(recurse=False)) if ours else {}
    return Part(
        name=first.name,
        kind=type(module).__name__,
        details="" if parts else _settings(module),
        summary=(type(module).__doc__ or "").strip().partition("\n")[0].replace("``", "") if ours else "",
        takes=_spelt(first.takes, second.takes),
        gives=_spelt(first.gives, second.gives),
        num_parameters=sum(parameter.numel() for parameter in module.parameters()),
        own=tuple(f"{name} {tuple(value.shape)}: {value.numel():,}" for name, value in own.items()),
        parts=tuple(_fold_copies(parts)),
        calls=_axis(first.times, second.times) if first.times > 1 else "",
    )


def _settings(module: nn.Module) -> str:
    return ", ".join(text for text in module.extra_repr().split(", ") if text not in USUAL)


def _fold_copies(parts: list[Part]) -> Iterator[Part]:
    """Join parts that differ only in their number, as in a ModuleList, into one with copies."""
    start = 0
    while start < len(parts):
        stop = start + 1
        while stop < len(parts) and _unnumbered(parts[stop]) == _unnumbered(parts[start]):
            stop += 1
        alike = stop - start
        if alike > 1 and parts[start].name != parts[stop - 1].name:
            numbers = f"{parts[start].name} … {parts[stop - 1].name.rpartition('.')[2]}"
            yield replace(parts[start], name=numbers, copies=alike)
        else:
            yield from parts[start:stop]
        start = stop


def _unnumbered(part: Part) -> Part:
    return replace(part, name=re.sub(r"\d+", "", part.name))


def _spelt(first: Shape, second: Shape) -> str:
    return f"({', '.join(_axis(*pair) for pair in zip(first, second, strict=True))})" if first else ""


def _axis(first: int, second: int) -> str:
    """Name the length of an axis from its lengths in the two passes."""
    if first == second:
        return str(first)
    (batch, time), (other_batch, other_time) = SIZES
    for symbol, one, other in (
        ("B", batch, other_batch),
        ("T", time, other_time),
        ("B·T", batch * time, other_batch * other_time),
    ):
        if first - one == second - other:
            return symbol if first == one else f"{symbol}{first - one:+d}".replace("-", "−")
        if first % one == 0 and first // one * other == second:
            return f"{first // one}·{symbol}"
    return "?"
