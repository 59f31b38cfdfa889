from functools import cache
from pathlib import Path

import pytest

from etude.config.compose import Checker
from etude.config.conf_files import conf_dir
from etude.config.plan import Plan, plan
from etude.config.problems import ConfigError
from etude.config.session import session


def planned(folder: Path, *lines: str, multirun: bool = True, config: str = "toy") -> Plan:
    with session(folder):
        return plan(checker_in(folder, config), lines, "etude toy", multirun=multirun)


@cache
def checker_in(folder: Path, config: str) -> Checker:
    """Return the checker of a command, which reads each file once for all tests."""
    with session(folder) as hydra:
        return Checker(hydra.config_loader, config)


def problems(folder: Path, *lines: str, multirun: bool = True, config: str = "toy") -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        planned(folder, *lines, multirun=multirun, config=config)
    return [(problem.what, problem.why) for problem in caught.value.problems]


def test_a_single_run_is_one_job(toy: Path) -> None:
    assert planned(toy, "seed=3", multirun=False) == Plan(multirun=False, jobs=(("seed=3",),))


def test_a_sweep_is_every_combination_in_hydras_order(toy: Path) -> None:
    jobs = planned(toy, "net=small,large", "seed=range(0,2)", "net.width=4").jobs
    assert jobs == tuple(
        (f"net={net}", f"seed={seed}", "net.width=4") for net in ("small", "large") for seed in (0, 1)
    )


def test_globs_choose_among_the_options(toy: Path) -> None:
    assert planned(toy, "net=glob(*)").jobs == (("net=large",), ("net=small",))


def test_a_preset_can_ask_for_a_sweep(toy: Path) -> None:
    assert planned(toy, "extras=sweep", multirun=False) == Plan(
        multirun=True, jobs=(("net.width=3", "extras=sweep"), ("net.width=4", "extras=sweep"))
    )


def test_each_value_of_a_sweep_is_checked_and_reported_once(toy: Path) -> None:
    assert problems(toy, "net.width=4,banana", "seed=0,-1,-2", "net.dropout=0.5") == [
        ("seed=-1", "must be at least 0, got -1"),
        ("seed=-2", "must be at least 0, got -2"),
        ("net.width=banana", "takes a whole number, got banana"),
    ]


def test_a_sweep_without_the_flag_says_what_to_type(toy: Path) -> None:
    ((what, why),) = problems(toy, "seed=1,2", multirun=False)
    assert what == "seed=1,2"
    assert why == "is a sweep, which needs -m; a list is seed=[1,2], a text \"seed='1,2'\""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("net.dropout=interval(0,1)", "needs a search"),
        ("hydra.job.chdir=true,false", "Hydra's own setting"),
        ("seed=1,[2", "ends too early"),
        ("net.widht=1,2", "did you mean net.width?"),
    ],
)
def test_what_cannot_be_swept_is_named(toy: Path, line: str, says: str) -> None:
    assert any(says in why for _, why in problems(toy, line))


def test_an_empty_range_is_a_mistake(toy: Path) -> None:
    assert problems(toy, "seed=range(1,1)") == [
        ("--multirun", "sweeps over nothing: one of the ranges is empty")
    ]


def test_swept_values_count_as_given(toy: Path) -> None:
    assert len(planned(toy, "net=small", "seed=1,2", "nickname=a,b", config="needy").jobs) == 4
    assert problems(toy, "net=small", "seed=1,2", config="needy")[0][0] == "nickname"


@pytest.mark.parametrize("key", ["outputs_dir", "data.data_dir"])
@pytest.mark.parametrize("lines", [(), ("seed=0,1",), ("hydra/sweeper=optuna", "seed=0,1")])
def test_a_file_where_a_folder_is_wanted_is_named(tmp_path: Path, key: str, lines: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        found = problems(conf_dir(), f"{key}={path}", *lines, multirun=bool(lines), config="train")
        assert found == [(f"{key}={path}", "is a file, or below one; a folder is wanted")]


def test_a_configuration_with_a_file_for_a_folder_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with session() as hydra:
        checker = Checker(hydra.config_loader, "train")
        lines = [f"outputs_dir={tmp_path / 'file'}"]
        assert plan(checker, lines, "etude train", multirun=False, may_miss=True).jobs == (tuple(lines),)


@pytest.fixture
def search(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the shipped sweeper pass for a plugin's."""
    monkeypatch.setattr("etude.config.plan.BASIC_SWEEPER", "another.Sweeper")


@pytest.mark.usefixtures("search")
def test_a_search_makes_up_its_own_jobs(toy: Path) -> None:
    found = planned(toy, "net.dropout=interval(0,0.5)", "net.width=1,2")
    assert found == Plan(multirun=True, jobs=(), search=True)


@pytest.mark.usefixtures("search")
def test_what_a_search_would_trip_over_is_found_before_it_starts(toy: Path) -> None:
    found = problems(toy, "net.droput=interval(0,1)", "net.width=1,0", "seed=-1", config="needy")
    assert dict(found)["net.droput=interval(0,1)"] == "no such key"
    found = problems(toy, "net.droput=interval(0,1)", "net.width=1,0", "seed=-1")
    assert found == [
        ("net.droput=interval(0,1)", "no such key; did you mean net.dropout?"),
        ("seed=-1", "must be at least 0, got -1"),
        ("net.width=0", "must be at least 1, got 0"),
    ]
    found = problems(toy, "corpus=scores", "corpus.files=interval(0,1)", "corpus.folder=interval(0,1)")
    assert found[0] == ("corpus.files=interval(0,1)", "no such key here; corpus=songs has it")
    assert all("takes text" in why for _, why in found[1:])
