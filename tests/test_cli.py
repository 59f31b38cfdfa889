"""The command line as a user types it: exit codes, messages, leftover files."""

import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest

from etude import cli
from etude.runs.archive import pack
from forked import say
from run_folders import made_up


@pytest.fixture
def with_jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Script that is `etude`, except that `etude train` ends as its seed says."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "stand_in.py").write_text(
        textwrap.dedent("""
        import sys
        from etude.errors import EtudeError

        def train(config):
            if config.seed == 1:
                raise EtudeError("one is unlucky")
            if config.seed == 2:
                raise ValueError("two is worse")
            if config.seed == 4:
                raise KeyboardInterrupt
            if config.seed == 6:
                open("/dev/null/file")
            return f"{config.model.hidden_dim}/{config.seed}"

        def summarise(outcomes):
            print("SUMMARY", [(o.overrides, o.result, o.error) for o in outcomes])
        """)
    )
    script = folder / "main.py"
    script.write_text(
        textwrap.dedent("""
        import dataclasses, sys
        from etude import cli
        train = cli.VERBS["train"]
        cli.VERBS["train"] = dataclasses.replace(train, target="stand_in:train", table="stand_in:summarise")
        if __name__ == "__main__":
            sys.exit(cli.main())
        """)
    )
    return script


def run(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "etude", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"etude {version('etude')}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trian",), "error: no verb 'trian'; did you mean train?"),
        (("zzz",), "error: no verb 'zzz'\nVerbs: "),
        (("model=lstm",), "error: model=lstm stands before the verb; type etude VERB model=lstm"),
        (("train", "--config-dir", "none"), "error: --config-dir none: no such folder"),
        (("train", "--bogus"), "unrecognized arguments: --bogus"),
        (("train", "-m", "--info", "defaults"), "error: only one of"),
        (("train", "--resolve"), "error: --resolve says how"),
        (("train", "--experimental-rerun", "x.pickle"), "error: --experimental-rerun"),
        (("train", "data.split_seed=1.5"), "takes a whole number, got 1.5"),
        (("train", "seed=1,2"), "is a sweep, which needs -m"),
        (("train", "-m", "seed=1,x"), "seed=x  takes a whole number, got x"),
        (("train", "-cn", "nowhere"), "Cannot find primary config 'nowhere'"),
        (("train", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=abc", "seed=1,2"), "n_trials=abc"),
        (("train", "-m", "hydra.launcher.n_jobs=null", "seed=1,2"), "hydra.launcher.n_jobs=null"),
        (("train", "outputs_dir=/dev/null"), "outputs_dir=/dev/null  is a file"),
        (("sample",), "run  must be given; type run=..."),
    ],
)
def test_a_mistake_exits_2_with_one_message_and_creates_nothing(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = say(tmp_path, *arguments)
    assert says in done.err
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("job file/job.json", "file/job.json: no job.json"),
        ("job file", "file: no job.json"),
        ("sweep-report file", "file: no sweep"),
        ("sweep-report run_00000001 -o file", "file cannot be made a folder"),
        ("import run.zip --outputs file", "run.zip: could not be put to file/"),
        ("export run_00000001 file/run.zip", "there is no folder file"),
        ("train -m seed=0,1 hydra.sweep.dir=file", "file"),
    ],
)
def test_a_file_where_a_folder_is_meant_is_a_mistake(tmp_path: Path, words: str, says: str) -> None:
    pack(made_up(tmp_path, "run_00000001", nats=1.0), tmp_path / "run.zip")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    done = say(tmp_path, *words.split())
    assert done.code == 2
    assert done.err.startswith(f"error: {says}")
    assert "Traceback" not in done.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone", "of-ours"), PermissionError(1, "no name")])
def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def broken(words: object) -> int:
        raise error

    monkeypatch.setattr(cli, "load", lambda target: broken)
    with pytest.raises(type(error)):
        cli.main(["gc"])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", [1, 2, 3]),
        ("--limit 2", [2, 3]),
        ("--limit 9", [1, 2, 3]),
        ("--limit 0", []),
        ("--reverse --limit 2", [3, 2]),
        ("--sort seed --limit 2", [1, 2]),
        ("--sort seed --reverse --limit 2", [3, 2]),
        ("--sort seed --limit 0", []),
    ],
)
def test_a_limit_shows_the_latest_runs_or_the_first_of_an_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, shown: list[int]
) -> None:
    for number in (1, 2, 3):
        made_up(tmp_path, f"run_{number}", days=9 - number, seed=number)
    assert cli.main(["runs", "--outputs", str(tmp_path), "--paths", *words.split()]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"run_{number}") for number in shown]


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    done = say(tmp_path, "train", "model.hiden_dim=256", "optim.lr=-1", "data=erkk")
    first, *problems, hint = done.err.strip().splitlines()
    assert first == "error: 3 problems in the configuration"
    assert [problem.split()[0] for problem in problems] == ["model.hiden_dim=256", "optim.lr=-1", "data=erkk"]
    assert "did you mean model.hidden_dim?" in problems[0]
    assert "must be above 0 and at most 1000, got -1.0" in problems[1]
    assert "did you mean erk?" in problems[2]
    assert "etude train --help" in hint


@pytest.mark.parametrize(
    ("seed", "code", "says"),
    [
        (0, 0, ""),
        (1, 2, "error: one is unlucky\n"),
        (2, 1, "ValueError: two is worse\n"),
        (4, 130, "error: interrupted\n"),
        (6, 2, "error: /dev/null/file: Not a directory\n"),
    ],
)
def test_how_a_job_ends_is_the_exit_code(
    with_jobs: Path, tmp_path: Path, seed: int, code: int, says: str
) -> None:
    done = run(with_jobs, "train", f"seed={seed}", cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr.endswith(says)
    assert ("Traceback" in done.stderr) == (code == 1)
    assert list(tmp_path.iterdir()) == []


def test_a_multirun_goes_on_after_a_failure_and_lists_all_of_them(with_jobs: Path, tmp_path: Path) -> None:
    done = run(with_jobs, "train", "model.hidden_dim=64", "-m", "-j", "2", "seed=0,1,2,5", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("SUMMARY [(('model.hidden_dim=64', 'seed=0'), '64/0', '')")
    assert "'64/5'" in done.stdout
    assert done.stderr.endswith(
        "error: 2 of 4 jobs failed\n"
        "  job 002 (model.hidden_dim=64 seed=1): one is unlucky\n"
        "  job 003 (model.hidden_dim=64 seed=2): ValueError: two is worse\n"
    )
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert done.stdout.endswith(f"sweep: {sweep.relative_to(tmp_path)}\n")


def test_an_interrupted_multirun_still_says_what_was_done(with_jobs: Path, tmp_path: Path) -> None:
    done = run(with_jobs, "train", "-m", "seed=0,4,5", "hydra/launcher=basic", cwd=tmp_path)
    assert done.returncode == 130
    assert "'128/0'" in done.stdout
    assert "(('seed=5',), None, 'not started" in done.stdout


@pytest.mark.parametrize("arguments", [("-j", "2"), ("-m", "-j", "0", "seed=1,2")])
def test_jobs_are_of_a_multirun(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = say(tmp_path, "train", *arguments)
    assert done.code == 2
    assert "error: --jobs" in done.err
