"""Searches of a toy command: a real study in SQLite, a real kill, the same proposals as without it."""

import hashlib
import math
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from etude.config.compose import Checker
from etude.config.conf_files import conf_dir
from etude.config.plan import plan
from etude.config.problems import ConfigError
from etude.config.session import session
from etude.errors import EtudeError
from etude.sweeps.engine import open_sweep, run_sweep
from etude.sweeps.settings import SearchSettings
from etude.sweeps.study import ask, open_study
from etude.sweeps.sweep_folder import Sweep
from etude.sweeps.tasks import run_job_folder
from etude.training.pruning import current_watcher

optuna = pytest.importorskip("optuna", reason="searches need Optuna: pip install optuna")

TARGET = f"{__name__}:work"
SPACE = ("net.dropout=interval(0, 0.9)", "net.width=tag(log, int(interval(1, 512)))", "net.mode=plain,gated")
LINES = (
    *SPACE, "hydra/sweeper=toy_optuna", "hydra/launcher=basic", "hydra.sweep.dir=sweeps",
    "hydra/job_logging=none", "hydra/hydra_logging=none", "hydra.output_subdir=null",
)  # fmt: skip

Search = Callable[..., Sweep]


def work(config: object) -> dict[str, dict[str, float]]:
    dropout, width = config.net.dropout, config.net.width  # type: ignore[attr-defined]
    begun = Path("begun")
    count = len(begun.read_text().split()) if begun.exists() else 0
    with begun.open("a") as file:
        file.write(f"{dropout}\n")
    if watcher := current_watcher():
        watcher(count, 1.0)
    if Path("kill-at").exists() and count == int(Path("kill-at").read_text()):
        os.kill(os.getpid(), signal.SIGKILL)
    if dropout > 0.7:
        raise EtudeError("drowned")
    return {"validation": {"nats": (dropout - 0.3) ** 2 + width / 1000}, "test": {"nats": -dropout}}


@pytest.fixture
def search(toy: Path, tmp_path: Path) -> Search:
    (toy / "hydra" / "sweeper").mkdir(parents=True, exist_ok=True)
    shipped = (conf_dir() / "hydra" / "sweeper" / "optuna.yaml").read_text()
    (toy / "hydra" / "sweeper" / "toy_optuna.yaml").write_text(shipped)

    def search(name: str, trials: int, *more: str) -> Sweep:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        before = Path.cwd()
        os.chdir(folder)
        try:
            lines = (*LINES, f"hydra.sweeper.n_trials={trials}", *more)
            with session(toy) as hydra:
                checker = Checker(hydra.config_loader, "toy")
                jobs = plan(checker, lines, "etude toy", multirun=True, target=TARGET)
                found = open_sweep(hydra, "toy", lines, jobs, TARGET, trains=False)
                run_sweep(hydra, "toy", lines, found, search=TARGET)
                return Sweep(found.path.resolve())
        finally:
            os.chdir(before)

    return search


def study(sweep: Sweep) -> optuna.Study:
    return open_study(f"sqlite:///{sweep.path / 'search.db'}", None, is_there=True)


def trials(sweep: Sweep) -> list[tuple[object, ...]]:
    return [(each.state.name, each.params, each.value) for each in study(sweep).get_trials()]


def killed(search: Search, *arguments: object) -> None:
    """Search in a process that kills itself."""
    if not (child := os.fork()):
        try:
            search(*arguments)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("count", "kills"),
    [
        pytest.param(5, (4,), id="once"),
        pytest.param(14, (3, 11), id="again and again", marks=pytest.mark.soak),
    ],
)
def test_a_killed_search_proposes_and_finds_the_same(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, kills: tuple[int, ...]
) -> None:
    # after three trials at random, not ten, the sampler proposes by what it has seen
    sampler = partial(optuna.samplers.TPESampler, n_startup_trials=3)
    monkeypatch.setattr(optuna.samplers, "TPESampler", sampler)
    calm = search("calm", count)
    (tmp_path / "killed").mkdir()
    for kill_at in kills:
        (tmp_path / "killed" / "kill-at").write_text(str(kill_at))
        killed(search, "killed", count)
    (tmp_path / "killed" / "kill-at").unlink()
    found = search("killed", count)
    assert trials(found) == trials(calm)
    begun = (tmp_path / "killed" / "begun").read_text().split()
    assert len(begun) == count + len(kills)  # killed trials ran twice
    assert len(found.jobs()) == count
    assert [job.status["state"] for job in found.jobs()].count("interrupted") == 0


def test_failed_trials_count_and_stop_nothing_and_more_can_follow(search: Search) -> None:
    few = search("all", 3)
    first = trials(few)
    assert {state for state, _, _ in first} == {"FAIL", "COMPLETE"}
    more = search("all", 4)
    assert more.path == few.path
    assert trials(more)[:3] == first
    assert len(trials(more)) == 4
    best = min(value for _, _, value in trials(more) if value is not None)  # type: ignore[type-var]
    assert study(more).best_value == best  # of the validation, not of the test
    errors = [job.outcome().error for job in more.jobs()]
    assert all("drowned" in error for error in errors if error)


def test_other_seeds_and_samplers_propose_otherwise_and_batches_are_run(search: Search) -> None:
    proposed = [
        [params for _, params, _ in trials(search(f"n{number}", 2, *more))]
        for number, more in enumerate(((), ("hydra.sweeper.seed=1",), ("hydra.sweeper.n_jobs=2",)))
    ]
    assert proposed[0] != proposed[1]
    assert proposed[0] == proposed[2]


def test_a_job_of_a_trial_that_has_ended_runs_by_itself(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = search("all", 2)
    before = trials(found)
    monkeypatch.chdir(tmp_path / "all")
    job = next(job for job in found.jobs() if job.status["state"] == "done")
    assert run_job_folder(job).error == ""
    assert job.status["state"] == "done"
    assert trials(found) == before


def test_a_search_whose_shared_values_have_changed_is_not_continued(search: Search, toy: Path) -> None:
    search("all", 1)
    path = toy / "net" / "small.yaml"
    before = path.read_text()
    try:
        path.write_text(before.replace("bias: true", "bias: false"))
        with pytest.raises(EtudeError, match="has changed since"):
            search("all", 2)
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("net.dropout=interval(0, 1.5)", "1.5"),
        ("net.width=interval(1, 8)", "int(interval(...))"),
        ("net.dropout=interval(0.5, 0.1)", "turn it round: interval(0.1, 0.5)"),
        ("net.dropout=interval(0, inf)", "two finite ends"),
        ("net.dropout=tag(log, interval(0, 0.5))", "must begin above 0, not at 0"),
        ("net.gain=tag(log, interval(1, -1))", "must begin above 0, not at -1"),
        ("net.width=tag(log, int(interval(16, 8)))", "turn it round: interval(8, 16)"),
        ("net.width=range(1, 1)", "sweeps over nothing"),
        ("hydra.sweeper.n_trials=0", "n_trials=0"),
        ("hydra.sweeper.n_trials=abc", "n_trials=abc: a whole number from 1"),
        ("hydra.sweeper.n_trials=true", "n_trials=true"),
        ("hydra.sweeper.n_jobs=null", "n_jobs=null"),
        ("+hydra.sweeper.foo=1", "foo: no such setting; there are n_trials"),
        ("~hydra.sweeper.seed", "seed: must be given"),
        ("hydra.sweeper.sampler=magic", "tpe or random"),
        ("hydra.sweeper.prune_after=0", "prune_after=0"),
        ("hydra.sweeper.prune_after=soon", "prune_after=soon"),
    ],
)
def test_mistakes_are_reported_before_anything_runs(
    search: Search, tmp_path: Path, line: str, why: str
) -> None:
    with pytest.raises((ConfigError, EtudeError)) as raised:
        search("all", 2, line)
    assert why in str(raised.value)
    assert not list((tmp_path / "all").iterdir())


def test_a_trial_is_pruned_once_it_is_worse_than_the_median_of_others(tmp_path: Path) -> None:
    from etude.sweeps.study import TrialWatcher, open_study

    storage = f"sqlite:///{tmp_path / 'search.db'}"
    found = open_study(storage, 2)
    for level in range(5):
        trial = found.ask()
        for epoch in range(4):
            trial.report(1 + level / 10, epoch)
        found.tell(trial, 1 + level / 10)
    good, bad = found.ask(), found.ask()
    assert not any(TrialWatcher(storage, good._trial_id, 2)(epoch, 1.1) for epoch in range(4))
    watcher = TrialWatcher(storage, bad._trial_id, 2)
    assert [watcher(epoch, 1.4) for epoch in range(3)] == [False, True, True]
    found.tell(bad, state=optuna.trial.TrialState.PRUNED)
    assert not TrialWatcher(storage, bad._trial_id, 2)(3, 1.4)  # continued by itself
    assert not TrialWatcher(storage, found.ask()._trial_id, None)(3, 9.0)
    watcher = TrialWatcher(storage, found.ask()._trial_id, 2)  # of a training that diverges
    assert not any(watcher(epoch, math.nan) for epoch in range(4))


@pytest.mark.parametrize("name", ["tpe", "random"])
@pytest.mark.parametrize("killed_at", [None, 5])
def test_in_a_finite_space_no_combination_is_proposed_twice(
    tmp_path: Path, name: str, killed_at: int | None
) -> None:
    space = {
        "a": optuna.distributions.CategoricalDistribution(["x", "y"]),
        "b": optuna.distributions.IntDistribution(1, 5, step=2),
        "c": optuna.distributions.CategoricalDistribution(["only"]),
    }
    asked = SearchSettings(n_trials=7, n_jobs=1, seed=0, sampler=name, prune_after=None)
    found = open_study(f"sqlite:///{tmp_path / 'search.db'}", None)
    for place in range(1, 8):
        if place == killed_at:  # after it was proposed, before its trial began
            found.enqueue_trial({"a": "x", "b": 1, "c": "only"}, skip_if_exists=True)
        ask(found, asked, place, space)
        trial = found.get_trials()[-1]
        found.tell(trial.number, float(trial.params["b"]))  # the best is tried first, and would be again
    proposed = [tuple(each.params.values()) for each in found.get_trials()]
    assert len(proposed) == 7
    assert len(set(proposed[:6])) == 6


def test_in_an_endless_space_the_sampler_proposes_alone(tmp_path: Path) -> None:
    space = {"lr": optuna.distributions.FloatDistribution(0.1, 1.0)}
    asked = SearchSettings(n_trials=3, n_jobs=1, seed=0, sampler="tpe", prune_after=None)
    found = open_study(f"sqlite:///{tmp_path / 'search.db'}", None)
    ask(found, asked, 1, space)
    seed = int.from_bytes(hashlib.sha256(b"0 1").digest()[:4], "big")
    alone = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed)).ask(space)
    assert found.get_trials()[0].params == alone.params
