"""scripts/install.sh and the Makefile, run for real but with a stand-in for Python's venv and pip.

The stand-in runs Python code as it is and writes down each call of venv and pip, so that a test sees in
milliseconds what an installation would do.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ["sh", "awk", "cat", "cp", "dirname", "echo", "mkdir", "rm", "make", "git", "sleep"]

STAND_IN = f"""#!/bin/sh
case "$*" in
    *_base_executable*) echo "$0" ;;
    "-m venv "*)
        echo "venv" >>"$CALLS"
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
        [ "${{STOP_AT:-}}" != venv ] || exit 9 ;;
    "-m pip "*)
        for word; do case "$word" in requirements/*) what=$word ;; --editable) what=etude ;; esac; done
        echo "pip ${{what:-check}}" >>"$CALLS"
        [ "${{STOP_AT:-}}" != "${{what:-check}}" ] || exit 9 ;;
    *) exec "{sys.executable}" -I -S "$@" ;;
esac
"""

EVERYTHING = [
    "venv",
    "pip requirements/lock-build.txt",
    "pip requirements/{lock}",
    "pip requirements/torch.txt",
]
FINISH = ["pip etude", "pip check"]
RUNTIME = [line.format(lock="lock.txt") for line in EVERYTHING] + FINISH
DEV = [line.format(lock="lock-dev.txt") for line in EVERYTHING] + FINISH


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@dataclass
class Checkout:
    """Copy of the files that the installation reads, in a folder with a space, with its own PATH."""

    folder: Path
    bin: Path
    log: Path

    def run(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        env: Mapping[str, str] = {"PATH": str(self.bin), "CALLS": str(self.log), "LC_ALL": "C", **settings}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False
        )

    def install(self, *words: str, **settings: str) -> list[str]:
        """Install, which must succeed, and return the calls of venv and pip that it took."""
        result = self.run("sh", "scripts/install.sh", *words, **settings)
        assert result.returncode == 0, result.stdout + result.stderr
        return self.calls()

    def calls(self) -> list[str]:
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "with a space" / "étude"
    folder.mkdir(parents=True)
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not on this machine")
        (tools / name).symlink_to(found)
    executable(tools / "python3", STAND_IN)
    return Checkout(folder, tools, tmp_path / "calls")


def test_a_second_installation_does_nothing(checkout):
    assert checkout.install() == RUNTIME
    assert checkout.install() == []


def test_the_test_tools_are_added_to_a_runtime_installation(checkout):
    checkout.install()
    assert checkout.install("dev") == ["pip requirements/lock-dev.txt", "pip check"]
    assert checkout.install("dev") == []
    assert checkout.install() == [], "the packages for tests include those for training"


def test_a_bare_checkout_gets_the_test_tools_in_one_go(checkout):
    assert checkout.install("dev") == DEV


@pytest.mark.parametrize(
    "step", ["venv", "requirements/lock.txt", "requirements/torch.txt", "etude", "check"]
)
def test_an_interrupted_installation_is_repaired(checkout, step):
    assert checkout.run("sh", "scripts/install.sh", STOP_AT=step).returncode != 0
    checkout.calls()
    assert checkout.install() == RUNTIME
    assert checkout.install() == []


def test_an_interrupted_addition_is_repaired(checkout):
    checkout.install()
    assert (
        checkout.run("sh", "scripts/install.sh", "dev", STOP_AT="requirements/lock-dev.txt").returncode != 0
    )
    checkout.calls()
    assert checkout.install() == RUNTIME, "a half-added tool may have left a half-installed package"


@pytest.mark.parametrize(
    "name", ["requirements/lock.txt", "requirements/torch.txt", "requirements/lock-build.txt"]
)
def test_a_changed_lock_installs_anew(checkout, name):
    checkout.install()
    path = checkout.folder / name
    path.write_text(path.read_text(encoding="utf-8") + "# pulled\n", encoding="utf-8")
    assert checkout.install() == RUNTIME


def test_of_pyproject_only_what_shapes_the_package_counts(checkout):
    checkout.install()
    path = checkout.folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("line-length = 110", "line-length = 111"), encoding="utf-8")
    assert checkout.install() == []
    path.write_text(
        text.replace("[project.scripts]", '[project.scripts]\nother = "etude.cli:main"'), encoding="utf-8"
    )
    assert checkout.install() == RUNTIME


def test_a_moved_checkout_installs_anew(checkout):
    checkout.install()
    checkout.folder = checkout.folder.rename(checkout.folder.parent / "moved")
    assert checkout.install() == RUNTIME


def test_another_source_of_torch_installs_anew_and_is_remembered(checkout):
    checkout.install()
    assert checkout.install(TORCH_PIP_ARGS="--pre") == RUNTIME
    assert checkout.install(TORCH_PIP_ARGS="--pre") == []
    assert checkout.install() == []
    assert (checkout.folder / ".venv/.torch-pip-args").read_text(encoding="utf-8") == "--pre"


def test_an_activated_environment_is_not_made_from_itself(checkout):
    checkout.install()
    lock = checkout.folder / "requirements/lock.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "# pulled\n", encoding="utf-8")
    inside = checkout.folder / ".venv/bin"
    # A real environment says that it was made from the Python outside; so does this one.
    executable(inside / "python3", STAND_IN.replace('echo "$0"', f'echo "{checkout.bin}/python3"'))
    assert checkout.install(PATH=f"{inside}:{checkout.bin}") == RUNTIME


def too_old(version: str) -> str:
    return f'#!/bin/sh\ncase "$*" in *platform*) echo {version} ;; *) exit 1 ;; esac\n'


def test_a_python_that_is_too_old_gets_one_sentence(checkout):
    executable(checkout.bin / "python3", too_old("3.9.6"))
    result = checkout.run("make", "train")
    assert result.returncode != 0
    said = [line for line in result.stderr.splitlines() if line.startswith("install: ")]
    assert len(said) == 1
    assert "Python 3.11 or newer is needed (python3 is 3.9.6)" in said[0]
    assert "apt-get install python3" in said[0]
    assert not (checkout.folder / ".venv").exists()


def test_no_python_at_all_gets_the_same_sentence(checkout):
    (checkout.bin / "python3").unlink()
    result = checkout.run("sh", "scripts/install.sh")
    assert result.returncode == 1
    assert result.stderr.startswith("install: Python 3.11 or newer is needed: install it")
    assert result.stderr.count("\n") == 1


def test_a_newer_python_is_found_behind_an_old_one(checkout):
    (checkout.bin / "python3").rename(checkout.bin / "python3.12")
    executable(checkout.bin / "python3", too_old("3.9.6"))
    assert checkout.install() == RUNTIME


def test_a_python_given_by_name_is_used_or_refused(checkout):
    (checkout.bin / "python3").rename(checkout.bin / "mine")
    executable(checkout.bin / "python3", too_old("3.9.6"))
    assert checkout.install(PYTHON="mine") == RUNTIME
    refused = checkout.run("sh", "scripts/install.sh", PYTHON="python3")
    assert refused.returncode == 1
    assert refused.stderr.startswith("install: PYTHON=python3 is not a Python 3.11 or newer")
    assert (checkout.folder / ".venv").exists(), "a wrong name must not cost the environment"


def test_a_missing_venv_module_gets_one_sentence(checkout):
    executable(
        checkout.bin / "python3",
        STAND_IN.replace("case", 'case "$*" in *ensurepip*) exit 1 ;; esac\ncase', 1),
    )
    result = checkout.run("sh", "scripts/install.sh")
    assert result.returncode == 1
    assert "has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_git_gets_one_sentence(checkout):
    (checkout.bin / "git").unlink()
    result = checkout.run("sh", "scripts/install.sh")
    assert result.returncode == 1
    assert result.stderr.startswith("install: git is needed: install it")
    assert result.stderr.count("\n") == 1


def test_two_installations_at_once_take_turns(checkout):
    slow = STAND_IN.replace('echo "venv"', 'sleep 1; echo "venv"')
    executable(checkout.bin / "python3", slow)
    env = {"PATH": str(checkout.bin), "CALLS": str(checkout.log), "LC_ALL": "C"}
    both = [
        subprocess.Popen(["sh", "scripts/install.sh"], cwd=checkout.folder, env=env, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = b"".join(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert checkout.calls() == RUNTIME
    assert b"waiting for it" in said


def test_help_is_the_default_and_lists_the_targets(checkout):
    said = checkout.run("make").stdout
    for target in ("train", "test", "lint", "lock", "clean", "help"):
        assert f"  make {target} " in said
    for setting in ("ARGS", "PYTHON", "TORCH_PIP_ARGS"):
        assert f"  {setting} " in said


def test_train_installs_first_and_hands_on_its_arguments(checkout):
    said = checkout.run("make", "-n", "train", "ARGS=trainer.max_epochs=1").stdout
    assert said.split("\n")[-2:] == [".venv/bin/etude train trainer.max_epochs=1", ""]
    assert said.startswith("sh scripts/install.sh")


def test_the_scripts_are_posix_sh(checkout):
    dash = shutil.which("dash")
    if dash is None:
        pytest.skip("dash, the strictest common sh, is not on this machine")
    for script in sorted((ROOT / "scripts").glob("*.sh")):
        subprocess.run([dash, "-n", str(script)], check=True)


def test_ci_run_may_be_executed():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
