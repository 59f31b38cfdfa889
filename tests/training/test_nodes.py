"""Processes that torchrun, SLURM or another launcher has started: when they train together, and how."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch.distributed
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from composed import composed
from etude.config.fields import from_plain
from etude.config.resolved import ResolvedConfig
from etude.errors import EtudeError
from etude.runs.folder import RunFolder
from etude.training.nodes import Team, launcher
from etude.training.settings import TrainerSettings

TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "RANK": "1", "LOCAL_RANK": "0", "GROUP_RANK": "1"}
SRUN = {"SLURM_PROCID": "1", "SLURM_LOCALID": "0", "SLURM_NODEID": "1", "SLURM_NTASKS_PER_NODE": "1"}


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*TORCHRUN, "WORLD_SIZE", *(name for name in os.environ if name.startswith("SLURM_"))]:
        monkeypatch.delenv(name, raising=False)


def settings(devices: int, num_nodes: int) -> TrainerSettings:
    changed = {"devices": devices, "num_nodes": num_nodes}
    return from_plain(TrainerSettings, composed("train")["trainer"] | changed)


@pytest.mark.parametrize(
    ("environment", "devices", "nodes", "found"),
    [
        ({}, 2, 1, None),  # Étude starts them itself
        ({**TORCHRUN, "WORLD_SIZE": "2"}, 2, 1, TorchElasticEnvironment),
        ({**TORCHRUN, "WORLD_SIZE": "2"}, 1, 2, TorchElasticEnvironment),
        ({**TORCHRUN, "WORLD_SIZE": "1"}, 1, 1, None),
        ({**SRUN, "SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}, 1, 2, SLURMEnvironment),
        ({**SRUN, "SLURM_NTASKS": "2"}, 2, 1, None),  # in a batch script, without srun
        ({**SRUN, "SLURM_NTASKS": "1", "SLURM_STEP_NUM_TASKS": "1"}, 2, 1, None),  # as submitit has it
        ({**SRUN, "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4"}, 1, 1, None),  # a training in each
    ],
)
def test_the_launcher_of_several_processes_is_found(
    environment: dict[str, str],
    devices: int,
    nodes: int,
    found: type[ClusterEnvironment] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    place = launcher(settings(devices, nodes))
    assert type(place) is (found or type(None))
    assert Team(place).is_first == (place is None)


@pytest.mark.parametrize(
    ("environment", "devices", "nodes", "said"),
    [
        ({}, 1, 2, "start this command with torchrun or srun"),
        ({**TORCHRUN, "WORLD_SIZE": "4"}, 1, 1, "4 processes were started for one training, but .* are 1"),
        ({**TORCHRUN, "WORLD_SIZE": "1"}, 2, 1, "1 processes were started for one training, but .* are 2"),
        ({**SRUN, "SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NNODES": "2"}, 2, 1, "devices=1"),
    ],
)
def test_a_number_of_processes_that_is_not_the_settings_is_refused(
    environment: dict[str, str], devices: int, nodes: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EtudeError, match=said):
        launcher(settings(devices, nodes))


class First(LightningEnvironment):
    """A launcher as the first process sees it."""

    def global_rank(self) -> int:
        return 0


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything that the first process tells the others."""
    messages: list[Any] = []
    monkeypatch.setattr(torch.distributed, "broadcast_object_list", lambda box, **_: messages.append(*box))
    return messages


def test_the_others_are_told_once_whatever_happens(sent: list[Any]) -> None:
    run = RunFolder(Path("outputs/a"))
    with Team(First()).led():
        pass
    with pytest.raises(ValueError, match="ours"), Team(First()).led():
        raise ValueError("ours")
    team = Team(First())
    with team.led(), team.training(run, ResolvedConfig({}), 1, step=3, fingerprint="f"):
        pass
    assert [message and message["step"] for message in sent] == [None, None, 3]


def test_a_process_that_dies_is_told_from_a_fault_of_the_training(sent: list[Any]) -> None:
    run = RunFolder(Path("outputs/a"))
    for message, error in (
        ("[gloo/transport] Connection closed by peer", EtudeError),
        ("ours", RuntimeError),
    ):
        team = Team(First())
        with pytest.raises(error), team.training(run, ResolvedConfig({}), 1, step=0, fingerprint="f"):
            raise RuntimeError(message)


@pytest.mark.parametrize("ended", [None, RuntimeError("Connection closed by peer")])
def test_a_process_whose_first_has_failed_ends_with_a_sentence(
    ended: RuntimeError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(box: list[Any], **_: Any) -> None:
        if ended:
            raise ended

    monkeypatch.setattr(torch.distributed, "broadcast_object_list", receive)
    with pytest.raises(EtudeError, match="the first process of this training has"):
        Team(First()).task()
