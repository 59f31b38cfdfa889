"""Filters of `etude runs`, held to what Python itself says of numbers and texts."""

import math
import operator
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.config.problems import Problem
from etude.errors import EtudeError
from etude.runs.catalogue import entries
from etude.runs.query import Condition, arrange, as_text, choose, number, parse
from run_folders import made_up

KEYS = st.from_regex(r"[a-z_][a-z0-9_]*([./][a-z0-9_]+){0,2}", fullmatch=True)
OPERATIONS = st.sampled_from([">=", "<=", "!=", "=", ">", "<"])
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).filter(
    lambda text: not text.startswith("=") and text[0] not in "'\""
)
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = NUMBERS | st.text() | st.booleans() | st.none() | st.lists(st.integers())
PYTHON = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}


@given(KEYS, OPERATIONS, TEXTS, st.sampled_from(["", " "]))
def test_a_typed_comparison_is_read_with_any_blanks(
    key: str, operation: str, wanted: str, blank: str
) -> None:
    assert parse(f"{key}{blank}{operation}{blank}{wanted}") == Condition(key, operation, wanted)


@given(NUMBERS, NUMBERS, st.sampled_from(list(PYTHON)))
def test_numbers_compare_as_in_python(value: float, limit: float, operation: str) -> None:
    assert Condition("key", operation, repr(limit)).accepts(value) == PYTHON[operation](value, limit)


@given(VALUES, st.text())
def test_unequal_is_the_contrary_of_equal(value: Any, wanted: str) -> None:
    assert Condition("key", "=", wanted).accepts(value) != Condition("key", "!=", wanted).accepts(value)


@given(VALUES)
def test_a_value_equals_itself_as_shown(value: Any) -> None:
    assert Condition("key", "=", as_text(value)).accepts(value)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_tilde_finds_a_text_anywhere(text: str, part: str) -> None:
    assert Condition("key", "~", re.escape(part)).accepts(text) == bool(
        re.search(re.escape(part), text, re.IGNORECASE)
    )


@given(st.text())
def test_whatever_is_typed_is_a_filter_or_a_problem(text: str) -> None:
    assert isinstance(parse(text), Condition | Problem)


@pytest.mark.parametrize("text", ["", "hidden_dim", ">=3", "=3", "-x=3", "3=3", "a b=3", "name~("])
def test_text_that_is_no_filter_is_refused(text: str) -> None:
    assert isinstance(parse(text), Problem)


def test_missing_values_pass_unequal_and_null_alone() -> None:
    assert [Condition("k", op, "3").accepts(None) for op in (">=", "<=", ">", "<", "=", "~")] == [False] * 6
    assert Condition("k", "!=", "3").accepts(None)
    assert Condition("k", "=", "null").accepts(None)
    assert not Condition("k", "!=", "null").accepts(None)


def test_zero_false_and_nothing_are_three_things() -> None:
    values: list[Any] = [0, False, None, 1, True]
    assert [value for value in values if Condition("k", "=", "0").accepts(value)] == [0]
    assert Condition("k", "=", "0").accepts(0.0)
    assert [Condition("k", "=", "false").accepts(value) for value in values] == [
        False,
        True,
        False,
        False,
        False,
    ]
    assert not Condition("k", "<", "1").accepts(False)


def test_filters_choose_by_settings_and_figures(tmp_path: Path) -> None:
    made_up(tmp_path, "a/0small_00000001", nats=0.9, model__hidden_dim=64)
    made_up(tmp_path, "a/large_00000002", nats=0.7, model__hidden_dim=256)
    made_up(tmp_path, "b/failed_00000003", "failed", model__hidden_dim=256, model__name="gru", seed=1)
    known = entries(tmp_path)

    def names(*filters: str) -> list[str]:
        return [each.name[2:-9].removeprefix("0") for each in choose(known, filters)]

    assert names() == ["small", "large", "failed"]
    assert names("model.hidden_dim>=128") == ["large", "failed"]
    assert names("model.hidden_dim >= 128", "state=done") == ["large"]
    assert names("test/nats<0.8") == ["large"]
    assert names("test/onsets/nats>1.5") == ["small"]
    assert names("val/nats!=null") == ["small", "large"]
    assert names("model=lstm") == ["small", "large"]
    assert names("data=erk") == names()
    assert names("folder~^b/") == ["failed"]
    assert names("data.split_fractions=[0.8, 0.1, 0.1]") == names()
    assert names("seed=0") == ["small", "large"]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    made_up(tmp_path, nats=1.0)
    with pytest.raises(EtudeError) as error:
        choose(entries(tmp_path), ["model.hiden_dim>3", "seed<one", "what"])
    said = str(error.value)
    assert "did you mean model.hidden_dim?" in said
    assert "one is none" in said
    assert "what: is no filter" in said


@given(st.lists(st.none() | st.floats() | st.integers(), max_size=6), st.booleans())
def test_sorting_puts_runs_without_a_value_last(values: list[float | None], reverse: bool) -> None:
    class Stub:
        def __init__(self, value: float | None) -> None:
            self.held = value

        def value(self, key: str) -> float | None:
            return self.held

    ordered: Any = arrange([Stub(value) for value in values], "key", reverse)  # type: ignore[misc]
    held = [each.held for each in ordered]
    real = [value for value in held if value is not None and not math.isnan(value)]
    assert real == sorted(real, reverse=reverse)
    assert all(value is None or math.isnan(value) for value in held[len(real) :])
    assert len(held) == len(values)


def test_a_number_is_read_exactly() -> None:
    assert number("9007199254740993") == 9007199254740993
    assert number("1e-3") == 0.001
    assert number("one") is None
