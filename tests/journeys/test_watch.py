"""A training and a sweep in other processes, followed with etude watch; debug runs and their profile."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from etude.commands import watch as watching
from etude.files import write_json
from etude.runs.status import RunState
from etude.sweeps.sweep_folder import JobFolder, Sweep
from forked import begin, end, has_ended
from journey import TOY, Etude, run_folder
from run_folders import made_up

pytestmark = pytest.mark.journey
SMALL = (*TOY, "trainer.max_epochs=3", "trainer.log_every_n_steps=1", "sampling.forms=[]")


@pytest.fixture
def start(tmp_path: Path, etude: Etude) -> Callable[..., int]:
    """Start a training in a process of its own; return its id once the file of this pattern is there."""

    def run(pattern: str, *arguments: str, first: Callable[[], None] = lambda: None) -> int:
        process = begin(tmp_path, "train", *SMALL, *arguments, first=first)
        while not has_ended(process) and not list(tmp_path.glob(pattern)):
            time.sleep(0.05)
        return process

    return run


def test_a_training_is_followed_to_its_end(start: Callable[..., int], etude: Etude, tmp_path: Path) -> None:
    process = start("outputs/erk_lstm_copy/*/status.json")
    said = etude("watch")
    assert end(process) == 0
    assert said.code == 0, said.out + said.err
    lines = said.out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    assert [line.partition("samples/")[2] for line in lines if line.startswith("samples:")] == [
        "before",
        "after",
    ]
    [results] = tmp_path.glob("outputs/erk_lstm_copy/*/results.json")
    assert lines[-1].startswith(f"done, {json.loads(results.read_text())['test']['nats']:.3f} nats/token")


def test_ctrl_c_ends_the_watching_alone(
    start: Callable[..., int], etude: Etude, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    process = start("outputs/erk_lstm_copy/*/status.json", "label=left")
    with monkeypatch.context() as patch:
        patch.setattr(watching.time, "sleep", interrupted)
        said = etude("watch", "left")
    assert said.code == 0
    assert "watching ended; left goes on" in said.out
    assert end(process) == 0


def test_a_sweep_is_followed_to_its_end(start: Callable[..., int], etude: Etude, tmp_path: Path) -> None:
    process = start("outputs/sweeps/*/ledger.json", "-m", "seed=0,1", "hydra/launcher=basic")
    [path] = tmp_path.glob("outputs/sweeps/*")
    said = etude("watch", path.name[:12])
    assert end(process) == 0
    assert said.code == 0, said.out + said.err
    assert [job.state for job in Sweep(path).jobs()] == ["done", "done"]
    assert f"2 of 2 jobs are done; etude sweep-report outputs/sweeps/{path.name}" in said.out


@pytest.mark.parametrize(("state", "code"), [("failed", 1), ("interrupted", 1), ("done", 0)])
def test_the_exit_code_says_how_a_run_ended(etude: Etude, tmp_path: Path, state: str, code: int) -> None:
    made_up(tmp_path / "outputs", state=state)
    said = etude("watch")
    assert (said.code, said.out.splitlines()[-1].split()[0].strip(":")) == (code, state)


@pytest.mark.parametrize(
    ("ends", "code"), [((RunState.DONE, RunState.PRUNED), 0), ((RunState.DONE, RunState.FAILED), 1)], ids=str
)
def test_the_exit_code_says_how_a_sweep_ended(
    etude: Etude, tmp_path: Path, ends: tuple[RunState, RunState], code: int
) -> None:
    for name in ("erk-1a", "erk-2b"):
        sweep = tmp_path / "outputs" / "sweeps" / name
        for number, state in enumerate(ends, 1):
            (sweep / "jobs" / f"{number:03}").mkdir(parents=True)
            JobFolder(sweep / "jobs" / f"{number:03}").write_state(state)
        write_json(
            sweep / "ledger.json", {"command": "etude train -m", "jobs": 2, "trainings": [["001"], ["002"]]}
        )
    said = etude("watch", "erk-2")
    assert (said.code, f"{2 - code} of 2 jobs are done" in said.out) == (code, True)
    said = etude("watch", "erk")
    assert (said.code, "erk may mean any of 2 sweeps" in said.err) == (2, True)


def test_a_debug_run_has_a_folder_of_its_own_and_a_profile_is_printed(etude: Etude, tmp_path: Path) -> None:
    size = ("data.max_pieces=60", "model.hidden_dim=8", "logger=csv", "sampling.num_samples=0")
    said = etude("train", "debug=profile", *size)
    assert said.code == 0, said.err
    assert run_folder(said).startswith("outputs/debug/erk_lstm_copy/")
    [heading] = [line.split() for line in said.out.splitlines() if line.strip().startswith("action")]
    assert heading == ["action", "calls", "mean,", "ms", "total,", "s"]
    [epoch] = [line.split() for line in said.out.splitlines() if "run_training_epoch" in line]
    assert epoch[:2] == ["run_training_epoch", "1"]


def test_a_run_that_is_not_there_is_a_sentence(etude: Etude) -> None:
    said = etude("watch", "nowhere")
    assert said.code == 2
    assert "there is no run nowhere below outputs" in said.err
