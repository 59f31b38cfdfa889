"""Each filter against an obvious one for a single row of plain numbers."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from etude.errors import EtudeError
from etude.sampling.filters import (
    GRAMMAR,
    MAKERS,
    apply_filters,
    make_filters,
    min_p,
    no_repeat_ngram,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
)
from etude.sampling.settings import FILTERS
from sampling_settings import sampling

NEUTRAL = sampling(
    temperature=1.0, top_k=None, top_p=1.0, min_p=0.0, repetition_penalty=1.0, repetition_window=64,
    no_repeat_ngram=None, grammar=True, filters=list(FILTERS),
)  # fmt: skip

# few different values, so that ties are common; -inf marks tokens that an earlier filter removed
number = st.sampled_from([-math.inf, -3.0, -1.0, 0.0, 0.5, 0.5, 2.0, 7.0])


@st.composite
def batches(draw: st.DrawFn) -> Tensor:
    width = draw(st.integers(1, 9))
    row = st.lists(number, min_size=width, max_size=width).filter(lambda row: max(row) > -math.inf)
    return torch.tensor(draw(st.lists(row, min_size=1, max_size=4)))


@st.composite
def with_ids(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    logits = draw(batches())
    length = draw(st.integers(0, 12))
    ids = draw(
        st.lists(
            st.lists(st.integers(0, logits.shape[1] - 1), min_size=length, max_size=length),
            min_size=len(logits), max_size=len(logits),
        )
    )  # fmt: skip
    return logits, torch.tensor(ids, dtype=torch.long).reshape(len(logits), length)


def probabilities(row: list[float]) -> list[float]:
    weights = [math.exp(value - max(row)) for value in row]
    return [weight / sum(weights) for weight in weights]


def kept(row: list[float], keep: list[bool]) -> list[float]:
    return [value if stays else -math.inf for value, stays in zip(row, keep, strict=True)]


@given(batches(), st.integers(1, 12))
def test_top_k_keeps_what_fewer_than_k_tokens_beat(logits: Tensor, k: int) -> None:
    wanted = [
        kept(row, [sum(other > value for other in row) < k for value in row]) for row in logits.tolist()
    ]
    assert top_k(logits, k).tolist() == wanted


@given(batches(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.77, 0.99, 1.0]))
def test_top_p_keeps_what_the_likelier_tokens_leave_room_for(logits: Tensor, p: float) -> None:
    for row, found in zip(logits.tolist(), top_p(logits, p).tolist(), strict=True):
        chances = probabilities(row)
        above = [sum(other for other in chances if other > chance) for chance in chances]
        assume(all(abs(share - p) > 1e-6 for share in above))  # where rounding decides, either will do
        if p == 1:
            assert found == row
        else:
            assert found == kept(row, [share < p or share == 0 for share in above])


@given(batches(), st.sampled_from([0.0, 0.05, 0.3, 0.6, 1.0]))
def test_min_p_compares_with_the_likeliest(logits: Tensor, p: float) -> None:
    for row, found in zip(logits.tolist(), min_p(logits, p).tolist(), strict=True):
        chances = probabilities(row)
        assert found == kept(row, [chance >= p * max(chances) * (1 - 1e-6) for chance in chances])


@given(batches(), st.sampled_from([0.0, 0.5, 1.0, 3.0, math.inf]))
def test_temperature_from_the_likeliest_alone_to_all_alike(logits: Tensor, degree: float) -> None:
    for row, found in zip(logits.tolist(), temperature(logits, degree).tolist(), strict=True):
        if degree == 0:
            assert found == kept(row, [index == row.index(max(row)) for index in range(len(row))])
        elif degree == math.inf:
            assert found == [0.0 if value > -math.inf else value for value in row]
        else:
            assert found == pytest.approx([value / degree for value in row])


@given(with_ids(), st.sampled_from([0.5, 1.3, 4.0]), st.integers(1, 8))
def test_the_penalty_moves_recent_tokens_towards_the_rare(
    given: tuple[Tensor, Tensor], penalty: float, window: int
) -> None:
    logits, ids = given
    found = repetition_penalty(logits, ids, penalty, window)
    for row, past, after in zip(logits.tolist(), ids.tolist(), found.tolist(), strict=True):
        recent = set(past[-window:])
        wanted = [
            value if token not in recent else value / penalty if value > 0 else value * penalty
            for token, value in enumerate(row)
        ]
        assert after == pytest.approx(wanted)


@given(with_ids(), st.integers(1, 5))
def test_no_n_ids_in_a_row_come_twice(given: tuple[Tensor, Tensor], n: int) -> None:
    logits, ids = given
    found = no_repeat_ngram(logits, ids, n)
    for row, past, after in zip(logits.tolist(), ids.tolist(), found.tolist(), strict=True):
        grams = {tuple(past[start : start + n]) for start in range(len(past) - n + 1)}
        last = past[len(past) - n + 1 :]
        assert after == kept(row, [(*last, token) not in grams for token in range(len(row))])


@given(
    st.permutations(list(FILTERS)), batches(),
    st.sampled_from([0.0, 0.7, math.inf]), st.integers(1, 4), st.sampled_from([0.0, 0.4, 1.0]),
)  # fmt: skip
def test_in_any_order_something_legal_can_be_sampled_and_nothing_else(
    order: list[str], logits: Tensor, degree: float, k: int, p: float
) -> None:
    settings = replace(
        NEUTRAL, filters=order, temperature=degree, top_k=k, top_p=p, min_p=p, repetition_penalty=2.0,
        no_repeat_ngram=1,
    )  # fmt: skip
    allowed = torch.zeros_like(logits, dtype=torch.bool)
    allowed[:, -1] = True
    logits[:, -1] = -2.0
    ids = torch.full((len(logits), 3), logits.shape[1] - 1)
    left = apply_filters(logits, ids, make_filters(settings), allowed)
    assert (left[:, -1] > -math.inf).all()
    assert (left[:, :-1] == -math.inf).all()


values = st.fixed_dictionaries(
    {
        "filters": st.permutations(list(FILTERS)),
        "temperature": st.sampled_from([0.5, 1.0, 3.0]),
        "top_k": st.sampled_from([None, 1, 2, 3]),
        "top_p": st.sampled_from([0.4, 0.8, 1.0]),
        "min_p": st.sampled_from([0.0, 0.3]),
        "repetition_penalty": st.sampled_from([1.0, 2.0]),
        "no_repeat_ngram": st.sampled_from([None, 1, 2]),
    }
)


@given(with_ids(), values, st.data())
def test_filters_and_grammar_are_applied_one_after_the_other_as_listed(
    given: tuple[Tensor, Tensor], values: dict[str, Any], data: st.DataObject
) -> None:
    logits, ids = given
    row = st.lists(st.booleans(), min_size=logits.shape[1], max_size=logits.shape[1]).filter(any)
    allowed = torch.tensor(data.draw(st.lists(row, min_size=len(logits), max_size=len(logits))))
    legal = logits.masked_fill(~allowed, -math.inf)
    assume((legal.amax(dim=1) > -math.inf).all())
    k, n = values["top_k"], values["no_repeat_ngram"]
    steps = {
        "temperature": lambda left: temperature(left, values["temperature"]),
        "top_k": lambda left: left if k is None else top_k(left, k),
        "top_p": lambda left: top_p(left, values["top_p"]),
        "min_p": lambda left: min_p(left, values["min_p"]),
        "repetition_penalty": lambda left: repetition_penalty(left, ids, values["repetition_penalty"], 3),
        "no_repeat_ngram": lambda left: left if n is None else no_repeat_ngram(left, ids, n),
        GRAMMAR: lambda left: left.masked_fill(~allowed, -math.inf),
    }
    wanted = logits
    for name in values["filters"]:
        wanted = steps[name](wanted)
    emptied = (wanted == -math.inf).all(dim=1, keepdim=True)
    filters = make_filters(replace(NEUTRAL, **values, repetition_window=3))
    found = apply_filters(logits, ids, filters, allowed)
    assert torch.equal(found, torch.where(emptied, legal, wanted))


def test_the_order_is_the_one_that_was_asked_for() -> None:
    logits, ids = torch.tensor([[4.0, 3.0, 0.0]]), torch.zeros(1, 0, dtype=torch.long)
    hot = replace(NEUTRAL, temperature=10.0, top_p=0.7)
    first = make_filters(replace(hot, filters=["temperature", "top_p", "grammar"]))
    last = make_filters(replace(hot, filters=["top_p", "temperature", "grammar"]))
    assert (apply_filters(logits, ids, first, None) > -math.inf).sum() == 2  # flattened, so two are needed
    assert (apply_filters(logits, ids, last, None) > -math.inf).sum() == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filters": ["top_k", "top_k", *FILTERS]}, "top_k more than once"),
        ({"filters": ["grammar"], "top_k": 5}, "sampling.top_k=5 has no effect"),
        ({"filters": ["temperature"]}, "sampling.grammar=true has no effect"),
    ],
)
def test_settings_that_would_be_passed_over_are_errors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EtudeError, match=message):
        make_filters(replace(NEUTRAL, **changes))


def test_neutral_settings_make_no_filters() -> None:
    assert make_filters(NEUTRAL) == ([], [])
    assert {*MAKERS, GRAMMAR} == set(FILTERS)
