"""Jobs made of an earlier one are the jobs that are composed and checked by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.config.compose import Checker
from etude.config.frozen import Freezer
from etude.config.session import session
from etude.config.variations import Variations

POOLS = (
    ("seed=0", "seed=7", "seed=-1"),
    ("model.hidden_dim=8", "model.hidden_dim=16", "model.hidden_dim=x", "model=lstm_3layer_batchnorm"),
    ("optim.lr=0.1", "optim.lr=null", "optim=adamw", "optim.lr=${model.dropout}"),
    ("data=erk", "data=cobb", "data.batch_size=3", "data.batch_size=4", "data.split_fractions=[0.8,0.1,0.1]"),
    ("logger=csv", "logger.wandb=null", "logger.wandb.project=mine", "logger.wandb.project=${name}"),
    ("name=one", "name=two", "seed=3", "outputs_dir=a", "label=${name}", "+new=1", "~sampling"),
)


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with session() as hydra:
        yield Checker(hydra.config_loader, "train")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*(st.sampled_from(pool) for pool in POOLS[:5])), min_size=2, max_size=6),
       st.lists(st.sampled_from(POOLS[5]), min_size=6, max_size=6))  # fmt: skip
def test_a_job_made_of_another_is_the_job(
    checker: Checker, rows: list[tuple[str, ...]], last: list[str]
) -> None:
    made = Variations(checker, Freezer(checker, "a:b"), [])
    for job in [(*row, end) for row, end in zip(rows, last, strict=False)]:
        frozen, _, problems = made.freeze(job)
        config, expected = checker.check(job)
        assert problems == expected
        if not problems and config is not None:
            assert frozen is not None
            assert frozen.as_dict() == Freezer(checker, "a:b").freeze(config, job).as_dict()


def test_what_follows_a_changed_value_changes_with_it(checker: Checker) -> None:
    made = Variations(checker, Freezer(checker, "a:b"), [])
    for name in ("one", "two"):
        frozen, _, _ = made.freeze(["label=${name}", f"name={name}"])
        assert frozen is not None
        assert frozen.config["label"] == name


def test_plain_values_are_composed_once(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Variations(checker, Freezer(checker, "a:b"), [])
    made.freeze(["seed=0", "model.hidden_dim=8"])
    monkeypatch.setattr(checker, "check", None)
    frozen, _, _ = made.freeze(["seed=1", "model.hidden_dim=16"])
    assert frozen is not None
    assert (frozen.config["seed"], frozen.config["model"]["hidden_dim"]) == (1, 16)
