import math
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.config.problems import in_words, nearest
from etude.config.setting_limits import Limits


@given(
    st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False)
)
def test_ends_belong_to_the_range_or_do_not(low: float, high: float, value: float) -> None:
    assert bool(Limits(low=low, high=high).complaint(value)) == (not low <= value <= high)
    assert bool(Limits(above=low, below=high).complaint(value)) == (not low < value < high)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_setting_takes_an_infinite_number_or_nan(value: float) -> None:
    assert Limits().complaint(value)


def test_choices_and_lists() -> None:
    limits = Limits(choices=("a", "b"))
    assert limits.complaint("a") == ""
    assert limits.complaint(["a", "b"]) == ""
    assert limits.complaint(["a", "c"]) == "must be one of a, b, got 'c'"
    assert limits.complaint(None) == ""


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(low=1), "at least 1"),
        (Limits(above=0, high=2), "above 0 and at most 2"),
        (Limits(low=0, below=1), "at least 0 and below 1"),
        (Limits(), "a finite number"),
    ],
)
def test_limits_read_as_a_sentence(limits: Limits, words: str) -> None:
    assert str(limits) == words


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "a whole number"),
        (float | None, "a number or null"),
        (Optional[str], "text or null"),  # noqa: UP045
        (list[int], "a list [...] of whole numbers"),
        (dict[str, int], "a group of keys"),
        (bool, "true or false"),
    ],
)
def test_types_read_as_a_user_would_say_them(hint: object, words: str) -> None:
    assert in_words(hint) == words


def test_a_misspelling_of_a_path_leads_to_it() -> None:
    keys = [
        "model",
        "model.hidden_dim",
        "model.embedding_dim",
        "optim",
        "optim.lr",
        "seed",
        "data.split_seed",
    ]
    assert nearest("model.hiden_dim", keys) == ["model.hidden_dim"]
    assert nearest("hidden_dim", keys) == ["model.hidden_dim"]
    assert nearest("lr", keys) == ["optim.lr"]
    assert nearest("optm", keys) == ["optim"]
    assert nearest("zzz", keys) == []
