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

VALUES = {
    "seed": ("0", "7", "-1"),
    "model.hidden_dim": ("8", "16", "x", "1e3"),
    "optim.lr": ("0.1", "0.2", "null", "${model.dropout}"),
    "data.batch_size": ("3", "4", "0"),
    "data.sequence_len": ("32", "64"),
    "model": ("lstm_flat", "lstm_3layer_batchnorm"),
    "data.split_fractions": ("[0.8,0.1,0.1]", "[0.7,0.2,0.1]", "null"),
    "logger.wandb": ("null",),
    "logger.wandb.project": ("mine", "${name}", "${.mode}_${seed}", "other"),
    "name": ("one", "two", "a_${label}", "${oc.select:label,none}"),
    "label": ("a", "null", "1e3", "yes"),
}


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with session() as hydra:
        yield Checker(hydra.config_loader, "train")


@pytest.fixture(scope="module")
def freezer(checker: Checker) -> Freezer:
    return Freezer(checker, "a:b")  # for all jobs: it composes each job's defaults once


@pytest.mark.parametrize(
    "sweeps", [pytest.param(8, id="of a few"), pytest.param(200, id="of many", marks=pytest.mark.soak)]
)
def test_a_job_made_of_another_is_the_job(checker: Checker, freezer: Freezer, sweeps: int) -> None:
    @settings(max_examples=sweeps)
    @given(st.data())
    def all_jobs(data: st.DataObject) -> None:
        keys = data.draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=4, unique=True))
        rows = data.draw(
            st.lists(st.tuples(*(st.sampled_from(VALUES[key]) for key in keys)), min_size=3, max_size=6)
        )
        made = Variations(checker, Freezer(checker, "a:b"), [])
        for row in rows:
            job = [f"{key}={value}" for key, value in zip(keys, row, strict=True)]
            frozen, _, problems = made.freeze(job)
            config, expected = checker.check(job)
            assert problems == expected
            if not problems and config is not None:
                assert frozen is not None
                assert frozen.as_dict() == freezer.freeze(config, job).as_dict()

    all_jobs()


def test_what_follows_a_changed_value_changes_with_it(checker: Checker) -> None:
    made = Variations(checker, Freezer(checker, "a:b"), [])
    for length in (32, 64):
        frozen, _, _ = made.freeze(["model=lstm_flat", f"data.sequence_len={length}"])
        assert frozen is not None
        assert frozen.config["model"]["window"] == length


def test_a_part_that_was_left_out_is_not_made_of_one_that_was_not(checker: Checker) -> None:
    made = Variations(checker, Freezer(checker, "a:b"), [])
    for job in (["logger.wandb.project=a", "seed=0"], ["logger.wandb.project=a", "seed=1"]):
        assert made.freeze(job)[2] == []
    _, _, problems = made.freeze(["logger.wandb=null", "logger.wandb.project=a"])
    assert problems


def test_plain_values_are_composed_once(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Variations(checker, Freezer(checker, "a:b"), [])
    made.freeze(["seed=0", "model.hidden_dim=8"])
    monkeypatch.setattr(checker, "check", None)
    frozen, _, _ = made.freeze(["seed=1", "model.hidden_dim=16"])
    assert frozen is not None
    assert (frozen.config["seed"], frozen.config["model"]["hidden_dim"]) == (1, 16)
