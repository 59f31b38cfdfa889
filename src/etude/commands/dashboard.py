"""``etude dashboard``: a workspace in Weights & Biases that shows runs as Étude logs them."""

from __future__ import annotations

from collections.abc import Sequence

from etude.commands.arguments import Words
from etude.errors import EtudeError
from etude.terminal import say

_ABOUT = """\
Make a workspace in Weights & Biases for a project: loss and accuracy beside the baselines, samples to hear
and see before, during and after training, settings against loss, optimisation and speed. It needs an account
and runs that were sent (logger.wandb.mode=online, or wandb sync). Without an account, look at offline runs
with `wandb leet outputs/NAME/RUN/wandb`."""

_OTHERWISE = "look at an offline run with wandb leet outputs/NAME/RUN/wandb"


def dashboard(words: Sequence[str]) -> int:
    """Save a workspace and print its address; return 0."""
    parser = Words("dashboard", _ABOUT, outputs=False)
    parser.add_argument(
        "project", nargs="?", default="etude", metavar="[ENTITY/]PROJECT", help="of the runs (default: etude)"
    )
    parser.add_argument("--group", help="show the runs of this group alone, such as a sweep's")
    parser.add_argument("--name", default="Étude", help="name of the workspace (default: Étude)")
    flags = parser.read(words)
    entity, slash, project = flags.project.rpartition("/")
    if not project or "/" in entity or (slash and not entity):
        raise EtudeError(f"{flags.project}: PROJECT or ENTITY/PROJECT")

    from etude.reports.wandb_workspace import check_installed, saved, workspace
    from etude.training.wandb_account import check_login

    check_installed()
    check_login("etude dashboard", _OTHERWISE)
    say(saved(workspace(entity or _own_entity(), project, name=flags.name, group=flags.group)))
    return 0


def _own_entity() -> str:
    import wandb

    entity = wandb.Api().default_entity
    if not entity:
        raise EtudeError("W&B names no default entity: type etude dashboard ENTITY/PROJECT")
    return str(entity)
