"""Filters: small pure functions that turn the logits of a step into the logits to sample from.

Each takes logits (B, V), in which -inf marks an impossible token, and returns logits (B, V). Those that look
back also take the ids so far, (B, T). Equally likely tokens are treated alike, unless one must be chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from etude.config.build import build
from etude.config.overrides import as_typed
from etude.errors import EtudeError
from etude.sampling.settings import SamplingSettings

Filter = Callable[[Tensor, Tensor], Tensor]  # logits (B, V), ids so far (B, T) → logits (B, V)

NOTHING = -math.inf


def temperature(logits: Tensor, degree: float) -> Tensor:
    """Divide by ``degree``: below 1 likely tokens become likelier, above 1 rarer.

    0 keeps only the likeliest token, the first of several; infinity makes all possible tokens equally likely.
    """
    if degree == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, NOTHING).scatter(-1, best, logits.gather(-1, best))
    if math.isinf(degree):
        return torch.where(logits > NOTHING, 0.0, NOTHING).to(logits.dtype)
    return logits / degree


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the ``k`` likeliest tokens, and those as likely as the last of them (Fan et al. 2018)."""
    if k >= logits.shape[-1]:
        return logits
    least = logits.topk(k, dim=-1).values[:, -1:]
    return logits.masked_fill(logits < least, NOTHING)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of likeliest tokens with ``p`` of the probability, at least one token.

    The nucleus of Holtzman et al. 2020. Tokens as likely as the last one kept stay.
    """
    if p >= 1:
        return logits
    ordered = logits.sort(dim=-1, descending=True).values
    before = torch.softmax(ordered, dim=-1).cumsum(dim=-1).roll(1, dims=-1)
    before[:, 0] = NOTHING  # so that the likeliest stays even with p = 0
    least = ordered.masked_fill(before >= p, math.inf).amin(dim=-1, keepdim=True)
    return logits.masked_fill(logits < least, NOTHING)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Keep tokens that have at least ``p`` times the probability of the likeliest (Nguyen et al. 2024)."""
    if p <= 0:
        return logits
    return logits.masked_fill(logits < logits.amax(dim=-1, keepdim=True) + math.log(p), NOTHING)


def repetition_penalty(logits: Tensor, ids: Tensor, penalty: float, window: int) -> Tensor:
    """Make the tokens of the last ``window`` ids (B, T) rarer: positive logits / penalty, negative × penalty.

    Keskar et al., CTRL (2019), there over all ids; in a small alphabet that would be every token.
    """
    recent = ids[:, -window:]
    seen = logits.gather(-1, recent)
    return logits.scatter(-1, recent, torch.where(seen > 0, seen / penalty, seen * penalty))


def no_repeat_ngram(logits: Tensor, ids: Tensor, n: int) -> Tensor:
    """Forbid each token that would make ``n`` ids in a row that ids (B, T) have already (Paulus et al. 2018).

    Compares with every earlier place at once, so its cost grows with the length, by little.
    """
    if ids.shape[1] < n:
        return logits
    grams = ids.unfold(1, n, 1)  # (B, T - n + 1, n)
    last = ids[:, ids.shape[1] - n + 1 :]  # (B, n - 1)
    same = (grams[:, :, :-1] == last[:, None]).all(dim=-1)  # (B, T - n + 1)
    banned = torch.zeros_like(logits, dtype=torch.int8)
    banned.scatter_reduce_(1, grams[:, :, -1], same.to(torch.int8), reduce="amax")
    return logits.masked_fill(banned > 0, NOTHING)


class Filters(NamedTuple):
    """The filters to apply before the mask of the grammar, and those to apply after it."""

    before: Sequence[Filter] = ()
    after: Sequence[Filter] = ()


# For each name in sampling.filters: the value that does nothing, and the filter of any other value.
# The grammar has its place in the order too, but is no function of logits and ids alone.
GRAMMAR = "grammar"
MAKERS: dict[str, tuple[float | None, Callable[[Any, SamplingSettings], Filter]]] = {
    "repetition_penalty": (
        1.0,
        lambda penalty, settings: (
            lambda logits, ids: repetition_penalty(logits, ids, penalty, settings.repetition_window)
        ),
    ),
    "no_repeat_ngram": (None, lambda n, _: lambda logits, ids: no_repeat_ngram(logits, ids, n)),
    "temperature": (1.0, lambda degree, _: lambda logits, ids: temperature(logits, degree)),
    "top_k": (None, lambda k, _: lambda logits, ids: top_k(logits, k)),
    "top_p": (1.0, lambda p, _: lambda logits, ids: top_p(logits, p)),
    "min_p": (0.0, lambda p, _: lambda logits, ids: min_p(logits, p)),
}


def make_filters(settings: SamplingSettings) -> Filters:
    """Return the active filters in the order of sampling.filters.

    An element is a name, a function, or the settings of a class of the user's own whose objects are called.
    EtudeError if the order names a filter twice, or leaves out an active one.
    """
    order = settings.filters
    twice = sorted({name for name in order if isinstance(name, str) and order.count(name) > 1})
    if twice:
        raise EtudeError(f"sampling.filters names {', '.join(twice)} more than once")
    active = [name for name, (neutral, _) in MAKERS.items() if getattr(settings, name) != neutral]
    active += [GRAMMAR] * settings.grammar
    left_out = [name for name in active if name not in order]
    if left_out:
        values = ", ".join(f"sampling.{name}={as_typed(getattr(settings, name))}" for name in left_out)
        raise EtudeError(f"{values} has no effect, since sampling.filters={order} does not list it")
    place = order.index(GRAMMAR) if GRAMMAR in order else len(order)
    before, after = (
        [_filter(each, settings) for each in part if not isinstance(each, str) or each in active]
        for part in (order[:place], order[place + 1 :])
    )
    return Filters(before, after)


def _filter(each: Any, settings: SamplingSettings) -> Filter:
    if isinstance(each, str):
        return MAKERS[each][1](getattr(settings, each), settings)
    made: Filter = build(each) if getattr(type(each), "builds", "") else each
    if not callable(made):
        raise EtudeError(f"sampling.filters: a {type(made).__name__} cannot be called with logits and ids")
    return made


def check_filters(filters: Filters, vocabulary_size: int) -> None:
    """Raise EtudeError for a filter that does not turn logits (B, V) and ids (B, T) into logits (B, V)."""
    logits, ids = torch.zeros(1, vocabulary_size), torch.zeros(1, 1, dtype=torch.long)
    for each in (*filters.before, *filters.after):
        name = getattr(each, "__name__", type(each).__name__)
        try:
            shape = tuple(each(logits.clone(), ids).shape)
        except Exception as error:  # whatever the user's function raises
            raise EtudeError(
                f"sampling.filters: {name} fails on logits {tuple(logits.shape)} and ids {tuple(ids.shape)} "
                f"({type(error).__name__}: {error})"
            ) from error
        if shape != tuple(logits.shape):
            raise EtudeError(f"sampling.filters: {name} makes {shape} of logits {tuple(logits.shape)}")


def apply_filters(logits: Tensor, ids: Tensor, filters: Filters, allowed: Tensor | None) -> Tensor:
    """Return logits (B, V) after the filters and, in its place among them, the mask ``allowed``.

    A row in which the filters leave no token gets the mask alone.
    """
    legal = logits if allowed is None else torch.where(allowed, logits, NOTHING)
    before, after = filters
    if not before and not after:
        return legal
    left = logits if before else legal
    for each in before:
        left = each(left, ids)
    if before and allowed is not None:
        left = torch.where(allowed, left, NOTHING)
    for each in after:
        left = each(left, ids)
    return torch.where(left.amax(dim=-1, keepdim=True) > NOTHING, left, legal)
