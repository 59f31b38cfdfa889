"""``etude job FOLDER``: run one job of a sweep by itself, from its frozen configuration."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from etude.errors import EtudeError

if TYPE_CHECKING:
    from etude.config.frozen import FrozenJob

# what a job may call, and the schema of its configuration: our verbs, whatever job.json says
TARGETS = {
    "etude.commands.prepare:prepare": "prepare",
    "etude.commands.train:train": "train",
    "etude.commands.draw:draw": "train",
    "etude.commands.sample:sample": "sample",
    "etude.commands.evaluate:evaluate": "evaluate",
}


def run_job(words: Sequence[str]) -> int:
    """Run a job with its output on the terminal; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="etude job",
        description="Run one job of a sweep in this process, as frozen when the sweep was typed.",
    )
    parser.add_argument("folder", type=Path, help="outputs/sweeps/SWEEP/jobs/NUMBER")
    folder = parser.parse_args(words).folder

    from etude.sweeps.sweep_folder import JobFolder
    from etude.sweeps.tasks import run_job_folder

    job = JobFolder(folder)
    job.job = checked(job.job, folder)
    outcome = run_job_folder(job, to_log=False)
    return 1 if outcome.trace else 2 if outcome.error else 0


def checked(job: FrozenJob, folder: Path) -> FrozenJob:
    """Return a stored job, checked as a stored run is, with today's addresses and loggers.

    EtudeError for a job that calls another function than a verb of Étude's, has settings that this version
    does not know, or puts its runs outside the outputs folder that holds it.
    """
    from etude.config.compose import compose, plain
    from etude.config.resolved import ResolvedConfig
    from etude.config.stored import check_stored
    from etude.config.today import places_today
    from etude.sweeps.creation import in_group

    verb = TARGETS.get(job.target)
    if verb is None:
        raise EtudeError(f"{folder / 'job.json'}: a job is a verb of Étude's, not {job.target}")
    config, defaults = dict(job.config), plain(compose("train"))
    outputs = config.get("outputs_dir")
    if outputs is not None and not folder.resolve().is_relative_to(Path(str(outputs)).resolve()):
        raise EtudeError(
            f"{folder / 'job.json'}: its runs would go to {outputs}, which does not hold the sweep; call "
            "etude job from the folder in which the sweep was typed"
        )
    config = places_today(config, defaults)
    if "ray" in config:
        config["ray"] = None  # a cluster runs code, and its results are unpickled here
    whole, _, problems = check_stored(config, job.defaults or defaults, verb)
    if problems:
        lines = [f"  {problem.what}: {problem.why}" for problem in problems]
        raise EtudeError("\n".join([f"this version of Étude cannot run {folder / 'job.json'}:", *lines]))
    return replace(job, config=in_group(ResolvedConfig(whole), folder.resolve().parents[1].name))
