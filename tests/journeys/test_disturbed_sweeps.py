"""Sweeps as they are typed: a job that goes wrong is named, and stops no other."""

import json
from pathlib import Path

from etude.sweeps.sweep_folder import Sweep
from journey import TOY, Etude


def test_a_job_that_diverges_fails_by_name_and_the_others_are_done(etude: Etude, tmp_path: Path) -> None:
    penalties = ("0", "3e38", "1e-3")
    size = ("trainer.max_epochs=1", "sampling.forms=[]", "hydra/launcher=basic")
    said = etude("train", *TOY, *size, "-m", f"optim.weight_decay={','.join(penalties)}")
    assert said.code == 1
    [path] = (tmp_path / "outputs" / "sweeps").iterdir()
    jobs = Sweep(path).jobs()
    assert [job.status["state"] for job in jobs] == ["done", "failed", "done"]
    named = "the training loss became nan at step"
    assert named in jobs[1].status["error"]
    assert not jobs[1].outcome().trace  # a mishap that the user can mend
    assert named in jobs[1].log.read_text()
    listed = said.err[said.err.index("1 of 3 jobs failed") :]
    assert "job 002" in listed
    assert named in listed
    states = {run["optim.weight_decay"]: run["state"] for run in json.loads(etude("runs", "--json").out)}
    assert states == {0: "done", 3e38: "failed", 1e-3: "done"}
