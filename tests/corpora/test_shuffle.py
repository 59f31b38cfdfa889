"""Shuffling without a list: a permutation, spread out, a function of its key."""

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.corpora.shuffle import Shuffle, random_below, uniform


@given(st.integers(1, 3000), st.integers(0, 2**40), st.integers(0, 50))
def test_every_number_comes_once(size: int, seed: int, epoch: int) -> None:
    order = Shuffle(size, seed, epoch)(np.arange(size))
    assert sorted(order.tolist()) == list(range(size))


@given(st.integers(1, 10**15), st.integers(0, 9))
def test_large_ranges_stay_in_range_and_do_not_collide(size: int, seed: int) -> None:
    positions = np.unique(np.random.default_rng(seed).integers(0, size, 500))
    order = Shuffle(size, seed)(positions)
    assert ((order >= 0) & (order < size)).all()
    assert len(np.unique(order)) == len(positions)


@given(st.integers(2, 2000), st.data())
def test_a_part_of_the_order_is_that_part_of_the_whole(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    shuffle = Shuffle(size, 5)
    assert (shuffle(np.arange(start, size)) == shuffle(np.arange(size))[start:]).all()


def test_orders_look_random() -> None:
    size, runs = 500, 400
    orders = np.stack([Shuffle(size, seed)(np.arange(size)) for seed in range(runs)])
    first = orders[:, 0]
    assert abs(first.mean() - size / 2) < 4 * size / np.sqrt(12 * runs)
    neighbours = np.abs(np.diff(orders, axis=1)).mean()
    assert abs(neighbours - size / 3) < 0.02 * size  # the mean distance of two numbers drawn at random
    assert len(np.unique(orders, axis=0)) == runs


def test_each_order_of_a_few_comes_as_often_as_another() -> None:
    keys, few = 2400, 4
    orders = Counter(tuple(Shuffle(few, key)(np.arange(few)).tolist()) for key in range(keys))
    each = keys / math.factorial(few)
    spread = sum((orders[order] - each) ** 2 / each for order in permutations(range(few)))
    assert spread < 2 * (math.factorial(few) - 1)  # 1 by chance; 3.5 with five rounds of the network


@pytest.mark.parametrize("gap", [1, 2, 5, 16, 32, 100, 128])
def test_where_one_number_goes_says_nothing_of_where_another_goes(gap: int) -> None:
    """Over many keys, two numbers at any distance end up as far apart as two random ones."""
    size = 256
    orders = np.stack([Shuffle(size, key)(np.arange(size)) for key in range(200)])
    apart = np.abs(orders[:, gap:] - orders[:, :-gap])
    assert abs(apart.mean() - size / 3) < 0.02 * size
    assert len(np.unique(apart[:, 0])) > 80  # of 200; chance gives 117


def test_numbers_are_drawn_evenly_below_their_limits() -> None:
    numbers = np.arange(30_000)
    drawn = random_below(np.full(30_000, 6), numbers, 1, 2)
    assert np.allclose(np.bincount(drawn, minlength=6) / 30_000, 1 / 6, atol=0.01)
    assert (drawn != random_below(np.full(30_000, 6), numbers, 1, 3)).mean() > 0.8


def test_uniform_numbers_are_spread_over_0_to_1_whatever_the_key() -> None:
    numbers = np.arange(50_000)
    first, second = uniform(numbers, 0), uniform(numbers, 1)
    for drawn in (first, second):
        assert (drawn >= 0).all()
        assert (drawn < 1).all()
        assert np.allclose(np.histogram(drawn, bins=20, range=(0, 1))[0] / 50_000, 0.05, atol=0.005)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.02
