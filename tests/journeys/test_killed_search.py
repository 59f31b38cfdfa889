"""A search with real trainings: killed, resumed, pruned, with a failed trial, and looked at as a whole."""

import csv
import importlib
import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etude.models.module import SequenceModule
from etude.sweeps.sweep_folder import Sweep
from etude.sweeps.wandb_rows import offline
from forked import begin, end
from journey import LIMIT, Etude

optuna = pytest.importorskip("optuna", reason="searches need Optuna: pip install optuna")

TRIALS = 4
LINE = (
    "train", *LIMIT, "model.hidden_dim=8", "trainer.max_epochs=2", "sampling.forms=[]", "-m",
    "hydra/sweeper=optuna", "hydra/launcher=basic", "hydra.sweeper.prune_after=1", "hydra.sweeper.seed=6",
    "optim.weight_decay=0,1e-3,1000,3e38",
)  # fmt: skip


def killed_in_trial(trial: int) -> Callable[[], None]:
    """Have the process kill itself when its trial of that number validates."""

    def patch() -> None:
        validated = SequenceModule.validation_step

        def validation_step(self: Any, batch: Any, number: int) -> Any:
            [sweep] = Path("outputs/sweeps").iterdir()
            if len(Sweep(sweep).jobs()) == trial:
                os.kill(os.getpid(), signal.SIGKILL)
            return validated(self, batch, number)

        SequenceModule.validation_step = validation_step  # type: ignore[method-assign]

    return patch


@pytest.mark.journey
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process of its own")
def test_a_search_is_killed_and_goes_on_to_its_end(
    etude: Etude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module("wandb.sdk.launch.inputs.internal")  # W&B does at a run, in each forked process
    # after two trials a third can be pruned, not after five: test_search.py has those
    pruner = optuna.pruners.MedianPruner
    monkeypatch.setattr(
        optuna.pruners, "MedianPruner", lambda **named: pruner(**named | {"n_startup_trials": 2})
    )
    line = (*LINE, f"hydra.sweeper.n_trials={TRIALS}")
    assert end(begin(tmp_path, *line, first=killed_in_trial(2))) == -signal.SIGKILL
    [path] = (tmp_path / "outputs" / "sweeps").iterdir()
    assert [job.status["state"] for job in Sweep(path).jobs()].count("interrupted") == 1
    proposed = [job.job.overrides for job in Sweep(path).jobs()]

    said = etude(*line)
    assert said.code == 1  # for the trial that failed
    assert re.search(f"best of {TRIALS} trials, 1 pruned, 1 failed", said.err), said.err[-600:]
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{path / 'search.db'}")
    assert len(study.trials) == TRIALS
    jobs = Sweep(path).jobs()
    assert [job.job.overrides for job in jobs][: len(proposed)] == proposed
    for job, trial in zip(jobs, study.trials, strict=True):
        status, state = job.status, trial.state.name
        assert (status["state"], state) in (("done", "COMPLETE"), ("pruned", "PRUNED"), ("failed", "FAIL"))
        if state == "COMPLETE":  # the lowest of the validation, which the search looks at
            assert trial.value == status["result"]["validation"]["nats"]
    [failed] = [job.status["error"] for job in jobs if job.status["state"] == "failed"]
    assert "the training has diverged" in failed

    # each run says how it stands: in its folder, in the list of runs, in W&B
    runs = {run["folder"]: run["state"] for run in json.loads(etude("runs", "--json").out)}
    assert Counter(runs.values()) == {"done": TRIALS - 2, "pruned": 1, "failed": 1}
    for name, state in runs.items():
        run = tmp_path / "outputs" / name
        assert (run / "results.json").exists() == (state == "done")
    tracked = list(offline(tmp_path / "outputs"))
    assert {run.group for run in tracked} == {path.name}
    ends = Counter(
        run.state for run in tracked if run.state != "without an end"
    )  # the attempt that was killed
    assert ends == {"finished": TRIALS - 2, "pruned": 1, "failed": 1}
    [pruned] = [tmp_path / "outputs" / name for name, state in runs.items() if state == "pruned"]
    assert "stopped by the search" in json.loads((pruned / "status.json").read_text())["error"]
    assert "Traceback" not in (pruned / "train.log").read_text()
    status = [json.loads((tmp_path / "outputs" / name / "status.json").read_text()) for name in runs]
    assert sorted(each["attempt"] for each in status) == [*[1] * (TRIALS - 1), 2]  # the one that was killed

    # seen as a whole
    assert etude("sweep-report", str(path)).code == 0
    lines = list(csv.DictReader((path / "table.csv").open()))
    assert Counter(line["state"] for line in lines) == {"done": TRIALS - 2, "pruned": 1, "failed": 1}
    page = (path / "report.html").read_text()
    for words in ("hydra/sweeper=optuna", "Best run", "Settings and loss", "Grey ones were pruned"):
        assert words in page
    again = etude(*line)
    assert f"best of {TRIALS} trials" in again.err
    assert f"of {TRIALS}:" not in again.err  # no trial was run
