"""The lock files cover what pyproject.toml asks for, are hashed throughout, and name no package index."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["lock.txt", "lock-dev.txt", "lock-build.txt"]
PYTHONS = ["3.11", "3.12", "3.13"]
SYSTEMS = [("linux", "Linux"), ("darwin", "Darwin")]


def locked(name: str) -> list[str]:
    """Return the entries of a lock file, each with its hashes, as pip joins them."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pins(name: str, python: str, system: tuple[str, str]) -> dict[str, str]:
    """Return package → version as one Python on one system sees the lock file."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": system[0],
        "platform_system": system[1],
        "platform_python_implementation": "CPython",
    }
    found: dict[str, str] = {}
    for line in locked(name):
        requirement = Requirement(line.split(" --hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert canonicalize_name(requirement.name) not in found, f"{requirement.name} is pinned twice"
            (specifier,) = requirement.specifier
            assert specifier.operator == "=="
            found[canonicalize_name(requirement.name)] = specifier.version
    return found


def asked_for(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system[0])
@pytest.mark.parametrize(("name", "extras"), [("lock.txt", ()), ("lock-dev.txt", ("dev",))])
def test_every_dependency_is_pinned_within_its_range(name, extras, system, python):
    found = pins(name, python, system)
    (torch,) = map(Requirement, locked("torch.txt"))
    found["torch"] = next(iter(torch.specifier)).version
    for requirement in asked_for(*extras):
        version = found.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {name}: run `make lock`"
        assert requirement.specifier.contains(version), (
            f"{requirement} is pinned at {version}: run `make lock`"
        )


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system[0])
def test_the_three_locks_agree(system, python):
    everything = pins("lock-dev.txt", python, system)
    for name in ("lock.txt", "lock-build.txt"):
        assert pins(name, python, system).items() <= everything.items()


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_carries_a_hash_and_nothing_else(name):
    entries = locked(name)
    assert entries
    for entry in entries:
        requirement, *hashes = entry.split(" --hash=")
        assert hashes, f"no hash: {requirement}"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes)
        assert not re.search(r"\s-", requirement), f"an option in {requirement!r}"


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").iterdir()), ids=lambda path: path.name)
def test_no_package_index_is_named(path):
    assert not re.search(
        r"://|--(extra-)?index-url|--find-links|^-[if]\b", path.read_text("utf-8"), re.MULTILINE
    )


@pytest.mark.parametrize("name", LOCKS)
def test_torch_and_its_cuda_libraries_stay_out(name):
    names = [canonicalize_name(Requirement(line.split(" --hash")[0]).name) for line in locked(name)]
    assert not [n for n in names if n in {"torch", "triton"} or n.startswith(("nvidia-", "cuda-"))]
