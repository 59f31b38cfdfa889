"""Axes for settings: every value between the ends in its order, labels that do not touch."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.reports.scales import CLOSEST, are_many, ordered, scale

NUMBERS = st.floats(-1e9, 1e9) | st.integers(-100, 100) | st.floats(1e-9, 1)


@given(st.lists(NUMBERS.map(str) | st.sampled_from(["erk", "cobb", "None", "nan", "inf"]), min_size=1))
def test_values_lie_in_their_order_and_labels_apart(values: list[str]) -> None:
    heights, ticks = scale(values)
    assert all(0 <= height <= 1 for height in heights)
    places = dict(zip(values, heights, strict=True))
    along = [places[name] for name in ordered(values)]
    assert along == sorted(along)
    assert all(high - low >= CLOSEST * 0.999 for low, high in pairwise(sorted(ticks.values())))
    assert ticks


@given(st.lists(st.floats(1e-8, 1e8), min_size=9, max_size=40, unique=True))
def test_many_numbers_lie_where_they_are(values: list[float]) -> None:
    assert are_many(values)
    heights, _ = scale([str(value) for value in values])
    ends = min(values), max(values)
    log = ends[1] >= 20 * ends[0]
    measure = math.log if log else float
    for value, height in zip(values, heights, strict=True):
        share = (measure(value) - measure(ends[0])) / (measure(ends[1]) - measure(ends[0]))
        assert height == pytest.approx(share, abs=1e-9)


def test_a_grid_is_evenly_spaced_and_a_search_is_not() -> None:
    grid = ["16", "64", "256"] * 4
    assert scale(grid).ticks == {"16": 0.0, "64": 0.5, "256": 1.0}
    search = ["0.0003449633418640723", "0.02174413313130732", "0.1", "0.0001", "0.05"]
    assert list(scale(search).ticks) == ["0.0001", "0.1", "0.001", "0.01"]
    assert scale(search).ticks["0.01"] == pytest.approx(2 / 3)
    assert scale(["0.02174413313130732", "7"]).ticks == {"0.02174": 0.0, "7": 1.0}
