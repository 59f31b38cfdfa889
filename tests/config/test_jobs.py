import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from etude.config.compose import Checker
from etude.config.jobs import Outcome, Task, print_table, run
from etude.config.plan import Plan, plan
from etude.config.problems import ConfigError, Problem
from etude.config.session import session
from etude.errors import EtudeError


def work(config: DictConfig) -> tuple[int, int]:
    match config.seed:
        case 1:
            raise EtudeError("one is unlucky")
        case 2:
            raise ValueError("two is worse")
        case 3:
            sys.exit("three leaves")
        case 4:
            raise KeyboardInterrupt
    return config.seed, config.net.width


@pytest.fixture
def start(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Outcome]]:
    monkeypatch.chdir(tmp_path)

    def start(
        *lines: str, multirun: bool = False, between: Callable[[], None] = lambda: None
    ) -> list[Outcome]:
        with session(toy) as hydra:
            jobs = plan(Checker(hydra.config_loader, "toy"), lines, "etude toy", multirun=multirun)
            between()
            quiet = ["hydra/job_logging=none", "hydra/hydra_logging=none", "hydra.output_subdir=null"]
            quiet += ["hydra.run.dir=.", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=."]
            return run(hydra, "toy", [*lines, *quiet], Task(f"{__name__}:work", jobs))

    return start


Start = Callable[..., list[Outcome]]


def test_a_single_run_gives_its_result_and_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    assert start("seed=7") == [Outcome(("seed=7",), (7, 8))]
    assert list(tmp_path.iterdir()) == []


def test_each_job_of_a_multirun_ends_for_itself(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = start("seed=0,1,2,3,5", multirun=True)
    assert [outcome.overrides for outcome in outcomes] == [(f"seed={seed}",) for seed in (0, 1, 2, 3, 5)]
    assert [outcome.result for outcome in outcomes] == [(0, 8), None, None, None, (5, 8)]
    assert [outcome.error for outcome in outcomes] == [
        "", "one is unlucky", "ValueError: two is worse", "SystemExit: three leaves", "",
    ]  # fmt: skip
    assert [bool(outcome.trace) for outcome in outcomes] == [False, False, True, True, False]
    shown = capfd.readouterr().err
    # each error stands under the job that it belongs to
    assert (
        shown.index("job 2 of 5: seed=1") < shown.index("error: one is unlucky") < shown.index("job 3 of 5")
    )
    assert shown.index("job 3 of 5") < shown.index("Traceback") < shown.index("job 4 of 5")


def test_an_interrupt_ends_a_multirun_at_once(start: Start) -> None:
    with pytest.raises(KeyboardInterrupt):
        start("seed=0,4,5", multirun=True)


def test_an_exit_code_of_a_single_run_is_kept(start: Start) -> None:
    with pytest.raises(SystemExit, match="three leaves"):
        start("seed=3")


def test_editing_a_file_does_not_change_the_jobs_already_planned(start: Start, toy: Path) -> None:
    path = toy / "net" / "small.yaml"
    before = path.read_text()
    try:
        spoil = lambda: path.write_text(before.replace("width: 8", "width: 9"))  # noqa: E731
        assert [outcome.result for outcome in start("seed=0,5", multirun=True, between=spoil)] == [
            (0, 8),
            (5, 8),
        ]
        assert start("seed=0")[0].result == (0, 9)
    finally:
        path.write_text(before)


def test_a_search_learns_from_results_and_errors(toy: Path) -> None:
    task = Task(f"{__name__}:work", Plan(multirun=True, jobs=(), search=True))
    with session(toy) as hydra:
        config, _ = Checker(hydra.config_loader, "toy").check(["hydra.job.num=0"])
        assert config is not None
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            del config["hydra"]
        assert task(config) == (0, 8)
        config.seed = 1
        with pytest.raises(EtudeError, match="one is unlucky"):
            task(config)
        config.seed = -5
        with pytest.raises(ConfigError, match="seed=-5  must be at least 0"):
            task(config)
    assert [outcome.result for outcome in task.outcomes] == [(0, 8)]


def test_what_crosses_to_another_process_survives_pickling() -> None:
    error = ConfigError([Problem("a=1", "no such key")], "etude train")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.problems) == (str(error), error.problems)
    task = pickle.loads(pickle.dumps(Task("a:b", Plan(True, (("x=1",),)))))
    assert (task.target, task.plan.jobs) == ("a:b", (("x=1",),))


def test_the_table_shows_what_sets_the_jobs_apart(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([Outcome(("a=1", "b=1"), 0.5), Outcome(("a=2", "b=1"), error="no [good]")])
    shown = capsys.readouterr().out
    assert "a=1" in shown
    assert "b=1" not in shown
    assert "0.5" in shown
    assert "error: no [good]" in shown
