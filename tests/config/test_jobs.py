import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from etude.config.compose import Checker
from etude.config.jobs import Outcome, print_table, run_single
from etude.config.plan import plan
from etude.config.problems import ConfigError, Problem
from etude.config.session import session
from etude.errors import EtudeError

QUIET = ("hydra/job_logging=none", "hydra/hydra_logging=none", "hydra.output_subdir=null", "hydra.run.dir=.")


def work(config: DictConfig) -> tuple[int, int]:
    match config.seed:
        case 1:
            raise EtudeError("one is unlucky")
        case 2:
            raise ValueError("two is worse")
        case 3:
            sys.exit("three leaves")
    return config.seed, config.net.width


@pytest.fixture
def start(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    monkeypatch.chdir(tmp_path)

    def start(*lines: str) -> Outcome:
        with session(toy) as hydra:
            plan(Checker(hydra.config_loader, "toy"), lines, "etude toy", multirun=False)
            return run_single(hydra, "toy", [*lines, *QUIET], f"{__name__}:work")

    return start


Start = Callable[..., Outcome]


def test_a_single_run_gives_its_result_and_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    assert start("seed=7") == Outcome(("seed=7",), (7, 8))
    assert list(tmp_path.iterdir()) == []


def test_an_error_comes_back_with_a_traceback_if_it_was_unexpected(start: Start) -> None:
    assert start("seed=1") == Outcome(("seed=1",), error="one is unlucky")
    unexpected = start("seed=2")
    assert unexpected.error == "ValueError: two is worse"
    assert "Traceback" in unexpected.trace


def test_an_exit_code_of_a_single_run_is_kept(start: Start) -> None:
    with pytest.raises(SystemExit, match="three leaves"):
        start("seed=3")


def test_what_crosses_to_another_process_survives_pickling() -> None:
    error = ConfigError([Problem("a=1", "no such key")], "etude train")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.problems) == (str(error), error.problems)


def test_the_table_shows_what_sets_the_jobs_apart(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([Outcome(("a=1", "b=1"), 0.5), Outcome(("a=2", "b=1"), error="no [good]")])
    shown = capsys.readouterr().out
    assert "a=1" in shown
    assert "b=1" not in shown
    assert "0.5" in shown
    assert "error: no [good]" in shown
