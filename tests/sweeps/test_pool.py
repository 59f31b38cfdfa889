import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sweep_work
from etude.runs.status import exists
from etude.sweeps.pool import WorkerDiedError, run_each
from forked import wait_until


def test_results_come_in_the_order_of_the_tasks() -> None:
    assert run_each(sweep_work.double, [(3,), (1,), (2,)], at_once=2, preload=[]) == [6, 2, 4]
    assert run_each(sweep_work.double, [], at_once=2, preload=[]) == []


def test_a_process_that_dies_leaves_the_others_alone() -> None:
    ways = ["killed", "well", "left", "raised", "ill", "preempted"]
    found = run_each(sweep_work.end, [(how,) for how in ways], at_once=2, preload=[])
    assert [each for each in found if isinstance(each, str)] == ["well", "ill"]
    assert all(isinstance(found[place], WorkerDiedError) for place in (0, 2, 3, 5))
    assert "SIGKILL" in str(found[0])
    assert "exit code 3" in str(found[2])
    assert "exit code 1" in str(found[3])
    assert "exit code 75" in str(found[5])


def test_a_result_larger_than_a_pipe_arrives() -> None:
    assert run_each(sweep_work.large, [(1 << 22,)], at_once=1, preload=[]) == [bytes(1 << 22)]


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_run_at_a_time_than_allowed(tmp_path: Path, at_once: int) -> None:
    run_each(sweep_work.note_times, [(str(tmp_path),)] * 4, at_once=at_once, preload=[])
    spans = [tuple(map(float, path.read_text().split())) for path in tmp_path.iterdir()]
    assert len(spans) == 4  # each in a process of its own
    for begun, _ in spans:
        assert sum(other_begun <= begun < other_ended for other_begun, other_ended in spans) <= at_once


def test_processes_see_the_environment_of_the_moment_and_gpus_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TROMBONE", "one")
    assert run_each(sweep_work.seen, [()], at_once=1, preload=[])[0][:2] == ("one", str(tmp_path))
    monkeypatch.setenv("TROMBONE", "two")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,7")
    (first, second) = run_each(sweep_work.seen, [(), ()], at_once=2, preload=[])
    assert first[0] == "two"
    assert {first[2], second[2]} == {"4,7", "5"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4")
    assert [each[2] for each in run_each(sweep_work.seen, [(), ()], at_once=2, preload=[])] == ["4", "4"]


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(sweep_work.__file__).parent)!r})\n"
        "from sweep_work import sleeper\nfrom etude.sweeps.pool import run_each\n"
        "if __name__ == '__main__': run_each(sleeper, [(sys.argv[1],)], at_once=1, preload=[])\n"
    )
    told = tmp_path / "pid"
    process = subprocess.Popen([sys.executable, str(script), str(told)])
    wait_until(lambda: told.exists() and told.read_text())
    process.kill()
    process.wait()
    wait_until(lambda: not exists(int(told.read_text())))


@pytest.mark.parametrize(
    ("number", "code", "why"), [(signal.SIGTERM, 75, "Preempted"), (signal.SIGINT, 130, "KeyboardInterrupt")]
)
def test_a_signal_to_all_processes_waits_for_those_that_save(
    tmp_path: Path, number: signal.Signals, code: int, why: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(sweep_work.__file__).parent)!r})\n"
        "from sweep_work import saver\nfrom etude.sweeps.pool import run_each\n"
        "from etude.training.signals import stop_signals\n"
        "if __name__ == '__main__':\n"
        "    from etude.errors import Preempted\n"
        "    try:\n"
        "        with stop_signals(): run_each(saver, [(sys.argv[1],)], at_once=1, preload=[])\n"
        "    except Preempted: sys.exit(75)\n"
        "    except KeyboardInterrupt: sys.exit(130)\n"
    )
    told = tmp_path / "told"
    process = subprocess.Popen(
        [sys.executable, str(script), str(told)], start_new_session=True, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: told.exists() and told.read_text() == "begun")
    os.killpg(process.pid, number)
    assert process.wait() == code
    assert told.read_text() == f"saved after {why}"
