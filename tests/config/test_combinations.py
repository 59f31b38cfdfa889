"""Jobs of a multirun: Hydra's own combinations, and values taken together."""

from __future__ import annotations

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hypothesis import given
from hypothesis import strategies as st

from etude.config.combinations import combinations, zip_problems
from etude.config.hydra_adapter import parse_override

LINE = st.sampled_from(("=1", "=1,2,3", "=range(2)", "=choice(x,y)", "=[1,2]", "=null,7", "='a b',c"))


def parsed(*lines: str) -> list[object]:
    return [parse_override(line) for line in lines]


@given(st.lists(LINE, max_size=4))
def test_without_zip_the_jobs_are_those_of_hydra(values: list[str]) -> None:
    lines = parsed(*(f"k{number}{value}" for number, value in enumerate(values)))
    [theirs] = BasicSweeper.split_arguments(lines, None)
    assert combinations(lines) == [tuple(job) for job in theirs]


def test_zipped_values_go_together_and_cross_the_others() -> None:
    lines = parsed("a=1,2", "b=x,y", "c=3,4", "d=5")
    assert combinations(lines, ["a", "c"]) == [
        ("a=1", "b=x", "c=3", "d=5"), ("a=1", "b=y", "c=3", "d=5"),
        ("a=2", "b=x", "c=4", "d=5"), ("a=2", "b=y", "c=4", "d=5"),
    ]  # fmt: skip


def test_a_zipped_key_may_have_had_one_value_before() -> None:
    lines = parsed("a=9", "a=1,2", "b=x,y")
    assert combinations(lines, ["a", "b"]) == [("a=9", "a=1", "b=x"), ("a=9", "a=2", "b=y")]
    assert len(zip_problems(parsed("a=1,2,3", "a=1,2", "b=x,y"), ["a", "b"])) == 1


@pytest.mark.parametrize(
    ("zipped", "why"),
    [
        (("a", "b"), "a has 2, b has 3"),
        (("a", "d"), "d is not swept"),
        (("a", "lrr"), "lr"),
    ],
)
def test_what_cannot_be_zipped_is_refused(zipped: tuple[str, ...], why: str) -> None:
    [problem] = zip_problems(parsed("a=1,2", "b=x,y,z", "d=5", "lr=1,2"), zipped)
    assert why in problem.why
