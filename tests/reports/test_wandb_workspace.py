"""The workspace that `etude dashboard` sends: panels of what a training logs; W&B's server is a stand-in."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
import wandb

from etude.cli import main
from etude.training import wandb_account
from etude.training.wandb_tracker import BEST

workspaces = pytest.importorskip("wandb_workspaces.workspaces", reason="the extra `dashboard` is missing")

LOGGED = (
    *("train/loss", "train/loss_step", "train/accuracy", "train/lr", "train/grad_norm"),
    *("val/loss", "val/accuracy", "baselines/loss/5-gram", "baselines/accuracy/5-gram"),
    *("time/epoch_seconds", "time/tokens_per_second"),
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is sent to a server that has an account and takes everything."""
    views: list[Any] = []

    def upsert(view: Any) -> dict[str, Any]:
        views.append(view)
        return {"upsertView": {"view": {"name": "nw-abc-v", "id": "1"}}}

    monkeypatch.setattr(wandb_account, "_unreachable", lambda server: "")
    monkeypatch.setattr(wandb, "login", lambda prompt: True)
    api = SimpleNamespace(default_entity="me", client=SimpleNamespace(app_url="https://wandb.example"))
    monkeypatch.setattr(wandb, "Api", lambda: api)
    monkeypatch.setattr(workspaces.internal, "upsert_view2", upsert)
    return views


def section(view: Any) -> dict[str, Any]:
    return json.loads(view.spec.model_dump_json(by_alias=True))["section"]  # type: ignore[no-any-return]


def test_the_workspace_is_sent_and_its_address_is_printed(
    sent: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboard", "lab/music", "--group", "erk_lstm-abc", "--name", "ours"]) == 0
    assert "https://wandb.example/lab/music?nw=abc" in capsys.readouterr().out
    [view] = sent
    assert (view.entity, view.project, view.display_name) == ("lab", "music", "ours")
    [filters] = section(view)["runSets"][0]["filters"]["filters"]
    assert (filters["key"]["name"], filters["value"]) == ("group", "erk_lstm-abc")
    assert main(["dashboard"]) == 0
    assert (sent[1].entity, sent[1].project) == ("me", "etude")
    assert section(sent[1])["runSets"][0]["filters"]["filters"] == []


def test_each_panel_shows_what_is_logged(sent: list[Any]) -> None:
    assert main(["dashboard"]) == 0
    panels = [each for part in section(sent[0])["panelBankConfig"]["sections"] for each in part["panels"]]
    lines = [each["config"] for each in panels if each["viewType"] == "Run History Line Plot"]
    for config in lines:
        pattern = config["metricRegex"] or "|".join(f"^{name}$" for name in config["metrics"])
        shown = {name for name in LOGGED if re.search(pattern, name)}
        assert shown, config
    [loss] = [each for each in lines if each["chartTitle"] == "loss"]
    assert [name for name in LOGGED if re.search(loss["metricRegex"], name)] == [
        "train/loss", "val/loss", "baselines/loss/5-gram",
    ]  # fmt: skip
    order = section(sent[0])["runSets"][0]["sort"]["keys"][0]["key"]["name"]
    assert order == f"val/loss.{BEST['val/loss']}"
    media = [key for each in panels for key in each["config"].get("mediaKeys") or ()]
    assert {"samples/epochs/sample-1.wav", "samples/after/sample-1.score.png"} <= set(media)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["a/b/c"], "PROJECT or ENTITY/PROJECT"),
        (["/b"], "PROJECT or ENTITY/PROJECT"),
        (["--group"], "expected one argument"),
    ],
)
def test_what_is_mistyped_is_refused(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", *words]) == 2
    assert why in capsys.readouterr().err


def test_without_an_account_offline_runs_can_be_seen(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wandb, "login", lambda prompt: False)
    assert main(["dashboard"]) == 2
    assert "type wandb login first, or look at an offline run with wandb leet" in capsys.readouterr().err
    assert sent == []


def test_a_server_that_refuses_is_one_sentence(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(view: Any) -> None:
        raise wandb.errors.CommError("project not found")

    monkeypatch.setattr(workspaces.internal, "upsert_view2", refused)
    assert main(["dashboard"]) == 2
    assert "W&B did not take the workspace: project not found" in capsys.readouterr().err
